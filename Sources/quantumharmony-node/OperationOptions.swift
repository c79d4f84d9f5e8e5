import ArgumentParser
import Foundation
import Glibc
import Node

/// How the node is run by other programs and by operators.
struct OperationOptions: ParsableArguments {
    @Flag(
        name: .customLong("announce-public-only"),
        help: ArgumentHelp(
            "Tell peers the addresses of --public-addr only, not those listened on.",
            discussion: "For nodes behind sentries or relays."))
    var announcesPublicOnly = false

    @Flag(
        name: .customLong("until-input-ends"),
        help: ArgumentHelp(
            "Stop when standard input ends.",
            discussion:
                "For programs that start nodes: however such a program ends, its nodes end with it."
        ))
    var runsUntilInputEnds = false

    @Option(
        help: ArgumentHelp(
            "Which blocks are kept: archive (all), archive-canonical (all final ones), or so many newest final ones.",
            discussion:
                "Genesis and the blocks that end a validator set always stay. At least \(BlocksPruning.minimumCount).",
            valueName: "archive|archive-canonical|number"),
        transform: Self.pruning)
    var blocksPruning = BlocksPruning.archiveCanonical

    @Option(help: "All certificates of so many newest blocks are kept; at least 64.")
    var certificatesKeep: UInt32 = 4_096

    @Option(
        help: ArgumentHelp(
            "Of older blocks, the newest certificate of each so many heights is kept (and of each validator set).",
            valueName: "heights"))
    var certificatesInterval: UInt32 = 512

    @Option(
        help: ArgumentHelp(
            "How log lines are written to standard error: json is an object a line.",
            valueName: "text|json"),
        transform: Self.format)
    var logFormat = LogFormat.text

    func validate() throws {
        guard certificatesKeep >= 64, certificatesInterval >= 1 else {
            throw ValidationError(
                "--certificates-keep takes 64 or more, --certificates-interval 1 or more.")
        }
    }

    private static func format(_ text: String) throws -> LogFormat {
        guard let format = LogFormat(rawValue: text) else {
            throw ValidationError("--log-format takes text or json, not '\(text)'.")
        }
        return format
    }

    private static func pruning(_ text: String) throws -> BlocksPruning {
        switch text {
        case "archive": return .archive
        case "archive-canonical": return .archiveCanonical
        default:
            guard let count = UInt32(text), count >= BlocksPruning.minimumCount else {
                throw ValidationError(
                    "--blocks-pruning takes archive, archive-canonical or a number from \(BlocksPruning.minimumCount) on, not '\(text)'."
                )
            }
            return .newest(count)
        }
    }

    func apply(to configuration: inout NodeConfiguration) {
        configuration.blocksPruning = blocksPruning
        configuration.keptCertificateCount = certificatesKeep
        configuration.certificateInterval = certificatesInterval
        configuration.announcesPublicAddressesOnly = announcesPublicOnly
    }

    /// Begins to watch standard input if that was asked for.
    func watchInput() {
        guard runsUntilInputEnds else { return }
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 256)
            while true {
                let count = read(0, &buffer, buffer.count)
                if count > 0 || (count < 0 && errno == EINTR) { continue }
                break
            }
            // Not raise, which tells this thread only.
            kill(getpid(), SIGTERM)
            // Whoever started the node is gone: nobody else ends one that hangs.
            sleep(10)
            kill(getpid(), SIGKILL)
        }
    }
}
