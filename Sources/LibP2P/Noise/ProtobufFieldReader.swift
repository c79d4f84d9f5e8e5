/// Walks over the fields of a small protobuf message without a generated type, tolerant as the
/// format asks: any order, unknown fields skipped, varints of up to ten bytes in any form.
struct ProtobufFieldReader {
    private var rest: ArraySlice<UInt8>

    /// A message whose fields are to be read.
    init(_ message: ArraySlice<UInt8>) { rest = message }

    /// A field with its value, as far as it is a varint (wire type 0) or length-delimited (type 2).
    struct Field: Equatable {
        var number: UInt64
        var content: ArraySlice<UInt8>?
        var integer: UInt64?
    }

    /// Not a protobuf message.
    struct Malformed: Error {}

    /// The next field, nil at the end of the message.
    mutating func next() throws(Malformed) -> Field? {
        guard !rest.isEmpty else { return nil }
        let tag = try varint()
        guard tag >> 3 != 0 else { throw Malformed() }
        var field = Field(number: tag >> 3, content: nil, integer: nil)
        switch tag & 7 {
        case 0: field.integer = try varint()
        case 1: _ = try take(8)
        case 2: field.content = try take(varint())
        case 5: _ = try take(4)
        default: throw Malformed()
        }
        return field
    }

    private mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for position in UInt64(0)..<10 {
            guard let byte = rest.popFirst() else { throw Malformed() }
            value |= UInt64(byte & 0x7F) << (7 * position)
            if byte < 0x80 { return value }
        }
        throw Malformed()
    }

    private mutating func take(_ byteCount: UInt64) throws(Malformed) -> ArraySlice<UInt8> {
        guard byteCount <= UInt64(rest.count) else { throw Malformed() }
        defer { rest = rest.dropFirst(Int(byteCount)) }
        return rest.prefix(Int(byteCount))
    }
}
