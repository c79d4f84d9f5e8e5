internal import Primitives
internal import Validator

/// What somebody wants of the validator set.
enum PlannedChange: Sendable {
    /// A node signs with another key of its own.
    case rotation(of: Int, to: HeldKey)
    /// The members take a node in.
    case joining(Int, ValidatorIdentity)
    /// A node leaves.
    case leaving(Int, AccountID)
    /// The members exclude one.
    case removal(AccountID)

    /// Whether there is nothing left to do, or nothing that could be done.
    func isDone(in set: ValidatorSet) -> Bool {
        switch self {
        case .rotation(_, let key):
            guard let index = key.account.flatMap(set.index) else { return true }
            return set.validator(at: index)?.falconPublicKey == key.publicKey
        case .joining(_, let identity): return set.index(of: identity.account) != nil
        case .leaving(_, let account), .removal(let account): return set.index(of: account) == nil
        }
    }

    /// The members after it.
    func members(after set: ValidatorSet) -> [AccountID] {
        let before = set.validators.map(\.account)
        guard !isDone(in: set) else { return before }
        return switch self {
        case .rotation: before
        case .joining(_, let identity): before + [identity.account]
        case .leaving(_, let account), .removal(let account): before.filter { $0 != account }
        }
    }
}

extension PlannedChange: CustomStringConvertible {
    var description: String {
        switch self {
        case .rotation(let node, _): "n\(node) changes its key"
        case .joining(let node, _): "n\(node) joins"
        case .leaving(let node, _): "n\(node) leaves"
        case .removal(let account): "\(account) is excluded"
        }
    }
}
