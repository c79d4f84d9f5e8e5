internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE
internal import Validator
internal import VoteGossip

/// What an attacker has at hand: its keys, its core's state and the peers.
struct AttackerArms {
    /// The set that its core votes in, or follows.
    let domain: VotingDomain
    let account: AccountID
    /// All its keys, the oldest first.
    let keys: [HeldKey]
    private let node: Int
    private let nodeCount: Int
    private let running: RunningCore
    /// The slot of the wall clock.
    let slot: SlotNumber
    var random: SeededGenerator
    /// Votes that leave beside the core's own sending.
    var signed: [CoherenceVote] = []

    init(
        _ node: SimulatedNode, _ running: RunningCore, place: Int, of nodeCount: Int,
        slot: SlotNumber
    ) {
        domain = running.core.domain
        account = node.account
        keys = node.keys
        self.node = place
        self.nodeCount = nodeCount
        self.running = running
        self.slot = slot
        random = node.random
    }

    /// The own position in the set; nil when it is no member, with none of its keys.
    var validator: ValidatorIndex? { HeldKeys(keys).local(in: domain.set) }

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
        guard let key = HeldKeys(keys).publicKey(in: domain.set) else { return nil }
        return vote(phase, in: round, of: domain, for: target, state, score: score, key: key)
    }

    /// A vote in any set, signed with any of the own keys.
    mutating func vote(
        _ phase: VotePhase, in round: RoundNumber, of domain: VotingDomain,
        for target: VoteTarget, key: [UInt8]
    ) -> CoherenceVote? {
        let state = target.isNil ? QuantumState.zero : Simulator.healthyState(QBER: 50)
        return vote(
            phase, in: round, of: domain, for: target, state, score: state.coherenceScore ?? 0,
            key: key)
    }

    private mutating func vote(
        _ phase: VotePhase, in round: RoundNumber, of domain: VotingDomain,
        for target: VoteTarget, _ state: QuantumState, score: UInt64, key: [UInt8]
    ) -> CoherenceVote? {
        let score = target.isNil ? 0 : score
        let message = domain.signedBytes(
            round: round, phase: phase, validator: account, target: target,
            coherenceScore: score, quantumState: state)
        let bytes = KeyedHashScheme.sign(message, key: key, nonce: random.next())
        guard let signature = VoteSignature(bytes) else { return nil }
        let vote = CoherenceVote(
            validator: account, target: target, coherenceScore: score, quantumState: state,
            signature: signature, phase: phase, round: round, setID: domain.set.id)
        // What is signed with another key than the set's is no vote.
        let member = domain.set.index(of: account).flatMap(domain.set.validator)
        if member?.falconPublicKey == key { signed.append(vote) }
        return vote
    }

    /// A vote of the core's, durable or not yet: an attacker need not wait for its disk.
    mutating func storedVote() -> CoherenceVote? {
        guard let vote = random.pick(view.ownVotes)?.vote else { return nil }
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
            HeldKeys(keys).local(in: state.setInForce) == builder.author,
            let key = HeldKeys(keys).publicKey(in: state.setInForce)
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
        ownSlots(in: domain.set, back: back, ahead: ahead)
    }

    /// The slots of a set that are one's own, up to some after the current one, the latest first.
    func ownSlots(in set: ValidatorSet, back: UInt64, ahead: UInt64) -> [SlotNumber] {
        let validator = HeldKeys(keys).local(in: set)
        let last = slot.rawValue + ahead
        return (last - min(last, back + ahead)...last).reversed().map(SlotNumber.init)
            .filter { set.author(of: $0) == validator }
    }
}
