/// Why a negotiation of protocols failed.
public enum MultistreamError: Error, Sendable, Equatable {
    /// A length that is malformed or above `MultistreamMessage.maximumByteCount`.
    case framing(FramingError)
    /// A message without a newline at its end, or not in UTF-8.
    case malformedMessage
    /// The first message is not the header: the peer speaks something else.
    case unexpectedHeader(String)
    /// A proposal that does not begin with a slash, or an answer that is neither the proposal nor
    /// `na`.
    case unexpectedMessage(String)
    /// The listener refused every proposal.
    case noCommonProtocol
    /// The dialer made more proposals than the listener puts up with.
    case tooManyProposals
    /// The stream ended before an agreement.
    case endOfStream
}

/// Where a negotiation stands.
public enum MultistreamOutcome: Sendable, Equatable {
    /// More bytes from the peer are needed.
    case pending
    /// Both sides speak this protocol from the next byte on.
    case agreed(String)
    /// Close the stream.
    case failed(MultistreamError)
}

/// The messages of multistream-select 1.0: a varint length, a line of UTF-8 text, a newline, which
/// the length counts.
public enum MultistreamMessage {
    /// The most bytes of a message, newline included.
    public static let maximumByteCount = 1_024
    /// The most proposals and listings that a listener answers on one stream.
    public static let maximumProposalCount = 32

    static let header = "/multistream/1.0.0"
    static let notAvailable = "na"
    static let list = "ls"
    private static let newline = UInt8(ascii: "\n")

    /// The frame of one line.
    package static func frame(_ line: String) -> [UInt8] {
        var frame: [UInt8] = []
        append(line, to: &frame)
        return frame
    }

    static func append(_ line: String, to bytes: inout [UInt8]) {
        UnsignedVarint.appendLengthPrefixed(Array(line.utf8) + [newline], to: &bytes)
    }

    /// The answer to `ls` in the form of rust-libp2p: one frame that holds a frame for each name,
    /// and a newline.
    package static func listing(_ names: [String]) -> [UInt8] {
        var content: [UInt8] = []
        for name in names { append(name, to: &content) }
        content.append(newline)
        var frame: [UInt8] = []
        UnsignedVarint.appendLengthPrefixed(content, to: &frame)
        return frame
    }

    /// The line in the content of a frame; nil without a newline at the end or when it is not
    /// UTF-8.
    static func line(_ content: [UInt8]) -> String? {
        guard content.last == newline else { return nil }
        return String(validating: content.dropLast(), as: UTF8.self)
    }

    /// Whether a text can be proposed: a slash in front, no newline, short enough for a message.
    package static func isProtocolName(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: "/") && name.utf8.count < maximumByteCount
            && !name.utf8.contains(newline)
    }
}

extension String {
    /// Whether two names are the same bytes. Swift's own equality takes different spellings of one
    /// Unicode character as equal, which protocol names on the wire are not.
    func isSameName(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
