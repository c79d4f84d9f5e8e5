public import SCALE

/// An integer with a meaning of its own, so that rounds, heights and indices cannot be mixed up.
public protocol TypedInteger: Sendable, Hashable, Comparable, SCALEEncodable, SCALEDecodable,
    CustomStringConvertible
{
    associatedtype RawValue: FixedWidthInteger & UnsignedInteger & Sendable
    /// The integer itself.
    var rawValue: RawValue { get }
    /// Gives an integer its meaning.
    init(_ rawValue: RawValue)
}

extension TypedInteger {
    @inlinable
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    @inlinable
    public func encode(to encoder: inout SCALEEncoder) { encoder.append(rawValue) }

    @inlinable
    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        self.init(try decoder.readInteger(RawValue.self))
    }

    public var description: String { "\(rawValue)" }

    /// The next value, or nil at the type's end.
    @inlinable
    public var successor: Self? {
        let (next, overflow) = rawValue.addingReportingOverflow(1)
        return overflow ? nil : Self(next)
    }
}

/// The height of a block; genesis is 0.
public struct BlockNumber: TypedInteger {
    public let rawValue: UInt32
    @inlinable
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// A voting round within a validator set; the first is 0.
public struct RoundNumber: TypedInteger {
    public let rawValue: UInt64
    @inlinable
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// Rounds from here on are malformed: 2^63.
    public static let limit: UInt64 = 1 << 63
}

/// The number of a validator set in the chain's history; the first is 0.
public struct SetID: TypedInteger {
    public let rawValue: UInt64
    @inlinable
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A validator's position in its set.
public struct ValidatorIndex: TypedInteger {
    public let rawValue: UInt16
    @inlinable
    public init(_ rawValue: UInt16) { self.rawValue = rawValue }
}

/// A slot of block authorship: Unix time divided by the slot duration.
public struct SlotNumber: TypedInteger {
    public let rawValue: UInt64
    @inlinable
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A peer as the pure modules see it: a number that the shell gives to a connected peer and never
/// reuses while the process lives.
public struct PeerHandle: TypedInteger {
    public let rawValue: UInt64
    @inlinable
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A validator's account: an sr25519 public key, 32 bytes.
public struct AccountID: Sendable, Hashable, Comparable {
    private let value: Hash256

    /// Takes exactly 32 bytes; nil for any other count.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = Hash256(bytes) else { return nil }
        self.value = value
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { value.bytes }

    public static func < (left: AccountID, right: AccountID) -> Bool { left.value < right.value }
}

extension AccountID: SCALEEncodable, SCALEDecodable, CustomStringConvertible {
    public func encode(to encoder: inout SCALEEncoder) { encoder.append(value) }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        value = try decoder.read()
    }

    /// `0x` and 64 hexadecimal digits.
    public var description: String { value.description }
}
