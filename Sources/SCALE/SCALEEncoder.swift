/// Appends values in SCALE (Simple Concatenated Aggregate Little-Endian) form.
///
/// Rules: the SCALE codec as Substrate chains use it. Integers are little-endian and of fixed
/// width; counts are compact integers; structures have no padding. Encoding cannot fail.
public struct SCALEEncoder: Sendable {
    /// What was encoded so far.
    @inlinable public var bytes: [UInt8] { storage }
    @usableFromInline var storage: [UInt8] = []

    /// An empty encoder; `capacity` (bytes) saves reallocation when the size is known.
    public init(capacity: Int = 0) {
        storage.reserveCapacity(capacity)
    }

    /// Appends bytes as they are, without a count: the form of `[u8; N]`.
    @inlinable
    public mutating func appendRaw(_ raw: some Sequence<UInt8>) {
        storage.append(contentsOf: raw)
    }

    /// Appends one byte.
    @inlinable
    public mutating func append(_ byte: UInt8) {
        storage.append(byte)
    }

    /// Appends a fixed-width integer, little-endian, two's complement.
    @inlinable
    public mutating func append<Integer: FixedWidthInteger & Sendable>(_ value: Integer) {
        withUnsafeBytes(of: value.littleEndian) { storage.append(contentsOf: $0) }
    }

    /// Appends a value by its own encoding.
    @inlinable
    public mutating func append(_ value: some SCALEEncodable) {
        value.encode(to: &self)
    }

    /// Appends a compact integer of up to 64 bits in its shortest form.
    public mutating func appendCompact(_ value: some UnsignedInteger & FixedWidthInteger) {
        appendCompact(wide: UInt128(value))
    }

    private mutating func appendCompact(wide value: UInt128) {
        switch value {
        case 0..<(1 << 6):
            append(UInt8(truncatingIfNeeded: value << 2))
        case 0..<(1 << 14):
            append(UInt16(truncatingIfNeeded: value << 2 | 1))
        case 0..<(1 << 30):
            append(UInt32(truncatingIfNeeded: value << 2 | 2))
        default:
            let used = max(4, (128 - value.leadingZeroBitCount + 7) / 8)
            append(UInt8(truncatingIfNeeded: (used - 4) << 2 | 3))
            for index in 0..<used {
                append(UInt8(truncatingIfNeeded: value >> (8 * index)))
            }
        }
    }

    /// Appends a compact integer of up to 536 bits, given by its little-endian bytes.
    ///
    /// - Parameter magnitude: little-endian, leading (high) zero bytes allowed, at most 67 bytes
    ///   after they are dropped.
    public mutating func appendCompact(littleEndian magnitude: [UInt8]) {
        var used = magnitude.count
        while used > 0 && magnitude[used - 1] == 0 { used -= 1 }
        precondition(used <= 67, "a compact integer has at most 536 bits")
        if used <= 16 {
            var value: UInt128 = 0
            for index in (0..<used).reversed() { value = value << 8 | UInt128(magnitude[index]) }
            appendCompact(wide: value)
        } else {
            append(UInt8((used - 4) << 2 | 3))
            appendRaw(magnitude[..<used])
        }
    }

    /// Appends a byte vector: compact count, then the bytes.
    public mutating func appendBytes(_ value: [UInt8]) {
        appendCompact(UInt64(value.count))
        appendRaw(value)
    }

    /// Appends a sequence: compact count, then each item.
    @inlinable
    public mutating func appendItems(_ items: [some SCALEEncodable]) {
        appendCompact(UInt64(items.count))
        for item in items { append(item) }
    }

    /// Appends text: compact count of UTF-8 bytes, then the bytes.
    public mutating func append(_ text: String) {
        appendBytes(Array(text.utf8))
    }

    /// Appends `Option<T>`: `00`, or `01` and the value.
    @inlinable
    public mutating func appendOption(_ value: (some SCALEEncodable)?) {
        if let value {
            append(UInt8(1))
            append(value)
        } else {
            append(UInt8(0))
        }
    }

    /// Appends a bit vector (`BitVec<u8, Lsb0>`): compact bit count, then the packed bytes.
    public mutating func appendBits(_ bits: [Bool]) {
        appendCompact(UInt64(bits.count))
        var packed = [UInt8](repeating: 0, count: (bits.count + 7) / 8)
        for (index, bit) in bits.enumerated() where bit { packed[index / 8] |= 1 << (index % 8) }
        appendRaw(packed)
    }

    /// Appends the one-byte form of `OptionBool`: 0 none, 1 true, 2 false.
    ///
    /// Not the form of `Option<bool>`, which is `appendOption`.
    public mutating func appendOptionBool(_ value: Bool?) {
        switch value {
        case nil: append(UInt8(0))
        case true?: append(UInt8(1))
        case false?: append(UInt8(2))
        }
    }
}
