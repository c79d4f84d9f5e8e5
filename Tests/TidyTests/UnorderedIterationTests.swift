import Testing

/// The checks check something: each finds what it is there to find.
@Suite struct TidyCheckTests {
    private func file(_ lines: [String]) -> SourceTree.File {
        SourceTree.File(
            path: "Sources/Chain/Made.swift", lines: lines, code: SourceTree.blanked(lines))
    }

    @Test(arguments: [
        "for (key, value) in table { use(key) }", "for key in self.table.keys {",
        "let list = table.map { $0.key }", "let all = Array(table.values)",
        "table.values.forEach { use($0) }",
    ])
    func `a loop over a dictionary is found`(line: String) {
        let made = file(["var table: [Int: String] = [:]", line])
        #expect(UnorderedIteration.findings(in: made).count == 1)
    }

    @Test(arguments: [
        "for key in table.keys.sorted() {", "let value = table[3]", "if table.isEmpty { return }",
        "// for key in table {", "let text = \"for key in table {\"",
    ])
    func `keyed access, sorted loops and prose are left alone`(line: String) {
        let made = file(["var table: [Int: String] = [:]", line])
        #expect(UnorderedIteration.findings(in: made).isEmpty)
    }

    @Test func `a loop over a set is found`() {
        let made = file(["private var seen: Set<Int> = []", "for item in seen { use(item) }"])
        #expect(UnorderedIteration.findings(in: made).count == 1)
    }

    @Test(arguments: [
        ("public import NIOCore", "NIOCore"), ("import struct Foundation.Date", "Foundation"),
        ("    internal import CSodium", "CSodium"),
    ])
    func `import lines are understood`(line: String, module: String) {
        #expect(TidyTests.importedModule(line) == module)
    }

    @Test func `comments and strings are blanked`() {
        let code = SourceTree.blanked(["let a = \"try! b\" // try! c", "/* try!", "try! */ d"])
        #expect(code == ["let a = \"\" ", "", " d"])
    }
}
