/// A value with a SCALE encoding.
public protocol SCALEEncodable {
    /// Appends the value's encoding.
    func encode(to encoder: inout SCALEEncoder)
}

/// A value that can be read from its SCALE encoding.
public protocol SCALEDecodable {
    /// Reads one value; bytes after it stay in the decoder.
    init(from decoder: inout SCALEDecoder) throws(SCALEError)
}

/// A value that goes both ways; decoding what was encoded gives an equal value.
public typealias SCALECodable = SCALEEncodable & SCALEDecodable

extension SCALEEncodable {
    /// The value's SCALE encoding.
    @inlinable
    public var scaleBytes: [UInt8] {
        var encoder = SCALEEncoder()
        encode(to: &encoder)
        return encoder.bytes
    }
}

extension SCALEEncodable where Self: FixedWidthInteger & Sendable {
    /// Appends the integer, little-endian, in its full width.
    @inlinable
    public func encode(to encoder: inout SCALEEncoder) { encoder.append(self) }
}

extension SCALEDecodable where Self: FixedWidthInteger & Sendable {
    /// Reads a little-endian integer of full width.
    @inlinable
    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        self = try decoder.readInteger()
    }
}

extension UInt8: SCALEEncodable, SCALEDecodable {}
extension UInt16: SCALEEncodable, SCALEDecodable {}
extension UInt32: SCALEEncodable, SCALEDecodable {}
extension UInt64: SCALEEncodable, SCALEDecodable {}
extension UInt128: SCALEEncodable, SCALEDecodable {}
extension Int8: SCALEEncodable, SCALEDecodable {}
extension Int16: SCALEEncodable, SCALEDecodable {}
extension Int32: SCALEEncodable, SCALEDecodable {}
extension Int64: SCALEEncodable, SCALEDecodable {}
extension Int128: SCALEEncodable, SCALEDecodable {}

extension Bool: SCALEEncodable, SCALEDecodable {
    /// Appends `01` for true, `00` for false.
    public func encode(to encoder: inout SCALEEncoder) { encoder.append(UInt8(self ? 1 : 0)) }

    /// Reads `00` or `01`.
    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        self = try decoder.readBool()
    }
}

/// A compact integer as a value of its own, for items of sequences and options.
public struct Compact<Integer: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable, Hashable {
    /// The integer.
    public var value: Integer

    /// Wraps an integer.
    public init(_ value: Integer) { self.value = value }
}

extension Compact: SCALEEncodable, SCALEDecodable {
    /// Appends the integer in its shortest compact form.
    public func encode(to encoder: inout SCALEEncoder) { encoder.appendCompact(value) }

    /// Reads a compact integer that fits `Integer`.
    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        value = try decoder.readCompact()
    }
}
