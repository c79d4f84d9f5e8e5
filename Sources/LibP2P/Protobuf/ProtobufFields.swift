// Writing protobuf fields by hand, for messages that are read with `ProtobufFieldReader`.
extension [UInt8] {
    /// Appends a length-delimited field (wire type 2): bytes, text or an embedded message.
    mutating func appendProtobufField(_ number: UInt64, _ content: [UInt8]) {
        UnsignedVarint.append(number << 3 | 2, to: &self)
        UnsignedVarint.appendLengthPrefixed(content, to: &self)
    }

    /// Appends a varint field (wire type 0) of at most 63 bits.
    mutating func appendProtobufField(_ number: UInt64, integer: UInt64) {
        UnsignedVarint.append(number << 3, to: &self)
        UnsignedVarint.append(integer, to: &self)
    }
}
