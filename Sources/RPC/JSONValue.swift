internal import Primitives

/// A JSON value as it came in or will go out (RFC 8259).
///
/// Numbers keep their text and objects their order, so that what a client sent (a request's id)
/// goes back exactly as it came.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])
}

/// A name and its value within an object.
package struct JSONMember: Sendable, Hashable {
    package var name: String
    package var value: JSONValue

    package init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

extension JSONValue {
    /// The value of an object's member; nil when there is none or this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The item of an array; nil when there is none or this is no array.
    package subscript(index: Int) -> JSONValue? {
        guard case .array(let items) = self, items.indices.contains(index) else { return nil }
        return items[index]
    }

    /// The text of a string.
    package var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The items of an array.
    package var array: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }

    /// The members of an object.
    package var object: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// A number that is a whole one from 0 to 2^64 - 1, written without fraction and exponent.
    package var unsignedInteger: UInt64? {
        guard case .number(let number) = self else { return nil }
        return number.unsignedInteger
    }

    /// A whole number.
    package static func integer(_ value: some BinaryInteger & Sendable) -> JSONValue {
        .number(JSONNumber(value))
    }

    /// Bytes as `0x` and hexadecimal digits.
    package static func hex(_ bytes: some Sequence<UInt8>) -> JSONValue {
        .string("0x" + bytes.hex)
    }

    /// A number as Substrate writes it in headers: `0x` and hexadecimal digits without leading
    /// zeros.
    package static func hexNumber(_ value: some BinaryInteger) -> JSONValue {
        .string("0x" + String(value, radix: 16))
    }

    /// The value, or null when there is none.
    package static func optional(_ value: JSONValue?) -> JSONValue { value ?? .null }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { JSONMember($0.0, $0.1) })
    }
}

/// A JSON number by its text, so that no precision is lost and an id is echoed as it came.
package struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
    /// The number as RFC 8259 writes it.
    package let description: String

    /// A whole number.
    package init(_ value: some BinaryInteger) { description = String(value) }

    /// Text that the parser has found to be a number.
    init(checkedText: String) { description = checkedText }

    /// The value, if it is whole, from 0 to 2^64 - 1, and written without fraction and exponent.
    package var unsignedInteger: UInt64? {
        description.hasPrefix("-") ? nil : UInt64(description)
    }
}
