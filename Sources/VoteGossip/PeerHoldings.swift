internal import Coherence
internal import Primitives

/// Which votes a peer has, as far as we know, by round and phase.
///
/// Known for certain is what the peer showed in a status or sent us itself. What we sent it may
/// have been lost, so that fades after two rounds of the re-send timer unless a status confirms it.
struct PeerHoldings: Sendable, Equatable {
    /// One round and phase.
    struct Row: Sendable, Equatable {
        let position: VotePosition
        /// Shown by the peer, or received from it.
        var shown: Bits
        /// Sent to it lately.
        var given: Bits
        /// Sent to it before the last round of the re-send timer.
        var fading: Bits
        /// Its newest status lists this round and phase.
        var isListed: Bool
    }

    /// The most rounds and phases kept per peer.
    static let maximumRowCount = 12

    /// By ascending position.
    private(set) var rows: [Row] = []
    private let validatorCount: Int

    /// Nothing known yet of a peer in a set of that many validators.
    init(validatorCount: Int) { self.validatorCount = validatorCount }

    /// The votes of a round and phase that the peer has or is about to have.
    func votes(at position: VotePosition) -> Bits {
        guard let index = index(of: position) else {
            return Bits(validatorCount: validatorCount)
        }
        var votes = rows[index].shown
        votes.formUnion(rows[index].given)
        votes.formUnion(rows[index].fading)
        return votes
    }

    /// Whether the peer has one validator's vote of a round and phase, or is about to.
    func has(_ validator: ValidatorIndex, at position: VotePosition) -> Bool {
        index(of: position).map { index in
            rows[index].shown.contains(validator) || rows[index].given.contains(validator)
                || rows[index].fading.contains(validator)
        } ?? false
    }

    /// The votes of a round and phase that the peer has for certain.
    func shownVotes(at position: VotePosition) -> Bits {
        index(of: position).map { rows[$0].shown } ?? Bits(validatorCount: validatorCount)
    }

    /// Whether the peer has one validator's vote of a round and phase for certain.
    func shows(_ validator: ValidatorIndex, at position: VotePosition) -> Bool {
        index(of: position).map { rows[$0].shown.contains(validator) } ?? false
    }

    /// Whether the peer's newest status lists the round and phase.
    func lists(_ position: VotePosition) -> Bool {
        index(of: position).map { rows[$0].isListed } ?? false
    }

    /// Takes what a status shows of rounds from `lowest` on; its bitmaps fit the set.
    mutating func show(_ holdings: [GossipStatus.Holding], from lowest: RoundNumber) {
        for index in rows.indices { rows[index].isListed = false }
        for holding in holdings where holding.round >= lowest {
            guard let index = place(holding.position) else { continue }
            rows[index].shown.formUnion(holding.validators)
            rows[index].isListed = true
        }
    }

    /// The peer sent us this vote itself.
    mutating func receive(_ validator: ValidatorIndex, at position: VotePosition) {
        guard let index = place(position) else { return }
        rows[index].shown.insert(validator)
    }

    /// These votes are on their way to the peer.
    mutating func give(_ validators: Bits, at position: VotePosition) {
        guard let index = place(position) else { return }
        rows[index].given.formUnion(validators)
    }

    /// Half forgets what was sent and not confirmed.
    mutating func fade() {
        for index in rows.indices {
            rows[index].fading = rows[index].given
            rows[index].given = Bits(validatorCount: validatorCount)
        }
    }

    /// Forgets the rounds below this one.
    mutating func forget(below round: RoundNumber) {
        rows.removeAll { $0.position.round < round }
    }

    /// Bytes held, roughly.
    var byteCount: Int { rows.count * Self.rowByteCount(validatorCount: validatorCount) }

    /// The most bytes held, roughly.
    static func largestByteCount(validatorCount: Int) -> Int {
        maximumRowCount * rowByteCount(validatorCount: validatorCount)
    }

    private static func rowByteCount(validatorCount: Int) -> Int {
        32 + 3 * (validatorCount + 7) / 8
    }

    private func index(of position: VotePosition) -> Int? {
        rows.firstIndex { $0.position == position }
    }

    /// The row of a position, made if there is room: a higher position gives way to a lower one,
    /// for a peer can name rounds far ahead at no cost.
    private mutating func place(_ position: VotePosition) -> Int? {
        let index = rows.firstIndex { $0.position >= position } ?? rows.count
        if index < rows.count && rows[index].position == position { return index }
        if rows.count == Self.maximumRowCount {
            guard index < rows.count else { return nil }
            rows.removeLast()
        }
        let empty = Bits(validatorCount: validatorCount)
        rows.insert(
            Row(position: position, shown: empty, given: empty, fading: empty, isListed: false),
            at: index)
        return index
    }
}
