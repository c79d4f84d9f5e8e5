import Foundation
import TestSupport
import Testing

/// What deploy/ holds, as far as it can be held against the program and checked without a cloud.
@Suite struct DeployTests {
    private static let folder = Repository.root.appending(path: "deploy")

    /// The files of deploy/ and the Dockerfile, by path from the root.
    private static func files() throws -> [(path: String, text: String)] {
        guard let walker = FileManager.default.enumerator(atPath: folder.path) else {
            throw TestFailure("there is no folder deploy")
        }
        var paths = ["Dockerfile"]
        for case let path as String in walker {
            var isFolder: ObjCBool = false
            let full = folder.appending(path: path).path
            guard FileManager.default.fileExists(atPath: full, isDirectory: &isFolder),
                !isFolder.boolValue
            else { continue }
            paths.append("deploy/\(path)")
        }
        return try paths.sorted().map { path in
            (
                path,
                try String(contentsOf: Repository.root.appending(path: path), encoding: .utf8)
            )
        }
    }

    private static func run(_ command: String, _ arguments: [String]) throws -> (
        status: Int32, output: String
    ) {
        try Program.run(URL(filePath: "/usr/bin/env"), [command] + arguments)
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Repository.root.appending(path: path), encoding: .utf8)
    }

    // MARK: The program's options

    /// Every option that begins a word of a line that is about the node.
    private static func nodeOptions(in file: (path: String, text: String)) -> Set<String> {
        let text = file.text
        var options: Set<String> = []
        func add(_ part: some StringProtocol) {
            for match in String(part).matches(of: /(?:^|[\s("])(--[a-z][a-z-]+)/) {
                options.insert(String(match.1))
            }
        }
        switch file.path {
        case "Dockerfile":
            for line in text.split(separator: "\n")
            where line.hasPrefix("ENTRYPOINT") || line.hasPrefix("CMD") { add(line) }
        case "deploy/docker-compose.yml":
            for match in text.matches(of: /command: >-\n((?: {6,}--.*\n)+)/) { add(match.1) }
        case "deploy/kubernetes/validators.yml":
            for match in text.matches(of: /(?:common|own)=\(([^)]*)\)/) { add(match.1) }
        case "deploy/aws/node.yml":
            for match in text.matches(of: /Default: (--.*)/) { add(match.1) }
        case "deploy/systemd/quantumharmony-node.service":
            for match in text.matches(of: /ExecStart=(.*)/) { add(match.1) }
        default: break
        }
        return options
    }

    @Test func `every option of the node that a file uses exists`() throws {
        let help = try Program.run("quantumharmony-node", ["run", "--help"])
        #expect(help.status == 0)
        let known = Set(help.output.matches(of: /--[a-z][a-z-]+/).map { String($0.0) })
        #expect(known.contains("--prometheus-external"))
        var users = 0
        for file in try Self.files() {
            let used = Self.nodeOptions(in: file)
            if !used.isEmpty { users += 1 }
            for option in used.sorted() {
                #expect(known.contains(option), "\(file.path) uses \(option)")
            }
        }
        #expect(users == 5)
    }

    @Test func `the peer id that the others dial is that of the first one's node key`() throws {
        for path in ["deploy/docker-compose.yml", "deploy/kubernetes/validators.yml"] {
            let text = try text(path)
            let key = try #require(text.firstMatch(of: /--node-key ([0-9a-f]{64})/)).1
            let identity = try Program.run(
                "quantumharmony-node", ["key", "inspect-node-key"], input: String(key))
            let peer = identity.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let dialled = text.matches(of: /\/p2p\/(\w+)/).map { String($0.1) }
            #expect(!dialled.isEmpty)
            #expect(Set(dialled) == [peer], "\(path)")
        }
    }

    // MARK: Prometheus

    @Test func `Prometheus' configurations and rules are valid, and every alert passes its tests`()
        throws
    {
        for name in ["prometheus.yml", "compose.yml"] {
            let result = try Self.run(
                "promtool", ["check", "config", Self.folder.path + "/prometheus/\(name)"])
            #expect(result.status == 0, "\(result.output)")
        }
        let tests = try Self.run(
            "promtool", ["test", "rules", Self.folder.path + "/prometheus/tests/alerts_test.yml"])
        #expect(tests.status == 0, "\(tests.output)")
    }

    @Test
    func `every alert has a test that it fires, one that it does not, and a section to go by`()
        throws
    {
        let names = try text("deploy/prometheus/rules/alerts.yml")
            .matches(of: /- alert: (\w+)/).map { String($0.1) }
        #expect(names.count >= 10)
        let rules = try text("deploy/prometheus/rules/alerts.yml")
        let tests = try text("deploy/prometheus/tests/alerts_test.yml")
        let manual = try text("docs/operations.md")
        for name in names {
            #expect(tests.contains("name: \(name) fires\n"), "\(name)")
            #expect(tests.contains("name: \(name) is quiet\n"), "\(name)")
            #expect(manual.contains("\n### Alert \(name)\n"), "\(name)")
            let link = "docs/operations.md#alert-\(name.lowercased())"
            #expect(rules.contains("runbook: \(link)\n"), "\(name)")
        }
    }

    // MARK: Scripts and templates

    @Test func `shell scripts are valid and shellcheck finds nothing`() throws {
        var count = 0
        for file in try Self.files() where file.text.hasPrefix("#!/usr/bin/env bash\n") {
            count += 1
            let path = Repository.root.appending(path: file.path).path
            #expect(FileManager.default.isExecutableFile(atPath: path), "\(file.path)")
            for check in [["bash", "-n", path], ["shellcheck", path]] {
                let result = try Self.run(check[0], Array(check.dropFirst()))
                #expect(result.status == 0, "\(file.path): \(result.output)")
            }
        }
        #expect(count >= 5)
        // The scripts within other files.
        let scripts = [
            ("kubernetes/validators.yml", /start\.sh: \|\n((?: {4}.*\n|\n)+)/),
            ("aws/node.yml", /Fn::Base64: !Sub \|\n((?: {10}.*\n|\n)+)/),
        ]
        for (path, pattern) in scripts {
            let whole = try text("deploy/\(path)")
            let body = try #require(whole.firstMatch(of: pattern)).1
            let indent = body.prefix { $0 == " " }.count
            let script = body.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.dropFirst(indent) }.joined(separator: "\n")
            let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).sh")
            defer { try? FileManager.default.removeItem(at: file) }
            // As CloudFormation fills it in.
            let filled = script.replacing(/\$\{[A-Z]\w+\}/, with: "filled")
                .replacing("${!", with: "${")
            try filled.write(to: file, atomically: true, encoding: .utf8)
            let result = try Self.run("shellcheck", [file.path])
            #expect(result.status == 0, "\(path): \(result.output)")
        }
    }

    @Test func `the compose file is valid`() throws {
        let file = Self.folder.path + "/docker-compose.yml"
        let result = try Self.run("docker-compose", ["-f", file, "config", "-q"])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func `the CloudFormation template passes cfn-lint`() throws {
        let program = URL(filePath: Repository.python).deletingLastPathComponent()
            .appending(path: "cfn-lint")
        let result = try Program.run(program, [Self.folder.path + "/aws/node.yml"])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func `gcloud's commands say what they would do`() throws {
        let result = try Self.run(
            "env",
            [
                "DRY_RUN=1", Self.folder.path + "/gcp/create-node", "node", "europe-west1-b",
                "https://example.org/node.tar.gz", "00", "10.0.0.0/8", "--chain", "local",
            ])
        #expect(result.status == 0, "\(result.output)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 8)
        #expect(lines.allSatisfy { $0.hasPrefix("gcloud ") })
        #expect(result.output.contains("--allow=tcp:30333"))
        #expect(result.output.contains("node-options=--chain"))
    }
}
