package import Primitives
package import SCALE

/// How many extrinsics each account has had executed.
///
/// Accounts are sorted and shared between the states of successive blocks; a block with
/// extrinsics costs a copy of the counts only, 8 bytes per account.
package struct AccountNonces: Sendable, Hashable {
    /// At most so many accounts are recorded: only members of validator sets become signers.
    package static let maximumCount = 65_536

    private var accounts: [AccountID] = []
    private var counts: [UInt64] = []

    /// No account has done anything.
    package init() {}

    /// The accounts recorded.
    package var count: Int { accounts.count }

    /// The account's next nonce.
    package subscript(_ account: AccountID) -> UInt64 {
        let (position, isPresent) = accounts.position(of: account)
        return isPresent ? counts[position] : 0
    }

    /// Whether one more extrinsic of the account can be counted: not when its count is the largest
    /// UInt64, nor when it would be one account too many.
    package func canIncrement(_ account: AccountID) -> Bool {
        let count = self[account]
        return count == 0 ? accounts.count < Self.maximumCount : count < .max
    }

    /// Counts one extrinsic of the account; `canIncrement` must hold.
    package mutating func increment(_ account: AccountID) {
        let (position, isPresent) = accounts.position(of: account)
        if isPresent {
            counts[position] += 1
        } else {
            precondition(accounts.count < Self.maximumCount, "too many accounts")
            accounts.insert(account, at: position)
            counts.insert(1, at: position)
        }
    }
}

extension AccountNonces: SCALEEncodable, SCALEDecodable {
    /// Appends a sequence of (account, u64), ascending by account.
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.appendCompact(UInt64(accounts.count))
        for (account, count) in zip(accounts, counts) {
            encoder.append(account)
            encoder.append(count)
        }
    }

    /// Reads accounts in strictly ascending order with counts of at least 1.
    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let total = try decoder.readCount(limit: Self.maximumCount, minimumItemByteCount: 40)
        accounts.reserveCapacity(total)
        counts.reserveCapacity(total)
        for _ in 0..<total {
            let start = decoder.offset
            let account = try decoder.read(AccountID.self)
            let count = try decoder.readInteger(UInt64.self)
            if let last = accounts.last, account <= last {
                throw .invalidValue(offset: start, reason: "accounts are not ascending")
            }
            guard count > 0 else { throw .invalidValue(offset: start, reason: "a zero count") }
            accounts.append(account)
            counts.append(count)
        }
    }
}
