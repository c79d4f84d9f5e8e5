package import Primitives
package import SCALE

/// What members may agree on about the next validator set: one of them more, or one of them less.
///
/// Encoding: index u8; 0 add: account [32], falcon_public_key [1793]; 1 remove: account [32].
package enum SetChange: Sendable, Hashable {
    /// A new member, at the end of the set.
    case add(ValidatorIdentity)
    /// A member leaves.
    case remove(AccountID)

    /// The account that it is about.
    package var account: AccountID {
        switch self {
        case .add(let identity): identity.account
        case .remove(let account): account
        }
    }
}

extension SetChange: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        switch self {
        case .add(let identity):
            encoder.append(UInt8(0))
            encoder.append(identity)
        case .remove(let account):
            encoder.append(UInt8(1))
            encoder.append(account)
        }
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        switch try decoder.readByte() {
        case 0: self = .add(try decoder.read())
        case 1: self = .remove(try decoder.read())
        case let index: throw .invalidIndex(offset: start, index: index)
        }
    }
}

/// A member's open wish for the next set; each member has one at most.
package struct Nomination: Sendable, Hashable {
    /// The member.
    package let member: AccountID
    /// What it wishes.
    package let change: SetChange

    package init(member: AccountID, change: SetChange) {
        self.member = member
        self.change = change
    }
}

extension Nomination: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(member)
        encoder.append(change)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        member = try decoder.read()
        change = try decoder.read()
    }
}

/// A validator of whom the chain has evidence that it voted twice in a set.
package struct Conviction: Sendable, Hashable, Comparable {
    /// The set in which it did.
    package let setID: SetID
    /// The offender.
    package let account: AccountID

    package init(setID: SetID, account: AccountID) {
        self.setID = setID
        self.account = account
    }

    package static func < (left: Conviction, right: Conviction) -> Bool {
        (left.setID, left.account) < (right.setID, right.account)
    }
}

extension Conviction: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(setID)
        encoder.append(account)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        setID = try decoder.read()
        account = try decoder.read()
    }
}
