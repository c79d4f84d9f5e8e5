internal import Chain
internal import Coherence
internal import Primitives

/// What an observer who sees everything knows of a run: all blocks, all votes that left an honest
/// node or were made by an attacker, and what became final by them.
struct History: Sendable {
    /// The sets that were activated, by id.
    private var sets: [ValidatorSet] = []
    /// By block: the set that votes on its children.
    private var nextSets: [Hash256: SetID]
    private var handOffs: [Hash256: HandOff] = [:]
    private let genesis: Hash256
    private var parents: [Hash256: Hash256] = [:]
    private var heights: [Hash256: UInt32]
    /// The final chain by height.
    private(set) var canonical: [Hash256]
    /// The content of the slots of honest keys.
    private var votes: [VoteSlot: VoteTarget] = [:]
    private var ballots: [Ballot: UInt128] = [:]
    private var quorums: [SetRound: VoteTarget] = [:]
    private var authored: [Authorship: Hash256] = [:]
    /// Certificates whose blocks no honest node has imported yet.
    private var pending: [(target: VoteTarget, round: SetRound)] = []
    /// The rounds that a certificate was made of.
    private(set) var decidedRoundCount: UInt64 = 0
    private var decidedRounds: Set<SetRound> = []
    /// By set: the highest round that an honest node entered.
    private var highestRounds: [RoundNumber?] = []
    /// How many rounds were entered, over all sets.
    private(set) var enteredRoundCount: UInt64 = 0

    /// A round of a set.
    struct SetRound: Hashable {
        let set: SetID
        let round: RoundNumber
    }

    private struct Ballot: Hashable {
        let round: SetRound
        let phase: VotePhase
        let target: VoteTarget
    }

    private struct Authorship: Hashable {
        let author: Int
        let slot: SlotNumber
    }

    init(set: ValidatorSet, genesis: Hash256) {
        self.genesis = genesis
        heights = [genesis: 0]
        nextSets = [genesis: set.id]
        canonical = [genesis]
        begin(set)
    }

    /// The next set was activated.
    mutating func begin(_ set: ValidatorSet) {
        precondition(set.count <= 128, "a ballot is a bitmap of 128 bits")
        precondition(set.id.rawValue == UInt64(sets.count), "sets follow each other")
        sets.append(set)
        highestRounds.append(nil)
    }

    /// The newest final block.
    var finalised: BlockRef {
        BlockRef(
            hash: canonical[canonical.count - 1],
            number: BlockNumber(UInt32(canonical.count - 1)))
    }

    /// An honest node entered a round of a set that was activated.
    ///
    /// - Returns: whether a set has not begun at round 0.
    mutating func entered(_ round: RoundNumber, of set: SetID) -> Bool {
        let place = Int(set.rawValue)
        let highest = highestRounds[place]
        guard highest.map({ round > $0 }) ?? true else { return false }
        enteredRoundCount += round.rawValue + 1 - (highest.map { $0.rawValue + 1 } ?? 0)
        highestRounds[place] = round
        return highest == nil && round.rawValue > 0
    }

    // MARK: Blocks

    /// Whether a block was in some node's tree.
    func knows(_ hash: Hash256) -> Bool { heights[hash] != nil }

    /// A block entered some node's tree.
    mutating func add(_ header: Header) -> Violation? {
        guard heights.updateValue(header.number.rawValue, forKey: header.hash) == nil else {
            return nil
        }
        parents[header.hash] = header.parentHash
        let handOff = header.handOff
        if let handOff { handOffs[header.hash] = handOff }
        if let set = nextSets[header.parentHash] {
            nextSets[header.hash] = handOff == nil ? set : SetID(set.rawValue + 1)
        }
        let due = pending.filter { $0.target.hash == header.hash }
        guard !due.isEmpty else { return nil }
        pending.removeAll { $0.target.hash == header.hash }
        for item in due {
            if let violation = extend(to: item.target, round: item.round) { return violation }
        }
        return nil
    }

    /// What a block hands over to; nil for ordinary blocks and unknown ones.
    func handOff(of hash: Hash256) -> HandOff? { handOffs[hash] }

    /// An honest author showed a block of its own.
    mutating func authored(_ header: Header, by author: Int, in slot: SlotNumber) -> Violation? {
        let place = Authorship(author: author, slot: slot)
        guard let earlier = authored.updateValue(header.hash, forKey: place),
            earlier != header.hash
        else { return nil }
        return .doubleBlock(author: author, slot, earlier, header.hash)
    }

    // MARK: Votes

    /// A vote that can be seen by others.
    mutating func add(
        _ slot: VoteSlot, _ target: VoteTarget, isHonest: Bool, checksContent: Bool
    ) -> Violation? {
        if isHonest {
            let earlier = votes.updateValue(target, forKey: slot)
            if earlier == target { return nil }
            if let earlier, checksContent { return .doubleVote(slot, earlier, target) }
        }
        guard !target.isNil, slot.setID.rawValue < UInt64(sets.count) else { return nil }
        let set = sets[Int(slot.setID.rawValue)]
        let round = SetRound(set: set.id, round: slot.round)
        let ballot = Ballot(round: round, phase: slot.phase, target: target)
        let before = ballots[ballot] ?? 0
        let after = before | 1 << UInt128(slot.validator.rawValue)
        guard after != before else { return nil }
        ballots[ballot] = after
        guard after.nonzeroBitCount >= set.quorum, before.nonzeroBitCount < set.quorum else {
            return nil
        }
        switch slot.phase {
        case .prevote:
            let earlier = quorums.updateValue(target, forKey: round)
            return earlier.map { .conflictingQuorums(round: slot.round, $0, target) }
        case .precommit: return extend(to: target, round: round)
        }
    }

    /// How many validators precommitted a block in a round, as far as anybody could know.
    func backers(of target: VoteTarget, in round: SetRound) -> Int {
        ballots[Ballot(round: round, phase: .precommit, target: target)]?.nonzeroBitCount ?? 0
    }

    // MARK: Finality

    /// A certificate for a block exists or could be put together.
    mutating func extend(to target: VoteTarget, round: SetRound) -> Violation? {
        if decidedRounds.insert(round).inserted { decidedRoundCount += 1 }
        guard heights[target.hash] == target.number.rawValue else {
            pending.append((target, round))
            return nil
        }
        if let parent = parents[target.hash], let set = nextSets[parent], set != round.set {
            return .beyondHandOff(target, of: round.set, round: round.round)
        }
        var path: [Hash256] = []
        var step = target.hash
        while let height = heights[step], height >= canonical.count {
            path.append(step)
            guard let parent = parents[step] else { break }
            step = parent
        }
        guard let height = heights[step], canonical[Int(height)] == step else {
            let known = canonical[min(canonical.count - 1, Int(heights[step] ?? 0))]
            return .conflictingCertificate(target, round: round.round, canonical: known)
        }
        canonical += path.reversed()
        return nil
    }

    /// The final block at a height, if there is one.
    func final(at number: BlockNumber) -> Hash256? {
        Int(number.rawValue) < canonical.count ? canonical[Int(number.rawValue)] : nil
    }
}
