import Foundation
import Testing

/// The articles of the libraries: the code that they show is in the tests beside this file, where
/// it is compiled and run.
@Suite("Articles")
struct ArticleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Lines without their indentation, which differs between a page and a function.
    private static func lines(of text: some StringProtocol) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    @Test(
        "every line of code that an article shows is in its test, in that order",
        arguments: [
            "SCALE", "Falcon", "LibP2P", "LibP2PNIO", "LibP2PConformance", "Coherence",
        ])
    func code(of library: String) throws {
        let tests = try String(
            contentsOf: Self.root.appending(path: "Tests/ArticleTests/\(library)Article.swift"),
            encoding: .utf8)
        let compiled = Self.lines(of: tests)
        let folder = Self.root.appending(path: "Sources/\(library)/\(library).docc")
        var count = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let article = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            for block in article.matches(of: /(?ms)^```swift\n(.*?)^```$/) {
                count += 1
                let shown = Self.lines(of: block.1)
                let isThere = compiled.indices.contains { compiled[$0...].starts(with: shown) }
                #expect(isThere, "\(library)/\(name) shows code that no test has:\n\(block.1)")
            }
        }
        #expect(count >= 3)
    }
}
