import Foundation
import Testing

/// Holds the examples of docs/protocol.md against `Vectors/protocol`, which the tests of each module
/// make with the code.
@Suite("The protocol page")
struct ProtocolPageTests {
    /// A line of an example: a field's length in bytes, and its digits, `…` standing for some.
    struct Field {
        let byteCount: Int
        let digits: String
    }

    let page: DocumentationPage
    /// The digits of each example, by name.
    let vectors: [String: String]
    /// All files of the folder together, for what is shown in passing.
    let everything: String

    init() throws {
        page = try DocumentationPage.read("docs/protocol.md")
        struct File: Decodable {
            struct Example: Decodable {
                let name: String
                let hex: String
            }
            let examples: [Example]
        }
        let folder = DocumentationPage.root.appending(path: "Vectors/protocol")
        var vectors: [String: String] = [:]
        var everything = ""
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        for name in names.sorted() where name.hasSuffix(".json") {
            let data = try Data(contentsOf: folder.appending(path: name))
            everything += String(decoding: data, as: UTF8.self)
            guard let file = try? JSONDecoder().decode(File.self, from: data) else { continue }
            for example in file.examples {
                #expect(vectors.updateValue(example.hex, forKey: example.name) == nil)
            }
        }
        self.vectors = vectors
        self.everything = everything
    }

    /// The blocks marked `example`, by name.
    private var blocks: [(name: String, fields: [Field])] {
        page.text.matches(of: /(?s)```example ([^\n]+)\n(.*?)\n```/).map { block in
            let fields = block.2.split(separator: "\n").compactMap { line -> Field? in
                let match = line.wholeMatch(of: /\s*(\d+)  ([0-9a-f…]+)(?:  .+)?/)
                return match.flatMap { match in
                    Int(match.1).map { Field(byteCount: $0, digits: String(match.2)) }
                }
            }
            #expect(
                fields.count == block.2.split(separator: "\n").count, "a line of \(block.1)")
            return (String(block.1), fields)
        }
    }

    @Test("every example is shown once, and every one that is shown is tested")
    func names() {
        #expect(blocks.map(\.name).sorted() == vectors.keys.sorted())
    }

    @Test("every field that is shown has the bytes and the length of the vector")
    func fields() {
        for (name, fields) in blocks {
            var rest = (vectors[name] ?? "")[...]
            for field in fields {
                let value = rest.prefix(2 * field.byteCount)
                rest = rest.dropFirst(2 * field.byteCount)
                #expect(value.count == 2 * field.byteCount, "\(name) is too short")
                let parts = field.digits.split(separator: "…", omittingEmptySubsequences: false)
                if parts.count == 1 {
                    #expect(field.digits == value, "\(name)")
                } else {
                    #expect(parts.count == 2 && field.digits.count < value.count, "\(name)")
                    #expect(value.hasPrefix(parts[0]) && value.hasSuffix(parts[1]), "\(name)")
                }
            }
            #expect(rest.isEmpty, "\(name): \(rest.count / 2) bytes are not shown")
        }
    }

    @Test("hashes and keys in the text occur in the vectors")
    func passing() {
        let shown = page.text.matches(of: /\b[0-9a-f]{32,}\b/).map { String($0.0) }
        #expect(shown.count > 20)
        for digits in shown where digits.contains(where: { $0 != "0" }) {
            #expect(everything.contains(digits), "\(digits)")
        }
    }
}
