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
    }

    /// The bounds.
    package let limits: Limits
    /// Bytes of all transactions.
    package private(set) var byteCount = 0
    /// All transactions, ascending by account, then by nonce.
    private var entries: [Extrinsic] = []

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// How many transactions wait.
    package var count: Int { entries.count }

    /// All transactions, ascending by account, then by nonce.
    package var pending: [Extrinsic] { entries }

    /// The transaction of an account and nonce.
    package func transaction(signer: AccountID, nonce: UInt64) -> Extrinsic? {
        let position = lowerBound(signer, nonce)
        guard position < entries.count, entries[position].signer == signer,
            entries[position].nonce == nonce
        else { return nil }
        return entries[position]
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
        if transaction(signer: signer, nonce: extrinsic.nonce) != nil { return .taken }
        // Those that the best chain has executed already give way to one that waits.
        let own = range(of: signer)
        let waiting = own.filter { entries[$0].nonce >= next }.count
        let executedBytes = own.filter { entries[$0].nonce < next }
            .reduce(0) { $0 + entries[$1].encodedByteCount }
        let executed = own.count - waiting
        guard waiting < limits.countPerAccount, entries.count - executed < limits.totalCount,
            byteCount - executedBytes + extrinsic.encodedByteCount <= limits.totalByteCount
        else { return .full }
        return nil
    }

    /// Takes a transaction whose signature was checked; nil when it was taken.
    package mutating func insert(_ extrinsic: Extrinsic, state: ChainState) -> Refusal? {
        if let refusal = refusal(of: extrinsic, state: state) { return refusal }
        let own = range(of: extrinsic.signer)
        let executed = own.prefix { entries[$0].nonce < state.nonces[extrinsic.signer] }.count
        let isCrowded =
            own.count >= limits.countPerAccount || entries.count >= limits.totalCount
            || byteCount + extrinsic.encodedByteCount > limits.totalByteCount
        if isCrowded { remove(own.lowerBound..<own.lowerBound + executed) }
        entries.insert(extrinsic, at: lowerBound(extrinsic.signer, extrinsic.nonce))
        byteCount += extrinsic.encodedByteCount
        return nil
    }

    /// Forgets what the finalised chain has executed or can never execute.
    package mutating func prune(finalisedState: ChainState) {
        entries.removeAll {
            $0.nonce < finalisedState.nonces[$0.signer]
                || finalisedState.setInForce.index(of: $0.signer) == nil
        }
        byteCount = Block.byteCount(of: entries)
    }

    /// The body of a block on top of a state: transactions in the order of their nonces, the
    /// accounts taking turns, up to a number of bytes.
    package func ready(
        state: ChainState, byteLimit: Int = Block.maximumBodyByteCount
    ) -> [Extrinsic] {
        var queues: [ArraySlice<Extrinsic>] = []
        var start = 0
        while start < entries.count {
            let own = range(of: entries[start].signer)
            if let queue = executable(own, state: state) { queues.append(queue) }
            start = own.upperBound
        }
        var body: [Extrinsic] = []
        var room = byteLimit
        while !queues.isEmpty {
            var rest: [ArraySlice<Extrinsic>] = []
            for var queue in queues {
                guard let next = queue.first, next.encodedByteCount <= room else { continue }
                room -= next.encodedByteCount
                body.append(next)
                queue.removeFirst()
                if !queue.isEmpty { rest.append(queue) }
            }
            queues = rest
        }
        return body
    }

    /// The gapless run of an account's transactions that begins at its next nonce.
    private func executable(_ own: Range<Int>, state: ChainState) -> ArraySlice<Extrinsic>? {
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
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let entry = entries[middle]
            if entry.signer < signer || (entry.signer == signer && entry.nonce < nonce) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
