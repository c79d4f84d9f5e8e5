internal import Chain
internal import Coherence
internal import Primitives

/// The plan of an adversary who knows the protocol, for one round: the attacks on locks and
/// certificates all need that a quorum is seen by some only, and that the validator who proposes
/// next is not, or is the only one, among them.
struct Strategy {
    private enum Audience {
        case everybody
        case nobody
        case only(Int)
        case allBut(Int)

        func contains(_ validator: Int) -> Bool {
            switch self {
            case .everybody: true
            case .nobody: false
            case .only(let one): validator == one
            case .allBut(let one): validator != one
            }
        }
    }

    /// Who hears prevotes and quorum certificates of the round.
    private var prevotes = Audience.everybody
    /// Who hears precommits and certificates of the round.
    private var precommits = Audience.everybody
    /// Of whom nobody hears a precommit or certificate of the round, while he hears all: he alone
    /// can make the certificate, and the others leave the round all the same.
    private var muted: Int?
    /// How long after the round was first heard of; nil for as long as the weather lasts.
    private(set) var length: Duration?

    /// The plan for a round; nil when the round is let alone.
    init?(for round: RoundNumber, seed: UInt64, permille: Int, in set: ValidatorSet) {
        var plan = SeededGenerator(seed: seed &+ round.rawValue &* 0x9E37_79B9)
        guard plan.chance(permille: permille) else { return nil }
        let count = set.count
        func primary(after distance: UInt64) -> Int {
            Int(set.primary(of: RoundNumber(round.rawValue &+ distance)).rawValue)
        }
        switch plan.draw(0...5) {
        case 0: prevotes = .allBut(primary(after: 1))
        case 1: prevotes = .only(primary(after: 2))
        case 2: prevotes = .only(primary(after: 1))
        case 3: prevotes = .allBut(plan.draw(0...(count - 1)))
        case 4: prevotes = .only(plan.draw(0...(count - 1)))
        default: break
        }
        switch plan.draw(0...7) {
        case 0, 1, 2, 3: muted = plan.draw(0...(count - 1))
        case 4: precommits = .only(plan.draw(0...(count - 1)))
        case 5: precommits = .nobody
        case 6: precommits = .allBut(plan.draw(0...(count - 1)))
        default: break
        }
        if plan.chance(permille: 500) {
            length = plan.duration(.milliseconds(300) ... .seconds(6))
        }
    }

    /// Whether some content of the round, sent by one validator, is kept from another one.
    func keeps(
        _ content: DropRule.Content, of sender: Int, from validator: Int
    ) -> Bool {
        switch content {
        case .prevotes, .quorumCertificates: !prevotes.contains(validator)
        case .precommits, .certificates: sender == muted || !precommits.contains(validator)
        }
    }
}

extension ValidatorSet {
    /// The primary of a round, as docs/protocol.md defines it.
    func primary(of round: RoundNumber) -> ValidatorIndex {
        let count = UInt64(self.count)
        var seed: UInt64 = 0
        for byte in hash.bytes.prefix(8).reversed() { seed = seed << 8 | UInt64(byte) }
        return ValidatorIndex(UInt16((round.rawValue % count + seed % count) % count))
    }
}
