import Primitives
import RPC
import Testing

@Suite("JSON")
struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONParser.parse(Array(text.utf8))
    }

    @Test(
        "what is parsed is written the same",
        arguments: [
            "null", "true", "false", "0", "-0", "12", "-1.5", "1e5", "1E+5", "2.50e-10",
            "18446744073709551616", "123456789012345678901234567890.1", "\"\"", "\"a\"",
            "\"é\u{1F600}\"", "[]", "{}", "[1,[2,{\"a\":null}],\"x\"]",
            "{\"b\":1,\"a\":{\"c\":[true,false]}}", "\"\\\\\\\"\\n\\r\\t\\u0001\"",
        ])
    func roundTrip(text: String) throws {
        #expect(String(decoding: try parse(text).utf8, as: UTF8.self) == text)
    }

    @Test("space is allowed between the parts and nowhere else")
    func space() throws {
        let text = " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n"
        #expect(String(decoding: try parse(text).utf8, as: UTF8.self) == "{\"a\":[1,2],\"b\":{}}")
        #expect(throws: JSONError.self) { try parse("1 2") }
        #expect(throws: JSONError.self) { try parse("- 1") }
    }

    @Test("escapes name the characters they stand for")
    func escapes() throws {
        let text = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\uD83D\\uDE00\""
        #expect(try parse(text) == .string("\"\\/\u{8}\u{C}\n\r\tAé\u{1F600}"))
    }

    @Test(
        "what is no JSON is refused",
        arguments: [
            "", " ", "nul", "nulll", "True", "01", "-", "-a", "1.", ".5", "1e", "1e+", "+1", "0x10",
            "NaN", "Infinity", "'a'", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u0x41\"",
            "\"\\u12G4\"", "\"\\uD800\"", "\"\\uD800a\"", "\"\\uD800\\n\"", "\"\\uD800\\u0041\"",
            "\"\\uDC00\"", "\"\n\"", "\"\u{0}\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]",
            "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}",
            "{\"a\" 1}", "{\"a\":1,\"a\":2}", "[1]]", "// x", "\u{FEFF}1",
        ])
    func refusals(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test(
        "strings that are not UTF-8 are refused",
        arguments: [
            [0xFF], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
        ])
    func invalidUTF8(bytes: [UInt8]) {
        #expect(throws: JSONError.invalidString(offset: 0)) {
            try JSONParser.parse([0x22] + bytes + [0x22])
        }
    }

    @Test("nesting is taken to 64 levels and no further")
    func depth() throws {
        let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(String(decoding: try parse(deepest).utf8, as: UTF8.self) == deepest)
        let tooDeep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(throws: JSONError.tooDeep(offset: 64)) { try parse(tooDeep) }
        #expect(throws: JSONError.tooDeep(offset: 5 * 64)) {
            try parse(String(repeating: "{\"a\":", count: 100_000))
        }
    }

    @Test("every truncation of a text is refused")
    func truncations() {
        let text = Array(
            "{\"jsonrpc\":\"2.0\",\"id\":\"\\u00e9\",\"params\":[1.5e3,true,null,{\"a\":[]}]}".utf8)
        for count in 0..<text.count {
            #expect(throws: JSONError.self, "first \(count) bytes") {
                try JSONParser.parse(Array(text[..<count]))
            }
        }
    }

    @Test("changed bytes never trap, and what is taken goes round", arguments: [1, 2, 3, 4])
    func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let text = Array(
            "{\"jsonrpc\":\"2.0\",\"id\":[\"\\uD83D\\uDE00\"],\"params\":[-1.5e3,true,{\"a\":[]}]}"
                .utf8)
        for _ in 0..<5_000 {
            var changed = text
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let position = Int.random(in: 0..<changed.count, using: &generator)
                changed[position] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let value = try? JSONParser.parse(changed) else { continue }
            #expect(try JSONParser.parse(value.utf8) == value, "seed \(seed)")
        }
    }

    @Test("only whole numbers from 0 to 2^64 - 1 are taken as integers")
    func integers() throws {
        #expect(try parse("18446744073709551615").unsignedInteger == .max)
        for text in ["18446744073709551616", "-1", "-0", "1.0", "1e3", "\"1\"", "null"] {
            #expect(try parse(text).unsignedInteger == nil)
        }
    }

    @Test("members and items are found, and missing ones are nil")
    func access() throws {
        let value = try parse("{\"a\":[1,\"x\"],\"b\":{\"c\":true}}")
        #expect(value["a"]?[0] == 1)
        #expect(value["a"]?[1]?.string == "x")
        #expect(value["a"]?[2] == nil)
        #expect(value["a"]?["c"] == nil)
        #expect(value["b"]?["c"] == true)
        #expect(value["c"] == nil)
        #expect(value[0] == nil)
        #expect(value.object?.map(\.name) == ["a", "b"])
        #expect(value["a"]?.array?.count == 2)
        #expect(JSONValue.hexNumber(0) == "0x0")
        #expect(JSONValue.hexNumber(UInt64.max) == "0xffffffffffffffff")
        #expect(JSONValue.hex([0, 255]) == "0x00ff")
    }
}
