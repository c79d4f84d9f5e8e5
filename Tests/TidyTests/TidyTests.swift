import Foundation
import Testing

/// The rules of the house, read off the sources themselves.
@Suite struct TidyTests {
    let tree: SourceTree

    init() throws { tree = try SourceTree.shared.get() }

    @Test func `every module imports only what the architecture's arrows allow`() {
        var seen: Set<String> = []
        for file in tree.sources {
            seen.insert(file.module)
            guard let allowed = ModuleRules.allowedImports[file.module] else {
                Issue.record("\(file.path): module \(file.module) has no rule in ModuleRules")
                continue
            }
            for (number, line) in file.code.enumerated() {
                guard let module = Self.importedModule(line) else { continue }
                if file.isGenerated && (module == "Foundation" || module == "FoundationEssentials")
                {
                    continue
                }
                #expect(
                    allowed.contains(module),
                    "\(file.path):\(number + 1) imports \(module), which \(file.module) may not")
            }
        }
        let expected = Set(ModuleRules.allowedImports.keys)
        #expect(seen == expected, "modules without a source or without a rule")
    }

    @Test func `pure modules call no clock, no global randomness, no task`() {
        for file in tree.sources where ModuleRules.pure.contains(file.module) && !file.isGenerated {
            for (number, line) in file.code.enumerated() {
                for call in ModuleRules.bannedInPureModules where line.contains(call) {
                    Issue.record("\(file.path):\(number + 1) contains `\(call)`")
                }
                if line.contains(".random(") && !line.contains("using:") {
                    Issue.record("\(file.path):\(number + 1) draws from global randomness")
                }
                if line.contains("shuffled()") || line.contains("randomElement()") {
                    Issue.record("\(file.path):\(number + 1) draws from global randomness")
                }
                if line.contains("actor "), line.firstMatch(of: /\bactor [A-Z]/) != nil {
                    Issue.record("\(file.path):\(number + 1) declares an actor")
                }
            }
        }
    }

    @Test func `no source contains an unfinished or trapping construct`() {
        for file in tree.sources where !file.isGenerated {
            for (number, line) in file.lines.enumerated() {
                for call in ModuleRules.bannedEverywhere where line.contains(call) {
                    Issue.record("\(file.path):\(number + 1) contains `\(call)`")
                }
            }
            for (number, line) in file.code.enumerated() {
                let isProgram = file.module.hasPrefix("quantumharmony-")
                if !isProgram && line.firstMatch(of: /(^|[^.\w])print\(/) != nil {
                    Issue.record("\(file.path):\(number + 1) prints outside a program")
                }
                if line.contains("@unchecked Sendable") {
                    let before = file.lines[max(0, number - 8)..<number].joined()
                    #expect(
                        before.contains("Sendable") || before.contains("Unchecked:"),
                        "\(file.path):\(number + 1): @unchecked Sendable without its proof above it"
                    )
                }
            }
        }
    }

    @Test func `pure modules never iterate over an unordered collection`() {
        for module in ModuleRules.pure.sorted() {
            let files = tree.sources.filter { $0.module == module && !$0.isGenerated }
            for file in files {
                for finding in UnorderedIteration.findings(in: file) { Issue.record("\(finding)") }
            }
        }
    }

    @Test func `no file has more than 500 lines`() {
        for file in tree.sources + tree.tests where !file.isGenerated {
            guard !ModuleRules.longFiles.contains(file.path) else { continue }
            #expect(file.lines.count <= 501, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func `no type bears its module's name`() {
        for file in tree.sources {
            for (number, line) in file.code.enumerated() {
                let names = line.matches(
                    of: /\b(?:struct|class|enum|actor|protocol|typealias) ([A-Za-z0-9]+)/)
                for name in names where String(name.1) == file.module {
                    Issue.record(
                        "\(file.path):\(number + 1): type \(name.1) bears its module's name")
                }
            }
        }
    }

    @Test func `tests wait on events and never sleep`() {
        for file in tree.tests where file.module != "TidyTests" {
            for (number, line) in file.code.enumerated() {
                for call in ["Task.sleep", "usleep(", "Thread.sleep", ".disabled("]
                where line.contains(call) {
                    Issue.record("\(file.path):\(number + 1) contains `\(call)`")
                }
            }
        }
    }

    /// The module named by an import line, nil for other lines.
    static func importedModule(_ line: String) -> String? {
        guard line.contains("import ") else { return nil }
        let pattern =
            /^\s*(?:@\w+\s+)*(?:public |package |internal |private |fileprivate )?import (?:struct |class |enum |func |protocol |typealias |var |let )?([A-Za-z0-9_]+)/
        return line.firstMatch(of: pattern).map { String($0.1) }
    }
}
