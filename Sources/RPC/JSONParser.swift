internal import Primitives

/// Why bytes are not a JSON text that is taken here. Offsets are in bytes.
package enum JSONError: Error, Sendable, Equatable {
    /// The text ends too early.
    case unexpectedEnd
    /// A byte that cannot stand there.
    case unexpectedByte(offset: Int, byte: UInt8)
    /// Something follows the value.
    case trailingBytes(offset: Int)
    /// Arrays and objects nested deeper than `JSONParser.maximumDepth`.
    case tooDeep(offset: Int)
    /// A string that is not UTF-8, has an unknown escape or half of a surrogate pair.
    case invalidString(offset: Int)
    /// A name that occurs twice in one object: readers differ on which of the two counts.
    case duplicateName(String)
}

/// Reads one JSON text (RFC 8259), strictly and with a bounded depth.
///
/// What it costs is bounded by the input's length, which the caller bounds.
package struct JSONParser {
    /// The deepest nesting of arrays and objects.
    package static let maximumDepth = 64

    private let bytes: [UInt8]
    private var offset = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads a text that holds exactly one value.
    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes)
        parser.skipSpace()
        let value = try parser.value()
        parser.skipSpace()
        guard parser.offset == bytes.count else {
            throw .trailingBytes(offset: parser.offset)
        }
        return value
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private func unexpected() -> JSONError {
        offset < bytes.count
            ? .unexpectedByte(offset: offset, byte: bytes[offset]) : .unexpectedEnd
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            offset += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard let first = next else { throw .unexpectedEnd }
        switch first {
        case UInt8(ascii: "{"):
            return try nested { (inner) throws(JSONError) in try inner.members() }
        case UInt8(ascii: "["): return try nested { (inner) throws(JSONError) in try inner.items() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw unexpected()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depth < Self.maximumDepth else { throw .tooDeep(offset: offset) }
        depth += 1
        offset += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func word(
        _ text: StaticString, _ value: JSONValue
    ) throws(JSONError) -> JSONValue {
        for index in 0..<text.utf8CodeUnitCount {
            guard take(text.utf8Start[index]) else { throw unexpected() }
        }
        return value
    }

    /// The items of an array, after its bracket.
    private mutating func items() throws(JSONError) -> JSONValue {
        var items: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        while true {
            skipSpace()
            items.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(items) }
            guard take(UInt8(ascii: ",")) else { throw unexpected() }
        }
    }

    /// The members of an object, after its brace.
    private mutating func members() throws(JSONError) -> JSONValue {
        var members: [JSONMember] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw unexpected() }
            let name = try string()
            guard names.insert(name).inserted else { throw .duplicateName(name) }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw unexpected() }
            skipSpace()
            members.append(JSONMember(name, try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw unexpected() }
        }
    }

    private mutating func digits() throws(JSONError) {
        guard let first = next, isDigit(first) else { throw unexpected() }
        while let byte = next, isDigit(byte) { offset += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        return .number(JSONNumber(checkedText: text))
    }
}

extension JSONParser {
    /// A string, from its opening quote.
    private mutating func string() throws(JSONError) -> String {
        let start = offset
        offset += 1
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw .unexpectedEnd }
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                guard let valid = String(validating: text, as: UTF8.self) else {
                    throw .invalidString(offset: start)
                }
                return valid
            case UInt8(ascii: "\\"):
                offset += 1
                text.append(contentsOf: String(try escape(stringStart: start)).utf8)
            case 0..<0x20:
                throw unexpected()
            default:
                text.append(byte)
                offset += 1
            }
        }
    }

    /// What stands behind a backslash.
    private mutating func escape(stringStart: Int) throws(JSONError) -> Unicode.Scalar {
        guard let byte = next else { throw .unexpectedEnd }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw .invalidString(offset: stringStart)
        }
        let first = UInt32(try codeUnit(stringStart: stringStart))
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw .invalidString(offset: stringStart)
        }
        let second = UInt32(try codeUnit(stringStart: stringStart))
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw .invalidString(offset: stringStart) }
        return scalar
    }

    /// Four hexadecimal digits.
    private mutating func codeUnit(stringStart: Int) throws(JSONError) -> UInt16 {
        guard bytes.count - offset >= 4 else { throw .unexpectedEnd }
        let digits = bytes[offset..<offset + 4]
        guard let pair = [UInt8](hex: String(decoding: digits, as: UTF8.self)), pair.count == 2
        else { throw .invalidString(offset: stringStart) }
        offset += 4
        return UInt16(pair[0]) << 8 | UInt16(pair[1])
    }
}
