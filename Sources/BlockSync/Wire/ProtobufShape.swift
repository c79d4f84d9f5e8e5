/// Counts the fields of a protobuf message without decoding it, so that a message made of a
/// million empty parts is refused before it takes memory.
struct ProtobufShape {
    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    /// A field: its number, and for a length-delimited one its contents.
    struct Field {
        let number: UInt64
        let contents: ArraySlice<UInt8>?
    }

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    /// The next field, nil at the end.
    ///
    /// - Throws: for a truncated field and for the withdrawn group encodings.
    mutating func next() throws(MalformedMessage) -> Field? {
        guard offset < bytes.endIndex else { return nil }
        let key = try varint()
        switch key & 7 {
        case 0: _ = try varint()
        case 1: try skip(8)
        case 2:
            let count = try varint()
            guard count <= UInt64(bytes.endIndex - offset) else { throw MalformedMessage() }
            let start = offset
            offset += Int(count)
            return Field(number: key >> 3, contents: bytes[start..<offset])
        case 5: try skip(4)
        default: throw MalformedMessage()
        }
        return Field(number: key >> 3, contents: nil)
    }

    private mutating func skip(_ count: Int) throws(MalformedMessage) {
        guard count <= bytes.endIndex - offset else { throw MalformedMessage() }
        offset += count
    }

    private mutating func varint() throws(MalformedMessage) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard offset < bytes.endIndex else { throw MalformedMessage() }
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw MalformedMessage()
    }
}

/// A request or response that cannot be what it should be.
package struct MalformedMessage: Error, Sendable, Equatable {
    package init() {}
}

extension RangeReplaceableCollection<UInt8> {
    /// The bytes in the type that the generated code uses, which need not be named here.
    init(copying bytes: [UInt8]) { self.init(bytes) }
}
