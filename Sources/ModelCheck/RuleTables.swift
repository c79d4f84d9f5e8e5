internal import Chain
internal import Coherence
internal import Primitives

/// The answers of the real voting rules, looked up by small numbers: each question is put to the
/// functions of `Coherence` once, when it comes up.
struct RuleTables {
    let configuration: ModelConfiguration
    let tree: ModelTree
    let rules: VotingRules
    /// Sets of honest voters, as bits, who make a quorum together with all Byzantine validators.
    let quorumVoters: [Int]
    /// By the number of honest voters: whether that many suffice.
    let honestNeeded: Int
    /// Bit slot * 6 of every slot.
    let slotStarts: UInt64
    /// All ballots of prevote slots.
    let prevoteSlots: UInt64

    private var prevotes = WordMap()
    private let standings: [Standing]
    /// By F, block and round: the answers of rule 3.
    private var precommits: [Bool] = []
    private var lockings: [Bool] = []
    /// By F, lock and c(F) + 1: the answers of rule 6.
    private var fates: [LockFate] = []

    init(_ configuration: ModelConfiguration) {
        self.configuration = configuration
        tree = ModelTree(configuration.paths)
        rules = configuration.rules
        var quorumVoters: [Int] = []
        for voters in 0..<1 << configuration.honest
        where Self.isQuorum(voters, tree: tree, configuration) { quorumVoters.append(voters) }
        self.quorumVoters = quorumVoters
        honestNeeded = quorumVoters.map(\.nonzeroBitCount).min() ?? configuration.honest + 1
        slotStarts = (0..<2 * configuration.rounds).reduce(0) { $0 | 1 << UInt64($1 * 6) }
        prevoteSlots = (0..<configuration.rounds).reduce(0) { $0 | 0x3F << UInt64($1 * 12) }
        let known = tree
        standings = known.blocks.indices.flatMap { finalised in
            known.blocks.map { block in
                Standing(
                    of: block, finalised: known.blocks[finalised],
                    recent: known.recent[finalised], tree: known.trees[finalised])
            }
        }
        for finalised in tree.blocks.indices {
            for block in 1...ModelTree.blockLimit {
                for round in 0..<ModelConfiguration.roundLimit {
                    let isBlock = block <= tree.count
                    lockings.append(isBlock && asksLocking(block, finalised, round))
                    for current in 0..<ModelConfiguration.roundLimit {
                        precommits.append(
                            isBlock && asksPrecommit(block, finalised, round, in: current))
                    }
                }
            }
            for lock in 0..<32 {
                for firstOpen in 0..<8 { fates.append(asksFate(lock, finalised, firstOpen)) }
            }
        }
    }

    /// Counts, with the real tally, what some honest validators and all Byzantine ones can bring
    /// together for one block. Each vote comes several times, as it does when it is sent again or
    /// signed anew.
    private static func isQuorum(
        _ voters: Int, tree: ModelTree, _ configuration: ModelConfiguration
    ) -> Bool {
        let domain = ModelKeys.domain(configuration, tree)
        var tally = PhaseTally(
            validatorCount: configuration.validators,
            quorum: domain.set.quorum - configuration.rules.missingQuorumVotes,
            countsContentOnce: configuration.rules.countsContentOnce)
        let target = VoteTarget(tree.blocks[1])
        for validator in 0..<configuration.validators
        where validator >= configuration.honest || voters >> validator & 1 == 1 {
            let vote = ModelKeys.vote(
                validator, .prevote, round: RoundNumber(0), for: target, in: domain)
            for _ in 0..<configuration.validators { _ = tally.add(vote) }
        }
        return tally.quorumTargets == [target]
    }

    /// Of ballots, those whose block has a quorum in their slot, or could have one with votes that
    /// Byzantine validators may have signed.
    func quorums(_ ballots: BallotSets) -> UInt64 {
        var counted = ballots
        if !rules.countsExactly {
            for validator in 0..<configuration.honest {
                counted[validator] |= ancestorBallots(counted[validator])
            }
        }
        var found: UInt64 = 0
        for voters in quorumVoters {
            var common = ~UInt64(0)
            for validator in 0..<configuration.honest where voters >> validator & 1 == 1 {
                common &= counted[validator]
            }
            found |= common
        }
        return found & allBallots
    }

    /// Every ballot that there can be.
    var allBallots: UInt64 { slotStarts &* ((1 << UInt64(tree.count)) - 1) }

    private func ancestorBallots(_ ballots: UInt64) -> UInt64 {
        (1...tree.count).reduce(0) { found, block in
            let slots = ballots >> UInt64(block - 1) & slotStarts
            return found | slots &* tree.ancestors[block]
        } & prevoteSlots
    }

    // MARK: The rules

    /// Rule 2: the blocks that a validator may prevote, as bits, if it knows all quorums of
    /// prevotes. Fewer allow less: `mayPrevote` asks whether there *is* one.
    mutating func prevotable(_ validator: ModelValidator, round: Int, quorums: UInt64) -> UInt64 {
        let known = quorums & prevoteSlots
        let key =
            Self.compacted(known) | UInt64(validator.finalised) << 32
            | UInt64(validator.lock) << 35 | UInt64(round) << 40 | 1 << 43
        if let found = prevotes[key] { return found }
        let references = references(known)
        let finalised = tree.blocks[validator.finalised]
        var allowed: UInt64 = 0
        for block in 1...tree.count {
            let isAllowed = rules.mayPrevote(
                tree.blocks[block], in: RoundNumber(UInt64(round)), of: SetID(0),
                finalised: finalised, lock: lock(of: validator), quorums: references,
                tree: tree.trees[validator.finalised])
            if isAllowed { allowed |= 1 << UInt64(block - 1) }
        }
        prevotes[key] = allowed
        return allowed
    }

    /// The ballots of prevote slots next to each other: 30 bits.
    private static func compacted(_ ballots: UInt64) -> UInt64 {
        (0..<UInt64(ModelConfiguration.roundLimit)).reduce(0) {
            $0 | (ballots >> ($1 * 12) & 0x3F) << ($1 * 6)
        }
    }

    private func references(_ quorums: UInt64) -> [QuorumReference] {
        var found: [QuorumReference] = []
        for round in 0..<configuration.rounds {
            for block in 1...tree.count
            where quorums & ModelState.ballot(slot: 2 * round, block: block) != 0 {
                found.append(reference(block, round))
            }
        }
        return found
    }

    func reference(_ block: Int, _ round: Int) -> QuorumReference {
        QuorumReference(block: tree.blocks[block], round: RoundNumber(UInt64(round)))
    }

    private func lock(of validator: ModelValidator) -> QuorumReference? {
        validator.lockedBlock.map { reference($0.block, $0.round) }
    }

    /// Rule 3: whether a validator may precommit a block in a round by a quorum of prevotes of some
    /// round.
    func mayPrecommit(
        _ block: Int, of round: Int, _ validator: ModelValidator, in current: Int
    ) -> Bool {
        precommits[
            Self.index(block, validator.finalised, round) * ModelConfiguration.roundLimit + current]
    }

    private func asksPrecommit(
        _ block: Int, _ finalised: Int, _ round: Int, in current: Int
    ) -> Bool {
        rules.mayPrecommit(
            reference(block, round), in: RoundNumber(UInt64(current)), of: SetID(0),
            finalised: tree.blocks[finalised], tree: tree.trees[finalised])
    }

    /// Rule 3: the lock after that.
    func lock(after validator: ModelValidator, precommits block: Int, of round: Int) -> Int {
        lockings[Self.index(block, validator.finalised, round)]
            ? ModelValidator.lock(on: block, in: round) : validator.lock
    }

    private func asksLocking(_ block: Int, _ finalised: Int, _ round: Int) -> Bool {
        rules.locks(on: reference(block, round), finalised: tree.blocks[finalised])
    }

    private static func index(_ block: Int, _ finalised: Int, _ round: Int) -> Int {
        (finalised * ModelTree.blockLimit + block - 1) * ModelConfiguration.roundLimit + round
    }

    /// Rule 0: whether a slot may be decided by one who has decided or left those before `cursor`.
    ///
    /// - Parameter isLate: whether it is the precommit of a round that was left; all others are
    ///   decided in order, by broken rules too.
    func mayDecide(slot: Int, cursor: Int, isLate: Bool = false) -> Bool {
        (isLate ? rules : .production).mayDecide(
            Self.position(slot), after: cursor == 0 ? nil : Self.position(cursor - 1))
    }

    static func position(_ slot: Int) -> VotePosition {
        VotePosition(RoundNumber(UInt64(slot / 2)), slot % 2 == 0 ? .prevote : .precommit)
    }

    func standing(of block: Int, finalised: Int) -> Standing {
        standings[finalised * tree.blocks.count + block]
    }

    /// Rule 6: a validator's lock after finality has moved, or after a start; false when signing
    /// has to end.
    func reviewLock(_ validator: inout ModelValidator) -> Bool {
        guard validator.lock != 0 else { return true }
        switch fates[validator.finalised << 8 | validator.lock << 3 | validator.firstOpen] {
        case .kept: return true
        case .dropped:
            validator.lock = 0
            return true
        case .contradicted: return false
        }
    }

    private func asksFate(_ packedLock: Int, _ finalised: Int, _ firstOpen: Int) -> LockFate {
        var holder = ModelValidator()
        holder.lock = packedLock
        guard let (block, _) = holder.lockedBlock, block <= tree.count,
            let lock = lock(of: holder)
        else { return .kept }
        return rules.fate(
            of: lock, finalised: tree.blocks[finalised],
            certificateRound: firstOpen == 0 ? nil : RoundNumber(UInt64(firstOpen - 1)),
            isFinal: tree.recent[finalised].hash(at: lock.block.number) == lock.block.hash,
            tree: tree.trees[finalised])
    }

    /// Rule 5: how many slots lie behind one who had left `cursor` of them when it takes a
    /// certificate of a round.
    func cursor(after certificate: Int, from cursor: Int) -> Int {
        let next = rules.round(
            after: RoundNumber(UInt64(certificate)), from: RoundNumber(UInt64(cursor / 2)))
        return max(cursor, 2 * Int(next.rawValue))
    }

    /// A restart: what is durable, and the round that it leads to.
    func restarted(_ validator: ModelValidator) -> ModelValidator {
        var next = validator
        if !rules.remembersVotes { next.signed = 0 }
        if !rules.remembersLock { next.lock = 0 }
        if configuration.faults.contains(.losesCertificates) {
            (next.finalised, next.firstOpen) = (0, 0)
        }
        let newest = next.signed == 0 ? nil : RoundNumber(UInt64((next.signed - 1) / 2))
        let round = rules.roundAfterRestart(newest: newest, firstOpen: UInt64(next.firstOpen))
        next.cursor = max(next.signed, 2 * Int(round.rawValue))
        return next
    }
}

/// A map from words other than 0 to words: open addressing.
struct WordMap {
    private var keys: [UInt64] = Array(repeating: 0, count: 1 << 12)
    private var values: [UInt64] = Array(repeating: 0, count: 1 << 12)
    private var count = 0

    private func position(_ key: UInt64) -> Int {
        let mask = keys.count - 1
        let mixed = key &* 0x9E37_79B9_7F4A_7C15
        var position = Int(truncatingIfNeeded: mixed >> 24) & mask
        while keys[position] != 0, keys[position] != key { position = (position + 1) & mask }
        return position
    }

    subscript(key: UInt64) -> UInt64? {
        get {
            let position = position(key)
            return keys[position] == key ? values[position] : nil
        }
        set {
            let position = position(key)
            if keys[position] == 0 { count += 1 }
            (keys[position], values[position]) = (key, newValue ?? 0)
            if 2 * count > keys.count { grow() }
        }
    }

    private mutating func grow() {
        let old = (keys, values)
        keys = Array(repeating: 0, count: 2 * old.0.count)
        values = keys
        for (key, value) in zip(old.0, old.1) where key != 0 {
            let position = position(key)
            (keys[position], values[position]) = (key, value)
        }
    }
}
