import Foundation
import Testing

/// A JSON value, for vectors whose values differ in type.
enum JSONValue: Decodable, Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    /// The number in decimal, whether it is written as a number or as text.
    var digits: String? {
        switch self {
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .text(let value): value
        default: nil
        }
    }

    /// The integers of a list.
    var integers: [Int64]? {
        guard case .list(let items) = self else { return nil }
        let values = items.compactMap { item in
            if case .integer(let value) = item { value } else { nil }
        }
        return values.count == items.count ? values : nil
    }
}

/// The file with the vectors.
struct ScaleVectors: Decodable, Sendable {
    struct Valid: Decodable, Sendable, CustomTestStringConvertible {
        let type: String
        let value: JSONValue
        let scale: String
        var testDescription: String { "\(type) \(scale)" }
    }

    struct Invalid: Decodable, Sendable, CustomTestStringConvertible {
        let type: String
        let scale: String
        let reason: String
        var testDescription: String { "\(type) \(scale): \(reason)" }
    }

    let valid: [Valid]
    let invalid: [Invalid]

    static func load() throws -> ScaleVectors {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Vectors/scale/scale.json").standardized
        return try JSONDecoder().decode(ScaleVectors.self, from: Data(contentsOf: file))
    }
}

/// Bytes written as hexadecimal digits.
func bytes(_ hex: String) -> [UInt8] {
    var result: [UInt8] = []
    var rest = hex[...]
    while !rest.isEmpty {
        result.append(UInt8(rest.prefix(2), radix: 16)!)
        rest = rest.dropFirst(2)
    }
    return result
}
