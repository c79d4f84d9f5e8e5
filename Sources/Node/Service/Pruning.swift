internal import Logging
internal import Storage

/// Which blocks a node keeps.
public enum BlocksPruning: Sendable, Hashable {
    /// All, those of other branches too.
    case archive
    /// All final ones.
    case archiveCanonical
    /// So many newest final ones, and those that end a validator set.
    case newest(UInt32)

    /// The fewest blocks that may be kept.
    public static let minimumCount = BlockRetention.minimumCount
}

extension NodeConfiguration {
    /// How much the store keeps.
    var storeOptions: NodeStore.Options {
        var options = NodeStore.Options()
        options.recentCertificateCount = keptCertificateCount
        options.certificateInterval = max(1, certificateInterval)
        options.blocks =
            switch blocksPruning {
            case .archive: .archive
            case .archiveCanonical: .archiveCanonical
            case .newest(let count): .newest(count)
            }
        return options
    }
}

/// Removes what need not be kept while the node runs, in small steps with pauses between them.
struct Pruning: Sendable {
    private let storage: StorageBridge
    private let logger = Logger(label: "storage")

    /// The most rows of a kind that one step removes.
    private static let stepLimit = 128
    private static let pauseBetweenSteps = Duration.milliseconds(250)
    private static let pause = Duration.seconds(20)

    init(_ storage: StorageBridge) { self.storage = storage }

    /// Runs until the task is cancelled. A step that fails is tried again after the pause: a disk
    /// that is really broken ends the node at the next commit.
    func run() async {
        while !Task.isCancelled {
            var hasMore = false
            do {
                let step = try await storage.prune(limit: Self.stepLimit)
                hasMore = step.hasMore
                if step.blockCount + step.certificateCount > 0 {
                    logger.debug(
                        "Pruned \(step.blockCount) blocks and \(step.certificateCount) certificates"
                    )
                }
            } catch {
                logger.warning("Pruning failed and will be tried again: \(error)")
            }
            do {
                try await Task.sleep(for: hasMore ? Self.pauseBetweenSteps : Self.pause)
            } catch {
                return
            }
        }
    }
}
