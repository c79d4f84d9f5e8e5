internal import Chain
internal import Coherence
internal import Primitives
internal import RPC
internal import Synchronization
internal import Validator

/// Tells the subscribers of RPC what the core did.
///
/// What only the core remembers at the moment of its decision (a vote's content, a final block's
/// header) is noted then; it is published when the event is told, behind what has to be durable
/// first. Nothing is noted for topics without subscribers.
final class SubscriptionFeed: Sendable {
    /// What RPC serves subscriptions from.
    let hub = SubscriptionHub()
    private let addressPrefix: UInt16
    private let timings: VoteTimings

    private struct Noted {
        var votes: [VoteSlot: VoteNotice] = [:]
        var headers: [Hash256: Header] = [:]
        /// The head that subscribers were told of last.
        var best: BlockRef?
    }

    private let noted = Mutex(Noted())

    init(addressPrefix: UInt16, timings: VoteTimings) {
        self.addressPrefix = addressPrefix
        self.timings = timings
    }

    // MARK: When the core decides

    /// Notes what events will be told with.
    ///
    /// - Parameter finalised: the finalised height before these effects.
    func note(
        _ effects: [ValidatorCore.Effect], of core: ValidatorCore, finalised: BlockNumber
    ) {
        let wantsVotes = hub.hasSubscribers(of: .votes)
        let wantsHeaders = hub.hasSubscribers(of: .finalizedHeads)
        guard wantsVotes || wantsHeaders else { return }
        var view: VotingView?
        for effect in effects {
            switch effect {
            case .event(.voting(.counted(let slot, let target, _, _))) where wantsVotes:
                let current = view ?? core.gadget.view(tree: core.tree)
                view = current
                guard let vote = current.heldVote(in: slot, for: target) else { continue }
                let notice = VoteNotice(
                    report: VoteReport(index: slot.validator, vote: vote.vote),
                    isOwn: core.keys.local(in: core.domain.set) == slot.validator,
                    receivedAt: NodeClock.unixMilliseconds(),
                    isLate: target.block.map { $0.number <= finalised } ?? false)
                noted.withLock { $0.votes[slot] = notice }
            case .event(.finalised(_, let block)) where wantsHeaders:
                guard let header = core.tree.header(block.hash) else { continue }
                noted.withLock { $0.headers[block.hash] = header }
            default: continue
            }
        }
    }

    // MARK: When an event is told

    func tell(_ event: ValidatorEvent, of core: ValidatorCore) {
        switch event {
        case .imported(let block, _, let isBest, _):
            hub.publish(.allHeads) { block.header.json }
            guard isBest else { return }
            noted.withLock { $0.best = block.header.ref }
            hub.publish(.newHeads) { block.header.json }
        case .finalised(let certificate, let block): finalised(certificate, block, core)
        case .voting(.counted(let slot, _, _, _)):
            guard let notice = noted.withLock({ $0.votes.removeValue(forKey: slot) }) else {
                return
            }
            hub.publish(.votes) { notice.json(addressPrefix: addressPrefix) }
        case .doubleVote(let evidence):
            hub.publish(.votes) { evidence.json(addressPrefix: addressPrefix) }
        default: return
        }
    }

    private func finalised(
        _ certificate: VerifiedCertificate, _ block: BlockRef, _ core: ValidatorCore
    ) {
        let header =
            noted.withLock { $0.headers.removeValue(forKey: block.hash) }
            ?? core.tree.header(block.hash)
        if let header { hub.publish(.finalizedHeads) { header.json } }
        hub.publish(.certificates) {
            CertificateNotice(
                certificate: certificate.certificate,
                finalisedAt: NodeClock.unixMilliseconds(),
                latencyMilliseconds: timings.timing(of: block)?.latencyMilliseconds
            ).json
        }
        tellOfSwitch(core.tree)
    }

    /// Finality may have made another chain the best one, without an import.
    private func tellOfSwitch(_ tree: BlockTree) {
        let best = tree.best
        guard let told = noted.withLock(\.best), told.number > tree.finalised.number,
            tree.ancestor(of: best.hash, at: told.number) != told.hash,
            let header = tree.header(best.hash)
        else { return }
        noted.withLock { $0.best = best }
        hub.publish(.newHeads) { header.json }
    }
}

extension VoteTimings.BlockTiming {
    /// From import to final; nil when one of them is not known.
    fileprivate var latencyMilliseconds: UInt64? {
        guard let imported, let finalised, imported <= finalised else { return nil }
        return (finalised.nanoseconds - imported.nanoseconds) / 1_000_000
    }
}
