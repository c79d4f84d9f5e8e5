/// A domain name: labels of 1 to 63 bytes, at most 255 bytes with their lengths (RFC 1035, section
/// 3.1). Kept in lower case, because names are compared without regard to case.
public struct DNSName: Sendable, Hashable, CustomStringConvertible {
    /// The most bytes of a name on the wire, its lengths and the closing zero included.
    public static let maximumByteCount = 255
    private static let maximumLabelByteCount = 63

    /// The labels, outermost domain last.
    public let labels: [[UInt8]]

    /// Nil when a label is empty or too long, or the name is.
    public init?(labels: [[UInt8]]) {
        let byteCount = labels.reduce(1) { $0 + $1.count + 1 }
        guard byteCount <= Self.maximumByteCount,
            labels.allSatisfy({ (1...Self.maximumLabelByteCount).contains($0.count) })
        else { return nil }
        self.labels = labels.map { $0.map(Self.lowercased) }
    }

    /// Reads labels between dots; a dot at the end is allowed.
    public init?(_ text: some StringProtocol) {
        let text = text.hasSuffix(".") ? text.dropLast() : text[...]
        self.init(
            labels: text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
                .map { Array($0) })
    }

    /// The labels with a dot behind each.
    public var description: String {
        labels.map { String(decoding: $0, as: UTF8.self) + "." }.joined()
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    func append(to bytes: inout [UInt8]) {
        for label in labels {
            bytes.append(UInt8(label.count))
            bytes += label
        }
        bytes.append(0)
    }
}
