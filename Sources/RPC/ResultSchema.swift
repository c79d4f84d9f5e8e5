/// What a parameter or a result looks like: the part of JSON Schema that RPC answers need.
package indirect enum ResultSchema: Sendable {
    /// Whatever.
    case any
    case null
    case bool
    case text
    /// A whole number from 0 on.
    case number
    /// A text of this regular expression.
    case pattern(String)
    /// One of these texts.
    case oneOf([String])
    case nullable(ResultSchema)
    case either([ResultSchema])
    case list(ResultSchema)
    /// An object with exactly these members, all of them there.
    case object(KeyValuePairs<String, ResultSchema>)
    /// An object with whatever members, each of this kind.
    case table(ResultSchema)

    /// 32 bytes as `0x` and hexadecimal digits.
    static let hash = ResultSchema.pattern("^0x[0-9a-f]{64}$")
    /// Bytes as `0x` and hexadecimal digits.
    static let hex = ResultSchema.pattern("^0x([0-9a-f]{2})*$")
    /// A number as `0x` and hexadecimal digits without leading zeros.
    static let hexNumber = ResultSchema.pattern("^0x(0|[1-9a-f][0-9a-f]*)$")
    /// An account's address, or its digits where the chain's prefix is no valid one.
    static let account = ResultSchema.text

    /// The schema in JSON.
    package var json: JSONValue {
        switch self {
        case .any: [:]
        case .null: ["type": "null"]
        case .bool: ["type": "boolean"]
        case .text: ["type": "string"]
        case .number: ["type": "integer", "minimum": 0]
        case .pattern(let pattern): ["type": "string", "pattern": .string(pattern)]
        case .oneOf(let texts):
            ["type": "string", "enum": .array(texts.map(JSONValue.string))]
        case .nullable(let schema): ["anyOf": [schema.json, ["type": "null"]]]
        case .either(let schemas): ["anyOf": .array(schemas.map(\.json))]
        case .list(let schema): ["type": "array", "items": schema.json]
        case .object(let members):
            [
                "type": "object",
                "properties": .object(members.map { JSONMember($0.key, $0.value.json) }),
                "required": .array(members.map { .string($0.key) }),
                "additionalProperties": false,
            ]
        case .table(let schema): ["type": "object", "additionalProperties": schema.json]
        }
    }
}
