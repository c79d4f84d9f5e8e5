internal import Coherence
internal import Primitives
internal import Validator

/// A Byzantine validator: a core of which somebody reads along and changes what leaves.
protocol Attacker: Sendable {
    /// What people call it.
    static var name: String { get }

    /// What leaves instead of a message.
    mutating func send(
        _ message: OutboundMessage, on channel: Channel, to peers: [PeerHandle],
        with arms: inout AttackerArms
    ) -> [AttackerMessage]
}

/// The attackers that there are.
package enum AttackerKind: Sendable, Hashable, CaseIterable {
    case equivocator, invalidSigner, silent, selectiveSender, roundRunner

    var attacker: any Attacker {
        switch self {
        case .equivocator: Equivocator()
        case .invalidSigner: InvalidSigner()
        case .silent: SilentValidator()
        case .selectiveSender: SelectiveSender()
        case .roundRunner: RoundRunner()
        }
    }
}

/// A message that an attacker sends.
struct AttackerMessage: Sendable {
    let channel: Channel
    let peers: [PeerHandle]
    let message: OutboundMessage
}

/// What an attacker has at hand.
struct AttackerArms: Sendable {
    let domain: VotingDomain
    let validator: ValidatorIndex
    let key: [UInt8]
    /// Blocks above the finalised one that votes might be given to, the best first.
    let candidates: [VoteTarget]
    /// The state to vote with.
    let quantumState: QuantumState
    var random: SeededGenerator
    /// Votes that were signed beside those that the core knows of.
    var signed: [CoherenceVote] = []

    /// The own vote of a slot for another target, signed.
    mutating func vote(like vote: CoherenceVote, for target: VoteTarget) -> CoherenceVote? {
        let state = target.isNil ? QuantumState.zero : quantumState
        let score = target.isNil ? 0 : state.coherenceScore ?? 0
        let message = domain.signedBytes(
            round: vote.round, phase: vote.phase, validator: vote.validator, target: target,
            coherenceScore: score, quantumState: state)
        let bytes = KeyedHashScheme.sign(message, key: key, nonce: random.next())
        guard let signature = VoteSignature(bytes) else { return nil }
        let other = CoherenceVote(
            validator: vote.validator, target: target, coherenceScore: score, quantumState: state,
            signature: signature, phase: vote.phase, round: vote.round, setID: vote.setID)
        signed.append(other)
        return other
    }
}
