package import Chain
package import Primitives

/// Transactions that wait for a block: at most one per account and nonce, bounded per account and
/// in total.
///
/// A transaction stays until its nonce is behind the *finalised* state, so that a change of the
/// best chain loses none.
package struct TransactionPool: Sendable {
    /// The bounds of a pool.
    package struct Limits: Sendable, Hashable {
        /// Transactions of one account.
        package var countPerAccount = 64
        /// Transactions in total.
        package var totalCount = 4_096
        /// Bytes of transactions in total.
        package var totalByteCount = 8 << 20

        package init() {}
    }

    /// Why a transaction is not taken.
    package enum Refusal: Error, Sendable, Hashable {
        /// The signer is no member of the set in force.
        case unknownSigner
        /// The nonce was used.
        case stale(next: UInt64)
        /// The nonce is too far ahead of the next one.
        case tooFarAhead(next: UInt64)
        /// A transaction of this account and nonce waits already.
        case taken
        /// The account or the pool is full.
        case full
        /// The chain does not do what it asks for.
        case inapplicable(ChainState.CallRefusal)
    }

    /// The bounds.
    package let limits: Limits
    /// Bytes of all transactions.
    package private(set) var byteCount = 0
    /// All transactions, ascending by account, then by nonce.
    private var entries: [Entry] = []

    /// A transaction and what its signatures were checked with.
    private struct Entry: Sendable {
        let extrinsic: Extrinsic
        let basis: SignatureBasis

        var signer: AccountID { extrinsic.signer }
        var nonce: UInt64 { extrinsic.nonce }
        var encodedByteCount: Int { extrinsic.encodedByteCount }
    }

    private let evidence: EvidenceRules

    package init(limits: Limits = Limits(), evidence: EvidenceRules) {
        self.limits = limits
        self.evidence = evidence
    }

    /// How many transactions wait.
    package var count: Int { entries.count }

    /// Whether the pool keeps its bounds as a whole.
    package var isWithinLimits: Bool {
        count <= limits.totalCount && byteCount <= limits.totalByteCount
    }

    /// All transactions, ascending by account, then by nonce.
    package var pending: [Extrinsic] { entries.map(\.extrinsic) }

    /// The transaction of an account and nonce.
    package func transaction(signer: AccountID, nonce: UInt64) -> Extrinsic? {
        place(signer, nonce).map { entries[$0].extrinsic }
    }

    /// The first nonce of an account that is neither used in a state nor taken by what waits.
    package func nextNonce(of signer: AccountID, state: ChainState) -> UInt64 {
        let newest = range(of: signer).last.map { entries[$0].nonce + 1 }
        return max(state.nonces[signer], newest ?? 0)
    }

    /// Why a transaction would not be taken, its signature aside; nil when it would.
    ///
    /// - Parameter state: the state after the best head.
    package func refusal(of extrinsic: Extrinsic, state: ChainState) -> Refusal? {
        let signer = extrinsic.signer
        guard state.setInForce.index(of: signer) != nil else { return .unknownSigner }
        let next = state.nonces[signer]
        guard extrinsic.nonce >= next, extrinsic.nonce < .max else { return .stale(next: next) }
        guard extrinsic.nonce - next < UInt64(limits.countPerAccount) else {
            return .tooFarAhead(next: next)
        }
        if let place = place(signer, extrinsic.nonce), holds(entries[place], on: state) {
            return .taken
        }
        // Those that the best chain has executed already give way to one that waits.
        let own = range(of: signer)
        let waiting = own.filter { entries[$0].nonce >= next }.count
        let executedBytes = own.filter { entries[$0].nonce < next }
            .reduce(0) { $0 + entries[$1].encodedByteCount }
        let executed = own.count - waiting
        guard waiting < limits.countPerAccount, entries.count - executed < limits.totalCount,
            byteCount - executedBytes + extrinsic.encodedByteCount <= limits.totalByteCount
        else { return .full }
        return Self.inapplicability(of: extrinsic, state: state, evidence: evidence)
            .map { .inapplicable($0) }
    }

    /// Why the chain would not do what a transaction asks for, its nonce aside; nil when it would.
    private static func inapplicability(
        of extrinsic: Extrinsic, state: ChainState, evidence: EvidenceRules
    ) -> ChainState.CallRefusal? {
        var execution = BodyExecution(on: state, evidence: evidence)
        do throws(ChainState.CallRefusal) {
            try execution.execute(extrinsic.call, by: extrinsic.signer)
        } catch {
            return error
        }
        return nil
    }

    /// Takes a transaction whose signatures were checked; nil when it was taken.
    ///
    /// - Parameter basis: what they were checked with, if it is not what the state has.
    package mutating func insert(
        _ extrinsic: Extrinsic, state: ChainState, basis: SignatureBasis? = nil
    ) -> Refusal? {
        if let refusal = refusal(of: extrinsic, state: state) { return refusal }
        guard
            let basis = basis ?? SignatureBasis(of: extrinsic, state: state, evidence: evidence)
        else { return .unknownSigner }
        // One of the same nonce whose signature no longer holds.
        if let place = place(extrinsic.signer, extrinsic.nonce) { remove(place..<place + 1) }
        let own = range(of: extrinsic.signer)
        let executed = own.prefix { entries[$0].nonce < state.nonces[extrinsic.signer] }.count
        let isCrowded =
            own.count >= limits.countPerAccount || entries.count >= limits.totalCount
            || byteCount + extrinsic.encodedByteCount > limits.totalByteCount
        if isCrowded { remove(own.lowerBound..<own.lowerBound + executed) }
        entries.insert(
            Entry(extrinsic: extrinsic, basis: basis),
            at: lowerBound(extrinsic.signer, extrinsic.nonce))
        byteCount += extrinsic.encodedByteCount
        return nil
    }

    /// What a transaction's signatures are checked with on a state; nil when they cannot hold.
    func basis(of extrinsic: Extrinsic, state: ChainState) -> SignatureBasis? {
        SignatureBasis(of: extrinsic, state: state, evidence: evidence)
    }

    /// Whether the verdict on a transaction's signatures is one for a state too: keys rotate.
    private func holds(_ entry: Entry, on state: ChainState) -> Bool {
        basis(of: entry.extrinsic, state: state) == entry.basis
    }

    private func place(_ signer: AccountID, _ nonce: UInt64) -> Int? {
        let place = lowerBound(signer, nonce)
        guard place < entries.count, entries[place].signer == signer,
            entries[place].nonce == nonce
        else { return nil }
        return place
    }

    /// Forgets what the finalised chain has executed or would not execute next, and what neither it
    /// nor the best chain finds well signed.
    package mutating func prune(finalisedState state: ChainState, bestState: ChainState? = nil) {
        let pool = self
        entries.removeAll { entry in
            let next = state.nonces[entry.signer]
            guard entry.nonce >= next, state.setInForce.index(of: entry.signer) != nil,
                pool.holds(entry, on: state)
                    || bestState.map({ pool.holds(entry, on: $0) }) ?? false
            else { return true }
            guard entry.nonce == next else { return false }
            let refusal = Self.inapplicability(
                of: entry.extrinsic, state: state, evidence: pool.evidence)
            return refusal != nil
        }
        byteCount = entries.reduce(0) { $0 + $1.encodedByteCount }
    }

    /// The body of a block on top of a state: transactions in the order of their nonces, the
    /// accounts taking turns, up to a number of bytes. What the chain refuses after those before it
    /// stays out, with what follows it of the same account.
    package func ready(
        state: ChainState, byteLimit: Int = Block.maximumBodyByteCount
    ) -> [Extrinsic] {
        var queues: [ArraySlice<Entry>] = []
        var start = 0
        while start < entries.count {
            let own = range(of: entries[start].signer)
            if let queue = executable(own, state: state) { queues.append(queue) }
            start = own.upperBound
        }
        var execution = BodyExecution(on: state, evidence: evidence)
        var body: [Extrinsic] = []
        var room = byteLimit
        while !queues.isEmpty {
            var rest: [ArraySlice<Entry>] = []
            for var queue in queues {
                guard let next = queue.first, next.encodedByteCount <= room,
                    holds(next, on: state), (try? execution.execute(next.extrinsic)) != nil
                else { continue }
                room -= next.encodedByteCount
                body.append(next.extrinsic)
                queue.removeFirst()
                if !queue.isEmpty { rest.append(queue) }
            }
            queues = rest
        }
        return body
    }

    /// The gapless run of an account's transactions that begins at its next nonce.
    private func executable(_ own: Range<Int>, state: ChainState) -> ArraySlice<Entry>? {
        let signer = entries[own.lowerBound].signer
        guard state.setInForce.index(of: signer) != nil else { return nil }
        let next = state.nonces[signer]
        guard let first = own.first(where: { entries[$0].nonce == next }) else { return nil }
        var end = first + 1
        while end < own.upperBound && entries[end].nonce == entries[end - 1].nonce + 1 { end += 1 }
        return entries[first..<end]
    }

    private mutating func remove(_ positions: Range<Int>) {
        byteCount -= entries[positions].reduce(0) { $0 + $1.encodedByteCount }
        entries.removeSubrange(positions)
    }

    private func range(of signer: AccountID) -> Range<Int> {
        let start = lowerBound(signer, 0)
        var end = start
        while end < entries.count && entries[end].signer == signer { end += 1 }
        return start..<end
    }

    private func lowerBound(_ signer: AccountID, _ nonce: UInt64) -> Int {
        entries.partitionPoint { ($0.signer, $0.nonce) < (signer, nonce) }
    }
}
