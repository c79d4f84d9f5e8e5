/// Where an honest validator stands: what its rules read, and nothing else.
package struct ModelValidator: Sendable, Hashable {
    /// How many slots, in their order, are behind it for ever: it has voted in the last of them and
    /// the vote is durable and sent.
    package var signed = 0
    /// How many slots are behind it as long as it lives. Above `signed` when it left slots out, or
    /// decided them and the vote never came to be stored.
    package var cursor = 0
    /// Its lock: 0 for none, else 1 + round * 6 + block - 1. Always durable.
    package var lock = 0
    /// F, a block's number.
    package var finalised = 0
    /// c(F) + 1; 0 before the first certificate.
    package var firstOpen = 0

    package init() {}

    /// 19 are used.
    static let bitCount = 21

    init(packed: UInt64) {
        signed = Int(packed & 15)
        cursor = Int(packed >> 4 & 15)
        lock = Int(packed >> 8 & 31)
        finalised = Int(packed >> 13 & 7)
        firstOpen = Int(packed >> 16 & 7)
    }

    var packed: UInt64 {
        UInt64(signed) | UInt64(cursor) << 4 | UInt64(lock) << 8 | UInt64(finalised) << 13
            | UInt64(firstOpen) << 16
    }

    /// The locked block's number and round.
    package var lockedBlock: (block: Int, round: Int)? {
        lock == 0 ? nil : ((lock - 1) % 6 + 1, (lock - 1) / 6)
    }

    static func lock(on block: Int, in round: Int) -> Int { 1 + round * 6 + block - 1 }
}

/// A state of the model: 32 bytes.
///
/// Slot 2r is the prevote of round r, slot 2r+1 its precommit. A *ballot set* is a word with bit
/// slot * 6 + block - 1 for a vote for a block in a slot. Nil votes leave no bit: no quorum is for
/// nothing.
package struct ModelState: Sendable, Hashable {
    /// By honest validator: the ballots that it has sent.
    package var ballots: BallotSets
    /// By honest validator: 21 bits each.
    package var validators: UInt64 = 0

    package init() { ballots = BallotSets() }

    package subscript(validator: Int) -> ModelValidator {
        get {
            ModelValidator(
                packed: validators >> UInt64(validator * ModelValidator.bitCount) & 0x1F_FFFF)
        }
        set {
            let shift = UInt64(validator * ModelValidator.bitCount)
            validators = validators & ~(0x1F_FFFF << shift) | newValue.packed << shift
        }
    }

    /// The bit of a ballot.
    static func ballot(slot: Int, block: Int) -> UInt64 { 1 << UInt64(slot * 6 + block - 1) }

    /// A well-mixed hash.
    var digest: UInt64 {
        var hash = validators &* 0x9E37_79B9_7F4A_7C15
        hash = (hash ^ hash >> 29 ^ ballots.first) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 29 ^ ballots.second) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ hash >> 29 ^ ballots.third) &* 0xBF58_476D_1CE4_E5B9
        return hash ^ hash >> 32
    }
}

/// The ballot sets of three honest validators.
package struct BallotSets: Sendable, Hashable {
    package var first: UInt64 = 0
    package var second: UInt64 = 0
    package var third: UInt64 = 0

    package init() {}

    package subscript(index: Int) -> UInt64 {
        get { index == 0 ? first : index == 1 ? second : third }
        set {
            switch index {
            case 0: first = newValue
            case 1: second = newValue
            default: third = newValue
            }
        }
    }
}
