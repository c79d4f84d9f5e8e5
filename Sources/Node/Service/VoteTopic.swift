internal import Chain
internal import Coherence
internal import LibP2P
internal import Networking
internal import Primitives
internal import Synchronization
internal import Validator
internal import VoteGossip

/// The topic on which votes travel by GossipSub, beside the notifications protocol: the same bytes,
/// for networks beyond a full mesh and for observers with any libp2p (docs/networking.md,
/// "GossipSub").
///
/// Own votes, evidence and certificates go out once. What comes in is judged before the router
/// passes it on. A relay may be a node that checks nothing, so a wrong message costs its author and
/// bringer in the router's account alone; the vote gossip hears of right ones only, as if from the
/// peer that brought them.
final class VoteTopic: Sendable {
    static let name = "/quantumharmony/coherence/1"
    /// Longer messages are not published: the default of some routers refuses them.
    private static let maximumByteCount = 60 * 1_024
    /// Messages remembered as published.
    private static let publishedLimit = 1_024

    /// What became of the messages that came.
    struct Counters: Sendable, Equatable {
        var published: UInt64 = 0
        var accepted: UInt64 = 0
        var ignored: UInt64 = 0
        var rejected: UInt64 = 0
    }

    private struct State {
        var published = RecentSet<Hash256>(capacity: VoteTopic.publishedLimit)
        var counters = Counters()
    }

    private let service: PubSubService
    private let isAlone: Bool
    private let verifier: FalconVerifier
    private let state = Mutex(State())

    /// - Parameter isAlone: whether a vote that was published is not sent by notifications as well
    ///   the first time.
    init(_ service: PubSubService, isAlone: Bool, verifier: FalconVerifier) {
        self.service = service
        self.isAlone = isAlone
        self.verifier = verifier
    }

    var counters: Counters { state.withLock { $0.counters } }

    /// Publishes what the vote gossip sends, if it belongs on the topic and was not published
    /// before.
    ///
    /// - Returns: whether that takes the place of sending it. What is sent again, because a status
    ///   does not show it, always goes to the peer itself.
    func publish(_ bytes: [UInt8]) -> Bool {
        guard let kind = bytes.first.flatMap(GossipMessageKind.init),
            TopicJudge.isForTopic(kind), bytes.count <= Self.maximumByteCount
        else { return false }
        let hash = BLAKE2b256.hash(bytes)
        let isNew = state.withLock { state in
            guard state.published.insert(hash) else { return false }
            state.counters.published += 1
            return true
        }
        guard isNew else { return false }
        service.publish(bytes, to: Self.name)
        return isAlone && kind == .vote
    }

    /// Takes part in the topic until the swarm's end.
    ///
    /// - Parameter handle: the vote gossip's name of a peer.
    func run(feeding host: ValidatorHost, _ handle: (PeerID) -> PeerHandle) async {
        service.subscribe(Self.name)
        var judge = TopicJudge()
        while let event = await service.nextEvent() {
            guard case .message(let delivery) = event else { continue }
            let core = await host.core
            let verdict = judge.verdict(
                on: delivery.data, in: core.gadget.view(tree: core.tree), using: verifier)
            state.withLock { state in
                switch verdict {
                case .accept: state.counters.accepted += 1
                case .ignore: state.counters.ignored += 1
                case .reject: state.counters.rejected += 1
                }
            }
            switch verdict {
            case .accept: service.answer(delivery.id, .accept)
            case .ignore: service.answer(delivery.id, .ignore)
            case .reject: service.answer(delivery.id, .reject)
            }
            guard verdict == .accept else { continue }
            await host.submit(.notification(.votes, handle(delivery.source), delivery.data))
        }
    }
}
