/// The header of a yamux frame: 12 bytes, integers big-endian (yamux specification, "Framing").
package struct YamuxFrame: Sendable, Hashable {
    /// What a frame carries.
    package enum Kind: UInt8, Sendable {
        /// Bytes of a stream; `length` counts them, and they follow the header.
        case data = 0
        /// Credit for the other side; `length` is the amount.
        case windowUpdate = 1
        /// A question or its answer; `length` is a value to be echoed.
        case ping = 2
        /// The end of the session; `length` is the reason.
        case goAway = 3
    }

    /// Marks that open, accept and end streams, and tell pings from their answers.
    package struct Flags: OptionSet, Sendable, Hashable {
        package let rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }

        /// Opens a stream, or asks a ping.
        package static let synchronize = Flags(rawValue: 1)
        /// Accepts a stream, or answers a ping.
        package static let acknowledge = Flags(rawValue: 2)
        /// The sender will send no more data on the stream.
        package static let finish = Flags(rawValue: 4)
        /// Both directions of the stream end at once.
        package static let reset = Flags(rawValue: 8)
    }

    package static let byteCount = 12

    package var kind: Kind
    package var flags: Flags
    /// The stream; 0 for pings and go-aways.
    package var stream: UInt32
    package var length: UInt32

    package init(_ kind: Kind, _ flags: Flags = [], stream: UInt32 = 0, length: UInt32 = 0) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.length = length
    }

    /// Reads exactly 12 bytes. Flag bits without a meaning are kept and ignored, as others do.
    package init(header: ArraySlice<UInt8>) throws(YamuxViolation) {
        precondition(header.count == Self.byteCount)
        let start = header.startIndex
        guard header[start] == 0 else { throw .unknownVersion(header[start]) }
        guard let kind = Kind(rawValue: header[start + 1]) else {
            throw .unknownFrameType(header[start + 1])
        }
        self.kind = kind
        flags = Flags(rawValue: UInt16(header[start + 2]) << 8 | UInt16(header[start + 3]))
        stream = Self.integer(header[(start + 4)..<(start + 8)])
        length = Self.integer(header[(start + 8)...])
    }

    /// Appends the 12 bytes.
    package func append(to output: inout [UInt8]) {
        output.append(0)
        output.append(kind.rawValue)
        withUnsafeBytes(of: flags.rawValue.bigEndian) { output.append(contentsOf: $0) }
        withUnsafeBytes(of: stream.bigEndian) { output.append(contentsOf: $0) }
        withUnsafeBytes(of: length.bigEndian) { output.append(contentsOf: $0) }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
