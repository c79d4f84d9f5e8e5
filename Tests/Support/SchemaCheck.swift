package import RPC

/// Checks JSON against the part of JSON Schema that the OpenRPC document of a node uses.
package enum SchemaCheck {
    /// What of a value is not as its schema says; a keyword that is not known here is a problem, too.
    package static func problems(
        of value: JSONValue, by schema: JSONValue, at path: String = "result"
    ) -> [String] {
        guard let members = schema.object else { return ["\(path): the schema is no object"] }
        return members.flatMap { member -> [String] in
            switch (member.name, member.value) {
            case ("type", .string(let type)): check(value, isA: type, path)
            case ("minimum", 0):
                value.unsignedInteger == nil ? ["\(path) is no whole number from 0 on"] : []
            case ("pattern", .string(let pattern)): check(value, pattern, path)
            case ("enum", .array(let texts)):
                texts.contains(value) ? [] : ["\(path) is none of \(texts.count) texts"]
            case ("items", let items):
                (value.array ?? []).enumerated().flatMap {
                    problems(of: $0.element, by: items, at: "\(path)[\($0.offset)]")
                }
            case ("properties", .object(let properties)):
                properties.flatMap { property in
                    value[property.name].map {
                        problems(of: $0, by: property.value, at: "\(path).\(property.name)")
                    } ?? []
                }
            case ("required", .array(let names)):
                names.compactMap(\.string).filter { value[$0] == nil }.map {
                    "\(path).\($0) is missing"
                }
            case ("additionalProperties", let rule): additional(value, rule, schema, path)
            case ("anyOf", .array(let schemas)):
                schemas.contains { problems(of: value, by: $0, at: path).isEmpty }
                    ? [] : ["\(path) is none of what it may be"]
            default: ["\(path): unknown keyword \(member.name)"]
            }
        }
    }

    private static func check(_ value: JSONValue, isA type: String, _ path: String) -> [String] {
        let actual =
            switch value {
            case .null: "null"
            case .bool: "boolean"
            case .number: "integer"
            case .string: "string"
            case .array: "array"
            case .object: "object"
            }
        return actual == type ? [] : ["\(path) is \(actual), not \(type)"]
    }

    private static func check(_ value: JSONValue, _ pattern: String, _ path: String) -> [String] {
        guard let text = value.string, let regex = try? Regex(pattern),
            text.firstMatch(of: regex) != nil
        else { return ["\(path) is not \(pattern)"] }
        return []
    }

    private static func additional(
        _ value: JSONValue, _ rule: JSONValue, _ schema: JSONValue, _ path: String
    ) -> [String] {
        let others = (value.object ?? []).filter { schema["properties"]?[$0.name] == nil }
        if rule == false { return others.map { "\(path).\($0.name) is not described" } }
        return others.flatMap { problems(of: $0.value, by: rule, at: "\(path).\($0.name)") }
    }
}
