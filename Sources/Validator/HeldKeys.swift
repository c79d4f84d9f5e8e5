package import Primitives

/// A Falcon key that this node can sign with.
package struct HeldKey: Sendable, Hashable {
    /// Whose key it is; nil for whatever account a set gives the key. (No key enters a set without a
    /// proof by its holder.)
    package var account: AccountID?
    /// The public key, 1,793 bytes.
    package var publicKey: [UInt8]
    /// The lowest set that it may sign in.
    package var firstSet: SetID

    package init(account: AccountID? = nil, publicKey: [UInt8], firstSet: SetID = SetID(0)) {
        self.account = account
        self.publicKey = publicKey
        self.firstSet = firstSet
    }

    /// A member's own key.
    package init(_ identity: ValidatorIdentity, firstSet: SetID = SetID(0)) {
        self.init(
            account: identity.account, publicKey: identity.falconPublicKey, firstSet: firstSet)
    }
}

/// The keys that this node can sign with. Which of them signs is for each set to say: the one of its
/// first member whose account and key are held, so that a node never signs with two keys in one set.
package struct HeldKeys: Sendable {
    /// How many keys are held at most; more are not taken.
    package static let limit = 64

    /// In the order in which they came.
    package private(set) var all: [HeldKey] = []

    package init(_ keys: [HeldKey] = []) {
        for key in keys { insert(key) }
    }

    /// Takes a key unless it is held already.
    package mutating func insert(_ key: HeldKey) {
        guard all.count < Self.limit, !all.contains(where: { $0.publicKey == key.publicKey })
        else { return }
        all.append(key)
    }

    /// Our position in a set; nil when no key of it is held.
    package func local(in set: ValidatorSet) -> ValidatorIndex? {
        guard !all.isEmpty else { return nil }
        let place = set.validators.firstIndex { member in
            all.contains { key in
                key.publicKey == member.falconPublicKey && key.firstSet <= set.id
                    && key.account.map { $0 == member.account } ?? true
            }
        }
        return place.map { ValidatorIndex(UInt16($0)) }
    }

    /// Our key in a set; nil when none of it is held.
    package func publicKey(in set: ValidatorSet) -> [UInt8]? {
        local(in: set).flatMap { set.validator(at: $0)?.falconPublicKey }
    }
}
