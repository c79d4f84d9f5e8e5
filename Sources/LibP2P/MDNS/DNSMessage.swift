/// Why bytes are no DNS message.
public enum DNSError: Error, Sendable, Equatable {
    /// Longer than `DNSMessage.maximumByteCount`.
    case tooLong(byteCount: Int)
    /// The message ends inside a field.
    case truncated
    /// A name with a label of a reserved kind, above 255 bytes, or with a pointer that does not
    /// lead backwards.
    case malformedName
    /// A record's content has another form than its type's.
    case malformedRecord(type: UInt16)
    /// More questions or records than are read.
    case tooMany(count: Int)
}

/// The record types that this implementation reads.
public enum DNSRecordType {
    public static let a: UInt16 = 1
    public static let ptr: UInt16 = 12
    public static let txt: UInt16 = 16
    public static let aaaa: UInt16 = 28
    public static let srv: UInt16 = 33
    public static let any: UInt16 = 255
}

/// The class of the internet, and the bit that mDNS adds to it: "answer to me alone" in questions,
/// "forget what you knew" in records (RFC 6762, sections 5.4 and 10.2).
public enum DNSClass {
    public static let internet: UInt16 = 1
    public static let mDNSBit: UInt16 = 0x8000
}

/// What is asked.
public struct DNSQuestion: Sendable, Hashable {
    public var name: DNSName
    public var type: UInt16
    public var classCode: UInt16

    public init(_ name: DNSName, type: UInt16, classCode: UInt16 = DNSClass.internet) {
        self.name = name
        self.type = type
        self.classCode = classCode
    }
}

/// A resource record.
public struct DNSRecord: Sendable, Hashable {
    /// What a record says.
    public enum Content: Sendable, Hashable {
        case a(IPv4Address)
        case aaaa(IPv6Address)
        case ptr(DNSName)
        /// Strings of at most 255 bytes each.
        case txt([[UInt8]])
        case srv(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
        case other(type: UInt16, [UInt8])
    }

    public var name: DNSName
    public var classCode: UInt16
    /// How long the record holds, in seconds.
    public var timeToLive: UInt32
    public var content: Content

    public init(
        _ name: DNSName, classCode: UInt16 = DNSClass.internet, timeToLive: UInt32,
        _ content: Content
    ) {
        self.name = name
        self.classCode = classCode
        self.timeToLive = timeToLive
        self.content = content
    }

    /// The number of the record's type.
    public var type: UInt16 {
        switch content {
        case .a: DNSRecordType.a
        case .aaaa: DNSRecordType.aaaa
        case .ptr: DNSRecordType.ptr
        case .txt: DNSRecordType.txt
        case .srv: DNSRecordType.srv
        case .other(let type, _): type
        }
    }
}

/// A DNS message, of mDNS or of the ordinary kind (RFC 1035, section 4; RFC 6762).
///
/// Reading is total and bounded: every count and length is checked, and pointers in names lead
/// strictly backwards, so that they end. Written names are not compressed.
public struct DNSMessage: Sendable, Hashable {
    /// The most bytes of a message (RFC 6762, section 17).
    public static let maximumByteCount = 9_000
    /// The most questions that are read, and the most records of all sections together.
    public static let maximumQuestions = 64
    public static let maximumRecords = 256
    /// The flags of an mDNS answer: a response, authoritative.
    public static let answerFlags: UInt16 = 0x8400

    public var id: UInt16
    public var flags: UInt16
    public var questions: [DNSQuestion]
    public var answers: [DNSRecord]
    public var authorities: [DNSRecord]
    public var additionals: [DNSRecord]

    public init(
        id: UInt16 = 0, flags: UInt16 = 0, questions: [DNSQuestion] = [],
        answers: [DNSRecord] = [], authorities: [DNSRecord] = [], additionals: [DNSRecord] = []
    ) {
        self.id = id
        self.flags = flags
        self.questions = questions
        self.answers = answers
        self.authorities = authorities
        self.additionals = additionals
    }

    /// The bytes on the wire.
    public var bytes: [UInt8] {
        var bytes = id.bigEndianBytes + flags.bigEndianBytes
        for count in [questions.count, answers.count, authorities.count, additionals.count] {
            bytes += UInt16(count).bigEndianBytes
        }
        for question in questions {
            question.name.append(to: &bytes)
            bytes += question.type.bigEndianBytes + question.classCode.bigEndianBytes
        }
        for record in answers + authorities + additionals { record.append(to: &bytes) }
        return bytes
    }

    /// Reads a message; what follows its last record is not looked at.
    public init(bytes: [UInt8]) throws(DNSError) {
        guard bytes.count <= Self.maximumByteCount else { throw .tooLong(byteCount: bytes.count) }
        var reader = DNSReader(bytes)
        self.init(id: try reader.number(), flags: try reader.number())
        let questionCount = try reader.count()
        let counts = (try reader.count(), try reader.count(), try reader.count())
        guard questionCount <= Self.maximumQuestions else { throw .tooMany(count: questionCount) }
        let recordCount = counts.0 + counts.1 + counts.2
        guard recordCount <= Self.maximumRecords else { throw .tooMany(count: recordCount) }
        for _ in 0..<questionCount {
            let name = try reader.name()
            questions.append(
                DNSQuestion(name, type: try reader.number(), classCode: try reader.number()))
        }
        for _ in 0..<counts.0 { answers.append(try reader.record()) }
        for _ in 0..<counts.1 { authorities.append(try reader.record()) }
        for _ in 0..<counts.2 { additionals.append(try reader.record()) }
    }
}

extension DNSRecord {
    fileprivate func append(to bytes: inout [UInt8]) {
        name.append(to: &bytes)
        bytes += type.bigEndianBytes + classCode.bigEndianBytes + timeToLive.bigEndianBytes
        var data: [UInt8] = []
        switch content {
        case .a(let address): data = address.bytes
        case .aaaa(let address): data = address.bytes
        case .ptr(let target): target.append(to: &data)
        case .txt(let strings):
            for string in strings {
                precondition(string.count <= 255, "a string has a length of one byte")
                data.append(UInt8(string.count))
                data += string
            }
        case .srv(let priority, let weight, let port, let target):
            for number in [priority, weight, port] { data += number.bigEndianBytes }
            target.append(to: &data)
        case .other(_, let content): data = content
        }
        bytes += UInt16(data.count).bigEndianBytes + data
    }
}

/// Reads fields off a message.
private struct DNSReader {
    private let message: [UInt8]
    private var position = 0
    /// Pointers that are followed within one name.
    private static let maximumJumps = 16

    init(_ message: [UInt8]) { self.message = message }

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>() throws(DNSError) -> Number {
        guard let value = Number(bigEndianBytes: try take(Number.bitWidth / 8)) else {
            throw .truncated
        }
        return value
    }

    mutating func count() throws(DNSError) -> Int {
        let value: UInt16 = try number()
        return Int(value)
    }

    private mutating func take(_ count: Int) throws(DNSError) -> ArraySlice<UInt8> {
        guard count <= message.count - position else { throw .truncated }
        defer { position += count }
        return message[position..<position + count]
    }

    /// Reads a name. A pointer leads to an earlier place than where the name, or the piece of it
    /// that the last pointer led to, begins.
    mutating func name() throws(DNSError) -> DNSName {
        var labels: [[UInt8]] = []
        var byteCount = 1
        var start = position
        /// Where to read on behind the name, once a pointer was followed.
        var end: Int?
        var jumps = 0
        while true {
            guard let length = try take(1).first else { throw .truncated }
            switch length >> 6 {
            case 0b00 where length == 0:
                if let end { position = end }
                guard let name = DNSName(labels: labels) else { throw .malformedName }
                return name
            case 0b00:
                byteCount += 1 + Int(length)
                guard byteCount <= DNSName.maximumByteCount else { throw .malformedName }
                labels.append(Array(try take(Int(length))))
            case 0b11:
                guard let low = try take(1).first else { throw .truncated }
                let target = Int(length & 0x3F) << 8 | Int(low)
                jumps += 1
                guard target < start, jumps <= Self.maximumJumps else { throw .malformedName }
                if end == nil { end = position }
                (position, start) = (target, target)
            default: throw .malformedName
            }
        }
    }

    mutating func record() throws(DNSError) -> DNSRecord {
        let name = try name()
        let type: UInt16 = try number()
        let classCode: UInt16 = try number()
        let timeToLive: UInt32 = try number()
        let length = try count()
        let data = try take(length)
        guard let content = try content(type, data) else { throw .malformedRecord(type: type) }
        return DNSRecord(name, classCode: classCode, timeToLive: timeToLive, content)
    }

    /// What a record of that type says; nil when the data has another form.
    private func content(
        _ type: UInt16, _ data: ArraySlice<UInt8>
    ) throws(DNSError) -> DNSRecord.Content? {
        switch type {
        case DNSRecordType.a:
            return UInt32(bigEndianBytes: data).map { .a(IPv4Address(rawValue: $0)) }
        case DNSRecordType.aaaa:
            return UInt128(bigEndianBytes: data).map { .aaaa(IPv6Address(rawValue: $0)) }
        case DNSRecordType.ptr:
            return try target(at: data.startIndex, endingAt: data.endIndex).map { .ptr($0) }
        case DNSRecordType.srv:
            guard data.count > 6 else { return nil }
            let numbers = (0..<3).compactMap { index in
                let start = data.startIndex + 2 * index
                return UInt16(bigEndianBytes: data[start..<start + 2])
            }
            return try target(at: data.startIndex + 6, endingAt: data.endIndex).map { target in
                .srv(priority: numbers[0], weight: numbers[1], port: numbers[2], target: target)
            }
        case DNSRecordType.txt: return Self.strings(data).map { .txt($0) }
        default: return .other(type: type, Array(data))
        }
    }

    /// A name that takes exactly the bytes up to `end`; names in records may point into the rest
    /// of the message.
    private func target(at start: Int, endingAt end: Int) throws(DNSError) -> DNSName? {
        var reader = self
        reader.position = start
        let name = try reader.name()
        return reader.position == end ? name : nil
    }

    private static func strings(_ data: ArraySlice<UInt8>) -> [[UInt8]]? {
        var rest = data
        var strings: [[UInt8]] = []
        while let length = rest.popFirst() {
            guard Int(length) <= rest.count else { return nil }
            strings.append(Array(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        return strings
    }
}
