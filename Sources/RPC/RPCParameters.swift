package import Primitives

/// The parameters of a call: an array by position or an object by name. A null and a missing
/// trailing parameter are the same, as on Substrate nodes.
package struct RPCParameters: Sendable {
    private enum Form {
        case positional([JSONValue])
        case named([JSONMember])
    }

    private let form: Form

    /// Takes a request's `params`.
    ///
    /// - Throws: `invalidRequest` for anything but an array, an object, null and nothing.
    package init(_ value: JSONValue?) throws(RPCError) {
        switch value {
        case nil, .null?: form = .positional([])
        case .array(let items)?: form = .positional(items)
        case .object(let members)?: form = .named(members)
        default: throw .invalidRequest("params is neither an array nor an object")
        }
    }

    /// A parameter, nil when it is missing or null.
    package func optional(_ index: Int, _ name: String) -> JSONValue? {
        let value: JSONValue?
        switch form {
        case .positional(let items): value = items.indices.contains(index) ? items[index] : nil
        case .named(let members): value = members.first { $0.name == name }?.value
        }
        return value == .null ? nil : value
    }

    /// A parameter that must be there.
    package func required(_ index: Int, _ name: String) throws(RPCError) -> JSONValue {
        guard let value = optional(index, name) else {
            throw .invalidParameters("parameter \(index + 1), \(name), is missing")
        }
        return value
    }

    /// A text that must be there.
    package func text(_ index: Int, _ name: String) throws(RPCError) -> String {
        guard let text = try required(index, name).string else {
            throw .invalidParameters("\(name) is no text")
        }
        return text
    }

    /// A block hash: `0x` and 64 hexadecimal digits; nil when it is missing or null.
    package func optionalHash(_ index: Int, _ name: String) throws(RPCError) -> Hash256? {
        guard let value = optional(index, name) else { return nil }
        guard let text = value.string, text.hasPrefix("0x"), let hash = Hash256(hex: text) else {
            throw .invalidParameters("\(name) is not a hash: 0x and 64 hexadecimal digits")
        }
        return hash
    }

    /// A block hash that must be there.
    package func hash(_ index: Int, _ name: String) throws(RPCError) -> Hash256 {
        guard let hash = try optionalHash(index, name) else {
            throw .invalidParameters("parameter \(index + 1), \(name), is missing")
        }
        return hash
    }

    /// Bytes as `0x` and hexadecimal digits, at most `limit` of them.
    package func bytes(_ index: Int, _ name: String, limit: Int) throws(RPCError) -> [UInt8] {
        let value = try required(index, name)
        guard let text = value.string, text.hasPrefix("0x"), let bytes = [UInt8](hex: text) else {
            throw .invalidParameters("\(name) is not 0x and hexadecimal digits")
        }
        guard bytes.count <= limit else {
            throw .invalidParameters("\(name) has \(bytes.count) bytes, the limit is \(limit)")
        }
        return bytes
    }

    /// A block number: a JSON number or `0x` and hexadecimal digits.
    package func blockNumber(_ index: Int, _ name: String) throws(RPCError) -> BlockNumber {
        try Self.blockNumber(try required(index, name), name)
    }

    /// Reads a block number from a number or `0x` and hexadecimal digits.
    package static func blockNumber(
        _ value: JSONValue, _ name: String
    ) throws(RPCError) -> BlockNumber {
        let number: UInt64?
        if let text = value.string, text.hasPrefix("0x"), text.utf8.count <= 18 {
            // UInt64 would take a sign, too.
            let digits = text.dropFirst(2)
            number =
                digits.utf8.allSatisfy { UInt8(ascii: "0") <= $0 }
                ? UInt64(digits, radix: 16) : nil
        } else {
            number = value.unsignedInteger
        }
        guard let number, let height = UInt32(exactly: number) else {
            throw .invalidParameters("\(name) is not a block number from 0 to \(UInt32.max)")
        }
        return BlockNumber(height)
    }
}
