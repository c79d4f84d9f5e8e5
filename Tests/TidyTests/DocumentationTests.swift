import Foundation
import Testing

/// A page of documentation.
struct DocumentationPage: Sendable, CustomTestStringConvertible {
    /// The path from the package's root.
    let path: String
    let text: String

    var testDescription: String { path }

    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// README.md and every page of docs.
    static func all() throws -> [DocumentationPage] {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: root.appending(path: "docs").path)
        let pages = names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
        return try (["README.md"] + pages).map(read)
    }

    static func read(_ path: String) throws -> DocumentationPage {
        DocumentationPage(
            path: path,
            text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
    }

    /// The headings as GitHub turns them into anchors.
    var anchors: [String] {
        headings.map { heading in
            String(heading.lowercased().filter { $0.isLetter || $0.isNumber || "- _".contains($0) })
                .replacing(" ", with: "-")
        }
    }

    var headings: [String] {
        text.matches(of: /(?m)^#+ (.+)$/).map { String($0.1) }
    }

    /// The files and folders that the text names, from the package's root.
    var namedPaths: [String] {
        let named =
            /\b(?:Sources|Tests|Vectors|scripts|docs|deploy|Benchmarks|Fuzz)\/[\w+.\/-]*[\w+]/
        return text.matches(of: named).map { String($0.0) }
    }

    /// The targets of links within the repository: a path, empty for this page, and an anchor.
    var links: [(path: String, anchor: String?)] {
        text.matches(of: /\]\(([^)\s]+)\)/).compactMap { match in
            let target = String(match.1)
            guard !target.contains("://") else { return nil }
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? String(parts[1]) : nil)
        }
    }
}

@Suite("Documentation")
struct DocumentationTests {
    @Test("every file and folder that a page names exists", arguments: try DocumentationPage.all())
    func paths(of page: DocumentationPage) {
        for path in page.namedPaths {
            #expect(
                FileManager.default.fileExists(
                    atPath: DocumentationPage.root.appending(path: path).path),
                "\(page.path) names \(path)")
        }
    }

    @Test("every link leads to a file and a heading", arguments: try DocumentationPage.all())
    func links(of page: DocumentationPage) throws {
        let folder = page.path.hasPrefix("docs/") ? "docs/" : ""
        for (path, anchor) in page.links {
            let file = path.isEmpty ? page.path : folder + path
            let url = DocumentationPage.root.appending(path: file)
            guard FileManager.default.fileExists(atPath: url.path) else {
                Issue.record("\(page.path) links to \(file), which does not exist")
                continue
            }
            guard let anchor else { continue }
            let target = try DocumentationPage.read(file)
            #expect(target.anchors.contains(anchor), "\(page.path) links to \(file)#\(anchor)")
        }
    }

    @Test("every page and section that a comment in the sources names exists")
    func comments() throws {
        let pages = Dictionary(
            uniqueKeysWithValues: try DocumentationPage.all().map { ($0.path, $0) })
        var count = 0
        let tree = try SourceTree.shared.get()
        for file in tree.sources + tree.tests {
            let text = file.lines.joined(separator: "\n").replacing(/\n\s*\/\/+ ?/, with: " ")
            let references = text.matches(
                of: /\b(docs\/[a-z-]+\.md)((?:(?:, | and )"[A-Z][^"\\]+")*)/)
            for reference in references {
                count += 1
                guard let page = pages[String(reference.1)] else {
                    Issue.record("\(file.path) names \(reference.1), which does not exist")
                    continue
                }
                for section in reference.2.matches(of: /"([^"]+)"/) {
                    #expect(
                        page.headings.contains(String(section.1)),
                        "\(file.path): \(page.path) has no section \(section.1)")
                }
            }
        }
        #expect(count > 10, "the sources refer to the documentation")
    }
}
