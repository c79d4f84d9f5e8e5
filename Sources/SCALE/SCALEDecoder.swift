/// Reads values in SCALE form from a byte string; total on every input.
///
/// Every count is checked against the bytes that remain before memory is reserved, every compact
/// integer must be in its shortest form, and nesting is bounded. A failed read throws and leaves
/// the decoder at an unspecified position; it never traps.
public struct SCALEDecoder: Sendable {
    /// The deepest nesting of `nested` that is followed.
    public static let maximumDepth = 64

    @usableFromInline let bytes: [UInt8]
    /// The position of the next byte to be read.
    public var offset: Int { position }
    @usableFromInline var position: Int
    @usableFromInline let end: Int
    @usableFromInline var depth = 0

    /// Reads all of `bytes`.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    /// Reads a part of a byte string; offsets in errors count from the part's start.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.init(Array(bytes))
    }

    /// How many bytes are left.
    @inlinable public var remaining: Int { end - position }

    /// Ends the decoding of a value that must fill the input.
    ///
    /// - Throws: `trailingBytes` when something is left.
    public func finish() throws(SCALEError) {
        guard remaining == 0 else { throw .trailingBytes(count: remaining) }
    }

    /// Decodes one value that fills `bytes` exactly.
    public static func decode<Value: SCALEDecodable>(
        _ type: Value.Type = Value.self, from bytes: [UInt8]
    ) throws(SCALEError) -> Value {
        var decoder = SCALEDecoder(bytes)
        let value = try Value(from: &decoder)
        try decoder.finish()
        return value
    }

    // MARK: Bytes and integers

    /// Reads `count` bytes as they are: the form of `[u8; N]`.
    public mutating func readRaw(_ count: Int) throws(SCALEError) -> [UInt8] {
        precondition(count >= 0)
        guard remaining >= count else {
            throw .truncated(offset: position, needed: count - remaining)
        }
        defer { position += count }
        // Not by way of a slice: this is where most bytes of most messages are copied.
        return bytes.withUnsafeBytes { source in
            [UInt8](unsafeUninitializedCapacity: count) { target, initializedCount in
                let part = UnsafeRawBufferPointer(rebasing: source[position..<position + count])
                UnsafeMutableRawBufferPointer(target).copyMemory(from: part)
                initializedCount = count
            }
        }
    }

    /// Reads one byte.
    @inlinable
    public mutating func readByte() throws(SCALEError) -> UInt8 {
        guard remaining >= 1 else { throw .truncated(offset: position, needed: 1) }
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads a fixed-width little-endian integer.
    @inlinable
    public mutating func readInteger<Integer: FixedWidthInteger & Sendable>(
        _ type: Integer.Type = Integer.self
    ) throws(SCALEError) -> Integer {
        let width = Integer.bitWidth / 8
        guard remaining >= width else {
            throw .truncated(offset: position, needed: width - remaining)
        }
        let value = bytes.withUnsafeBytes {
            Integer(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Integer.self))
        }
        position += width
        return value
    }

    /// Reads a value by its own decoding.
    @inlinable
    public mutating func read<Value: SCALEDecodable>(
        _ type: Value.Type = Value.self
    ) throws(SCALEError) -> Value {
        try Value(from: &self)
    }

    /// Reads a compact integer.
    ///
    /// - Throws: `nonCanonicalCompact` for a form that is not the shortest, `outOfRange` when the
    ///   value does not fit `Integer`.
    public mutating func readCompact<Integer: FixedWidthInteger & UnsignedInteger & Sendable>(
        _ type: Integer.Type = Integer.self
    ) throws(SCALEError) -> Integer {
        let start = offset
        if let short = try readShortCompact() {
            guard let fitting = Integer(exactly: short) else { throw .outOfRange(offset: start) }
            return fitting
        }
        let magnitude = try readCompactLittleEndian()
        guard magnitude.count <= 16 else { throw .outOfRange(offset: start) }
        var value: UInt128 = 0
        for byte in magnitude.reversed() { value = value << 8 | UInt128(byte) }
        guard let fitting = Integer(exactly: value) else { throw .outOfRange(offset: start) }
        return fitting
    }

    /// Reads a compact integer in its form of one, two or four bytes, which are nearly all of them;
    /// nil, with nothing read, for the long form.
    private mutating func readShortCompact() throws(SCALEError) -> UInt32? {
        let start = position
        guard remaining >= 1 else { throw .truncated(offset: position, needed: 1) }
        let mode = bytes[position] & 3
        guard mode < 3 else { return nil }
        let rest = (1 << Int(mode)) - 1
        guard remaining > rest else {
            throw .truncated(offset: position + 1, needed: rest + 1 - remaining)
        }
        var value: UInt32 = 0
        for place in (0...rest).reversed() { value = value << 8 | UInt32(bytes[position + place]) }
        value >>= 2
        position += rest + 1
        let least: UInt32 = mode == 0 ? 0 : mode == 1 ? 1 << 6 : 1 << 14
        guard value >= least else { throw .nonCanonicalCompact(offset: start) }
        return value
    }

    /// Reads a compact integer of up to 536 bits; the result is little-endian without high zero
    /// bytes (empty for zero).
    public mutating func readCompactLittleEndian() throws(SCALEError) -> [UInt8] {
        let start = offset
        let first = try readByte()
        var magnitude: [UInt8]
        let minimumBits: Int
        switch first & 3 {
        case 0:
            magnitude = [first >> 2]
            minimumBits = 0
        case 1:
            let value = UInt16(try readByte()) << 6 | UInt16(first >> 2)
            magnitude = [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
            minimumBits = 7
        case 2:
            let rest = try readRaw(3)
            let value =
                (UInt32(rest[2]) << 24 | UInt32(rest[1]) << 16 | UInt32(rest[0]) << 8
                    | UInt32(first)) >> 2
            magnitude = (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            minimumBits = 15
        default:
            magnitude = try readRaw(Int(first >> 2) + 4)
            guard magnitude[magnitude.count - 1] != 0 else {
                throw .nonCanonicalCompact(offset: start)
            }
            minimumBits = 31
        }
        while let last = magnitude.last, last == 0 { magnitude.removeLast() }
        let bits =
            magnitude.isEmpty
            ? 0 : magnitude.count * 8 - magnitude[magnitude.count - 1].leadingZeroBitCount
        guard bits >= minimumBits else { throw .nonCanonicalCompact(offset: start) }
        return magnitude
    }

    // MARK: Compounds

    /// Reads `00` or `01`.
    public mutating func readBool() throws(SCALEError) -> Bool {
        let start = offset
        let byte = try readByte()
        guard byte <= 1 else { throw .invalidBool(offset: start, byte: byte) }
        return byte == 1
    }

    /// Reads a sequence's count.
    ///
    /// - Parameters:
    ///   - limit: the most items the type allows.
    ///   - minimumItemByteCount: the fewest bytes one item takes; with it a count that the
    ///     remaining bytes cannot hold is refused before memory is reserved. 0 for items that take
    ///     no bytes.
    public mutating func readCount(
        limit: Int, minimumItemByteCount: Int = 1
    ) throws(SCALEError) -> Int {
        let start = offset
        let count = try readCompact(UInt64.self)
        guard count <= UInt64(UInt32.max), count <= UInt64(limit) else {
            throw .tooManyItems(offset: start, count: count, limit: limit)
        }
        if minimumItemByteCount > 0 {
            let possible = remaining / minimumItemByteCount
            guard count <= UInt64(possible) else {
                throw .tooManyItems(offset: start, count: count, limit: possible)
            }
        }
        return Int(count)
    }

    /// Reads a byte vector of at most `limit` bytes.
    public mutating func readBytes(limit: Int) throws(SCALEError) -> [UInt8] {
        try readRaw(try readCount(limit: limit))
    }

    /// Reads a sequence of at most `limit` items.
    @inlinable
    public mutating func readItems<Item: SCALEDecodable>(
        _ type: Item.Type = Item.self, limit: Int, minimumItemByteCount: Int = 1
    ) throws(SCALEError) -> [Item] {
        let count = try readCount(limit: limit, minimumItemByteCount: minimumItemByteCount)
        var items: [Item] = []
        items.reserveCapacity(minimumItemByteCount > 0 ? count : 0)
        for _ in 0..<count {
            items.append(try nested { (inner) throws(SCALEError) in try inner.read() })
        }
        return items
    }

    /// Reads UTF-8 text of at most `limit` bytes.
    public mutating func readString(limit: Int) throws(SCALEError) -> String {
        let start = offset
        let raw = try readBytes(limit: limit)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .invalidUTF8(offset: start)
        }
        return text
    }

    /// Reads `Option<T>`.
    @inlinable
    public mutating func readOption<Value: SCALEDecodable>(
        _ type: Value.Type = Value.self
    ) throws(SCALEError) -> Value? {
        let start = position
        switch try readByte() {
        case 0: return nil
        case 1: return try nested { (inner) throws(SCALEError) in try inner.read() }
        case let index: throw .invalidIndex(offset: start, index: index)
        }
    }

    /// Reads a bit vector of at most `limit` bits; unused bits of the last byte must be zero.
    public mutating func readBits(limit: Int) throws(SCALEError) -> [Bool] {
        let start = offset
        let count = try readCount(limit: limit, minimumItemByteCount: 0)
        let packed = try readRaw((count + 7) / 8)
        if count % 8 != 0, packed[packed.count - 1] >> (count % 8) != 0 {
            throw .invalidValue(offset: start, reason: "spare bits of a bit vector are set")
        }
        return (0..<count).map { packed[$0 / 8] >> ($0 % 8) & 1 == 1 }
    }

    /// Reads the one-byte form of `OptionBool`: 0 none, 1 true, 2 false.
    public mutating func readOptionBool() throws(SCALEError) -> Bool? {
        let start = offset
        switch try readByte() {
        case 0: return nil
        case 1: return true
        case 2: return false
        case let index: throw .invalidIndex(offset: start, index: index)
        }
    }

    /// Reads a value one level deeper.
    ///
    /// - Throws: `tooDeep` beyond `maximumDepth` levels, so that hostile nesting cannot exhaust
    ///   the stack.
    @inlinable
    public mutating func nested<Value>(
        _ body: (inout SCALEDecoder) throws(SCALEError) -> Value
    ) throws(SCALEError) -> Value {
        guard depth < Self.maximumDepth else { throw .tooDeep(offset: position) }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }
}
