public import SCALE

/// A member of a validator set: who it is and the key that its votes and seals are checked with.
public struct ValidatorIdentity: Sendable, Hashable {
    /// A Falcon-1024 public key has this many bytes.
    public static let publicKeyByteCount = 1793
    /// An encoding has this many bytes.
    public static let byteCount = Hash256.byteCount + publicKeyByteCount

    /// The account.
    public let account: AccountID
    /// The Falcon-1024 public key in its standard encoding, 1,793 bytes.
    public let falconPublicKey: [UInt8]

    /// Takes an account and a key of exactly 1,793 bytes; nil for any other length.
    public init?(account: AccountID, falconPublicKey: [UInt8]) {
        guard falconPublicKey.count == Self.publicKeyByteCount else { return nil }
        self.account = account
        self.falconPublicKey = falconPublicKey
    }
}

extension ValidatorIdentity: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(account)
        encoder.appendRaw(falconPublicKey)
    }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        account = try decoder.read()
        falconPublicKey = try decoder.readRaw(Self.publicKeyByteCount)
    }
}

/// The validators that vote together, in the order that gives them their indices.
///
/// Every validator weighs the same. The set's hash covers its id, members, keys and policy, and
/// stands in every signed vote and certificate.
public struct ValidatorSet: Sendable, Hashable {
    /// The most validators a set has.
    public static let maximumCount = 1_000

    /// The set's number in the chain's history.
    public let id: SetID
    /// The members; a validator's index is its position.
    public let validators: [ValidatorIdentity]
    /// How many of them make a supermajority.
    public let policy: QuorumPolicy
    /// BLAKE2b-256 of the set's SCALE encoding.
    public let hash: Hash256
    private let indices: [AccountID: ValidatorIndex]
    private static let smallCount = 16

    /// Why a set cannot be formed.
    public enum Invalid: Error, Sendable, Hashable {
        /// No validators.
        case empty
        /// More than `maximumCount` validators.
        case tooLarge(count: Int)
        /// An account that occurs twice.
        case duplicateAccount(AccountID)
        /// A Falcon key that occurs twice.
        case duplicateKey(AccountID, AccountID)
    }

    /// Forms a set of 1 to 1,000 validators with distinct accounts and keys.
    public init(
        id: SetID, validators: [ValidatorIdentity], policy: QuorumPolicy
    ) throws(Invalid) {
        guard !validators.isEmpty else { throw .empty }
        guard validators.count <= Self.maximumCount else {
            throw .tooLarge(count: validators.count)
        }
        var indices: [AccountID: ValidatorIndex] = [:]
        var keys: [[UInt8]: AccountID] = [:]
        for (position, validator) in validators.enumerated() {
            guard
                indices.updateValue(ValidatorIndex(UInt16(position)), forKey: validator.account)
                    == nil
            else { throw .duplicateAccount(validator.account) }
            if let other = keys.updateValue(validator.account, forKey: validator.falconPublicKey) {
                throw .duplicateKey(other, validator.account)
            }
        }
        self.id = id
        self.validators = validators
        self.policy = policy
        self.indices = indices
        hash = BLAKE2b256.hash(Self.encoding(id: id, validators: validators, policy: policy))
    }

    /// n: how many validators there are.
    public var count: Int { validators.count }
    /// q: how many votes make a supermajority.
    public var quorum: Int { policy.threshold(validatorCount: count) }
    /// f = floor((n-1)/3): the faults that the round rules reckon with.
    public var faultBound: Int { (count - 1) / 3 }

    /// The index of an account, nil when it is no member.
    public func index(of account: AccountID) -> ValidatorIndex? {
        // Asked for every vote: a small set is looked through sooner than an account is hashed.
        guard validators.count > Self.smallCount else {
            return validators.firstIndex { $0.account == account }
                .map { ValidatorIndex(UInt16($0)) }
        }
        return indices[account]
    }

    /// The member at an index, nil when the index is out of range.
    public func validator(at index: ValidatorIndex) -> ValidatorIdentity? {
        Int(index.rawValue) < validators.count ? validators[Int(index.rawValue)] : nil
    }

    public static func == (left: ValidatorSet, right: ValidatorSet) -> Bool {
        left.hash == right.hash
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    private static func encoding(
        id: SetID, validators: [ValidatorIdentity], policy: QuorumPolicy
    ) -> [UInt8] {
        var encoder = SCALEEncoder(capacity: 16 + validators.count * ValidatorIdentity.byteCount)
        encoder.append(id)
        encoder.appendItems(validators)
        encoder.append(policy)
        return encoder.bytes
    }
}

extension ValidatorSet: SCALEEncodable, SCALEDecodable {
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.appendRaw(Self.encoding(id: id, validators: validators, policy: policy))
    }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let id = try decoder.read(SetID.self)
        let validators = try decoder.readItems(
            ValidatorIdentity.self, limit: Self.maximumCount,
            minimumItemByteCount: ValidatorIdentity.byteCount)
        let policy = try decoder.read(QuorumPolicy.self)
        do {
            try self.init(id: id, validators: validators, policy: policy)
        } catch {
            throw .invalidValue(offset: start, reason: "not a validator set: \(error)")
        }
    }
}
