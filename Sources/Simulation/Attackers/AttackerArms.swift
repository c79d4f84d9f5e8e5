internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// What an attacker has at hand: its key, its core's state and the peers.
struct AttackerArms {
    let domain: VotingDomain
    let validator: ValidatorIndex
    let key: [UInt8]
    private let node: Int
    private let nodeCount: Int
    private let running: RunningCore
    /// The slot of the wall clock.
    let slot: SlotNumber
    var random: SeededGenerator
    /// Votes that were signed beside those that the core knows of.
    var signed: [CoherenceVote] = []

    init(
        _ node: SimulatedNode, _ running: RunningCore, place: Int, of nodeCount: Int,
        domain: VotingDomain, slot: SlotNumber
    ) {
        self.domain = domain
        validator = node.validator
        key = node.key
        self.node = place
        self.nodeCount = nodeCount
        self.running = running
        self.slot = slot
        random = node.random
    }

    /// All other nodes.
    var peers: [PeerHandle] { (0..<nodeCount).filter { $0 != node }.map(Simulator.handle) }
    /// The core's block tree.
    var tree: BlockTree { running.core.tree }
    /// The core's voting state.
    var view: VotingView { running.core.votingView() }

    /// Blocks above the finalised one that votes might be given to, the best first.
    var candidates: [VoteTarget] {
        var candidates: [VoteTarget] = []
        for head in tree.heads.prefix(4) where head != tree.finalised {
            candidates.append(VoteTarget(head))
            if let parent = tree.parent(of: head.hash).flatMap(tree.ref),
                parent.number > tree.finalised.number, !candidates.contains(VoteTarget(parent))
            {
                candidates.append(VoteTarget(parent))
            }
        }
        return candidates
    }

    /// Some of the peers.
    mutating func somePeers(permille: Int = 500) -> [PeerHandle] {
        var chosen: [PeerHandle] = []
        for peer in peers where random.chance(permille: permille) { chosen.append(peer) }
        return chosen
    }

    // MARK: Votes

    /// An own vote with a healthy state, signed; nil votes carry none.
    mutating func vote(
        _ phase: VotePhase, in round: RoundNumber, for target: VoteTarget
    ) -> CoherenceVote? {
        let state = target.isNil ? QuantumState.zero : Simulator.healthyState(QBER: 50)
        return vote(phase, in: round, for: target, state, score: state.coherenceScore ?? 0)
    }

    /// An own vote with any state and score, signed.
    mutating func vote(
        _ phase: VotePhase, in round: RoundNumber, for target: VoteTarget, _ state: QuantumState,
        score: UInt64
    ) -> CoherenceVote? {
        guard let identity = domain.set.validator(at: validator) else { return nil }
        let score = target.isNil ? 0 : score
        let message = domain.signedBytes(
            round: round, phase: phase, validator: identity.account, target: target,
            coherenceScore: score, quantumState: state)
        let bytes = KeyedHashScheme.sign(message, key: key, nonce: random.next())
        guard let signature = VoteSignature(bytes) else { return nil }
        let vote = CoherenceVote(
            validator: identity.account, target: target, coherenceScore: score,
            quantumState: state, signature: signature, phase: phase, round: round,
            setID: domain.set.id)
        signed.append(vote)
        return vote
    }

    /// The own vote of a slot for another target, signed.
    mutating func vote(like vote: CoherenceVote, for target: VoteTarget) -> CoherenceVote? {
        self.vote(vote.phase, in: vote.round, for: target)
    }

    // MARK: Messages

    func message(_ message: GossipMessage, to peers: [PeerHandle]) -> AttackerMessage {
        raw(message.scaleBytes, to: peers)
    }

    func raw(
        _ bytes: [UInt8], on channel: Channel = .votes, to peers: [PeerHandle]
    ) -> AttackerMessage {
        AttackerMessage(
            channel: channel, peers: peers,
            message: OutboundMessage(bytes: bytes, priority: OutboundPriority.bundle))
    }

    // MARK: Blocks

    /// An own block without extrinsics, sealed; nil when the slot is another author's or the parent
    /// is not in the tree.
    mutating func block(on parent: Hash256, in slot: SlotNumber) -> Block? {
        guard let header = tree.header(parent), let state = tree.state(of: parent),
            let builder = try? BlockBuilder(
                parent: header, parentState: state, slot: slot, extrinsics: [],
                evidence: .doubleVotes(genesisHash: domain.genesisHash)),
            builder.author == validator
        else { return nil }
        return builder.seal(
            KeyedHashScheme.sign(builder.message, key: key, nonce: random.next()))
    }

    func announcement(of block: Block, to peers: [PeerHandle]) -> AttackerMessage {
        raw(
            BlockAnnouncement(header: block.header, isBest: true).scaleBytes, on: .blocks,
            to: peers)
    }

    /// The own slots up to some after the current one, the latest first.
    func ownSlots(back: UInt64, ahead: UInt64) -> [SlotNumber] {
        let last = slot.rawValue + ahead
        return (last - min(last, back + ahead)...last).reversed().map(SlotNumber.init)
            .filter { domain.set.author(of: $0) == validator }
    }
}
