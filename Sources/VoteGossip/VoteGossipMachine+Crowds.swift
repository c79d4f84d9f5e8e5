internal import Coherence
internal import Primitives

/// Votes and proofs that many have. In a large set every neighbour of a node that lacks one would send
/// it, nearly all of them in vain: what the node shows of the first copy comes too late for the others.
/// So a vote that a crowd of peers has is not forwarded at first; who lacks it asks one of the crowd.
/// Forwarding takes over when nobody asks. Of a QC or a certificate that a crowd has, chance decides
/// who sends it.
extension VoteGossipMachine {
    /// Whether the set is large enough.
    var hasCrowds: Bool { validatorCount >= configuration.smallestCrowdedSet }

    /// Nothing keeps a vote from being forwarded that was held this long.
    var longestWait: Duration {
        let lag = configuration.maximumStatusLag
        return hasCrowds ? max(lag, configuration.crowdPatience.upperBound) : lag
    }

    // MARK: Who has what

    /// The votes of a round and phase that a crowd has; nil in a small set.
    func crowded(at position: VotePosition, _ context: inout GossipContext) -> Bits? {
        guard hasCrowds else { return nil }
        if let known = context.crowds.first(where: { $0.position == position }) {
            return known.votes
        }
        let votes = votes(at: position, shownBy: configuration.crowdSize)
        context.crowds.append((position, votes))
        return votes
    }

    /// The votes of a round and phase that at least so many peers show.
    private func votes(at position: VotePosition, shownBy count: Int) -> Bits {
        var crowd = Crowd(validatorCount: validatorCount, size: count)
        for place in peers.indices where peers[place].isListening {
            crowd.add(peers[place].holdings.shownVotes(at: position))
        }
        return crowd.votes
    }

    // MARK: When it goes out

    /// When what was held since then goes out although a crowd has it.
    func release(of since: Instant) -> Instant {
        tick(in: configuration.crowdPatience, after: since)
    }

    /// When a proof of a round, held since then, is looked at again for a peer; nil when it goes out
    /// now, as always in a small set.
    ///
    /// The peer has time to show that it has it. If a crowd has it, a peer that can make it from votes,
    /// as it is not in an earlier round, has longer; and from then on chance decides who of the crowd
    /// sends it, a few at a time, until the peer shows it.
    ///
    /// - Parameter isHolder: whether the peer at a place has it.
    mutating func deferral(
        since: Instant, round: RoundNumber, to place: Int, _ now: Instant,
        isHolder: (_ machine: Self, _ place: Int) -> Bool
    ) -> Instant? {
        guard hasCrowds else { return nil }
        let shown = since + peers[place].statusLag
        guard shown <= now else { return shown }
        let crowd = peers.indices.count { peers[$0].isListening && isHolder(self, $0) }
        guard crowd >= configuration.crowdSize else { return nil }
        let due = release(of: since)
        if now < due, peers[place].round >= round { return due }
        return turn(towards: place, crowd: crowd, now)
    }

    /// When it is looked at again whether we are one of those who send a peer a proof that a crowd has;
    /// nil when we are.
    ///
    /// Chance picks a few of the crowd, and four times as many each time after: how many of the
    /// crowd are connected to the peer is not known here.
    private mutating func turn(towards place: Int, crowd: Int, _ now: Instant) -> Instant? {
        let earlier = peers[place].turn
        if now < earlier.nextAt { return earlier.nextAt }
        let isForgotten = earlier.nextAt + configuration.crowdPatience.upperBound < now
        let lostCount = isForgotten ? 0 : earlier.lostCount
        peers[place].turn.lostCount = 0
        // We are of the crowd, too.
        let drawn = Int.random(in: 0...crowd, using: &random)
        guard drawn >> (2 * lostCount) >= configuration.crowdSize else { return nil }
        peers[place].turn = (release(of: now), lostCount + 1)
        return peers[place].turn.nextAt
    }

    /// A moment so long after another, one of those at which this node does such things: as far
    /// apart as the range is wide, and others for other nodes. So one timer serves many peers.
    func tick(in range: ClosedRange<Duration>, after instant: Instant) -> Instant {
        let width = UInt64(max(1, (range.upperBound - range.lowerBound).clampedNanoseconds))
        let earliest = instant + range.lowerBound
        let since = (earliest.nanoseconds % width + width - configuration.seed % width) % width
        return since == 0 ? earliest : earliest + .nanoseconds(Int64(width - since))
    }

    // MARK: Asking

    /// A peer shows votes that we lack: crowds are asked when whatever is on its way has come.
    mutating func planAsking(_ place: Int, _ context: inout GossipContext) {
        guard hasCrowds, askingDueAt == nil else { return }
        let isLacking = context.collectedPositions.contains { position in
            let shown = peers[place].holdings.shownVotes(at: position)
            return !lacking(of: shown, at: position, context.view).isEmpty
        }
        if isLacking { planAsking(at: context.now + askingDelay(), &context) }
    }

    private mutating func planAsking(at due: Instant, _ context: inout GossipContext) {
        askingDueAt = due
        arm(.forward, at: due, &context)
    }

    /// How long to wait for what may be on its way, before asking for it: the time that half of the
    /// peers take to show what they got, and some jitter.
    mutating func askingDelay() -> Duration {
        let lags = peers.lazy.filter(\.isListening).map(\.statusLag).sorted()
        return (lags.isEmpty ? .zero : lags[lags.count / 2]) + jitter()
    }

    /// Asks for what is due: few peers, for all that crowds have and we lack.
    mutating func askCrowds(_ context: inout GossipContext) {
        guard let due = askingDueAt, due <= context.now else { return }
        askingDueAt = nil
        asked.removeAll { $0.until <= context.now }
        // Who has few peers cannot expect a crowd.
        let size = max(1, min(configuration.crowdSize, activePeers.count / 3))
        var isOpen = false
        for position in context.collectedPositions {
            var missing = lacking(
                of: votes(at: position, shownBy: size), at: position, context.view)
            guard !missing.isEmpty else { continue }
            isOpen = true
            for earlier in asked where earlier.position == position {
                missing = missing.subtracting(earlier.votes)
            }
            ask(for: missing, at: position, &context)
        }
        if isOpen { planAsking(at: context.now + configuration.answerInterval, &context) }
    }

    private mutating func ask(
        for votes: Bits, at position: VotePosition, _ context: inout GossipContext
    ) {
        var missing = votes
        for _ in 0..<configuration.maximumAskedCount {
            guard !missing.isEmpty, !peers.isEmpty else { return }
            // From anywhere, so that not all ask the same.
            let start = Int.random(in: peers.indices, using: &random)
            let best = mostHelpful(for: missing, at: position, from: start, context.view)
            guard let (place, part) = best else { return }
            missing = missing.subtracting(part)
            asked.append(
                Asked(
                    position: position, votes: part,
                    until: context.now + configuration.answerInterval))
            request(
                roundRequest(for: part, at: position, context.view), from: place, &context)
        }
    }
}

/// Counts how many peers have each vote of a round and phase, up to a bound: a binary counter whose
/// digits are bitmaps.
package struct Crowd {
    /// The votes that so many have.
    package private(set) var votes: Bits
    /// The lowest first. They begin so high that the last of a crowd overflows them.
    private var digits: [Bits]

    /// - Parameter size: at least 1.
    package init(validatorCount: Int, size: Int) {
        let none = Bits(validatorCount: validatorCount)
        let all = Bits(allOf: validatorCount)
        let width = Int.bitWidth - (size - 1).leadingZeroBitCount
        let start = (1 << width) - size
        votes = none
        digits = (0..<width).map { start >> $0 & 1 == 1 ? all : none }
    }

    /// One more has these.
    package mutating func add(_ some: Bits) {
        var carry = some
        for place in digits.indices {
            let both = digits[place].intersection(carry)
            digits[place].formUnion(carry)
            digits[place] = digits[place].subtracting(both)
            carry = both
        }
        votes.formUnion(carry)
    }
}
