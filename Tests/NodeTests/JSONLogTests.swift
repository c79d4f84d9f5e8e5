import Foundation
import Logging
import Testing

import Node

/// Log lines as programs read them.
@Suite struct JSONLogTests {
    @Test func `a line is one object with the fixed members, whatever the text`() throws {
        let line = JSONLogLine.text(
            seconds: 1_700_000_000, milliseconds: 45, level: .warning, target: "coherence",
            message: "a \"b\"\n\u{1} é",
            fields: [("peer", "x")])
        #expect(line.hasSuffix("}\n"))
        #expect(line.dropLast().allSatisfy { !$0.isNewline })
        let object = try #require(
            JSONSerialization.jsonObject(with: Foundation.Data(line.utf8)) as? [String: Any])
        #expect(Set(object.keys) == ["time", "level", "target", "message", "fields"])
        #expect(object["time"] as? String == "2023-11-14T22:13:20.045Z")
        #expect(object["level"] as? String == "warning")
        #expect(object["target"] as? String == "coherence")
        #expect(object["message"] as? String == "a \"b\"\n\u{1} é")
        #expect(object["fields"] as? [String: String] == ["peer": "x"])
    }
}
