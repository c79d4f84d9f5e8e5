import Foundation
import TestSupport
import Testing

/// The test network's launcher, as people run it.
@Suite(.serialized) struct LauncherTests {
    /// A folder of its own, removed at the end.
    private func withFolder<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-launcher-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    private func run(_ scenario: String, in folder: URL) throws -> (status: Int32, output: String) {
        let file = folder.appending(path: "scenario.txt")
        try scenario.write(to: file, atomically: true, encoding: .utf8)
        return try Program.run(
            "quantumharmony-node",
            ["testnet", "--base-path", folder.path, "--scenario", file.path])
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["partition.txt"])
    func `a scenario of the repository holds`(name: String) async throws {
        try await withFolder { folder in
            let file = Repository.root.appending(path: "scenarios/\(name)")
            let (status, output) = try run(
                try String(contentsOf: file, encoding: .utf8), in: folder)
            #expect(status == 0, "\(output)")
            #expect(output.contains("passed: everything held"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `cut and delayed links, stops and kills do what they say; what fails names its line`()
        async throws
    {
        try await withFolder { folder in
            let (status, output) = try run(
                """
                validators 3
                slot 500ms
                start all
                wait all final >= 2 within 30s
                delay all 100ms
                wait all final advances by 2 within 20s
                partition alice | bob,charlie
                expect alice peers = 0 within 10s
                expect alice final stalls for 3s
                heal
                wait alice peers = 2 within 20s
                kill bob
                stop charlie
                expect alice final stalls for 3s
                expect alice final advances by 1 within 1s
                """, in: folder)
            #expect(status == 1, "\(output)")
            #expect(
                output.contains("FAILED at line 15, 'expect alice final advances by 1"), "\(output)"
            )
        }
    }

    @Test func `a scenario that is none is refused with its line`() async throws {
        try await withFolder { folder in
            for (text, reason) in [
                ("start all\ndance", "line 2"), ("start zoe", "no node 'zoe'"),
                ("", "nothing to do"),
            ] {
                let (status, output) = try run(text, in: folder)
                #expect(status == 1)
                #expect(output.contains(reason), "\(output)")
            }
            let missing = try Program.run(
                "quantumharmony-node", ["testnet", "--scenario", "/nonexistent"])
            #expect(missing.status == 1)
            #expect(missing.output.contains("No such file"), "\(missing.output)")
            for (program, reason) in [
                ("zoe=/bin/true", "no such validator"), ("bob=/nonexistent", "No such file"),
                ("bob", "name, = and a path"),
            ] {
                let refused = try Program.run(
                    "quantumharmony-node",
                    ["testnet", "--base-path", folder.path, "--bin", program])
                #expect(refused.status != 0 && refused.output.contains(reason), "\(refused)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `the prompt takes commands; nodes never outlive a launcher that is killed`() async throws {
        try await withFolder { folder in
            let log = LineLog()
            let launcher = try ChildProcess(
                NodeProcess.programs.appending(path: "quantumharmony-node").path,
                ["testnet", "--slot", "500ms", "--base-path", folder.path]
            ) { bytes in
                if bytes.isEmpty { log.end() } else { log.append(bytes) }
            }
            defer {
                launcher.send(SIGKILL)
                launcher.waitForExit()
            }
            let first = try await log.wait(for: "the ports", seconds: 20) {
                $0.contains("JSON-RPC")
            }
            let port = try #require(
                first.firstMatch(of: /JSON-RPC http:\/\/127\.0\.0\.1:(\d+)/).flatMap { Int($0.1) })
            _ = try await log.wait(for: "finality", seconds: 30) {
                (NodeProcess.finalisedNumber(in: $0) ?? 0) >= 2
            }
            for (command, answer) in [
                ("status", "network: all connected"), ("partition alice | bob", "done"),
                ("status", "network: cut: alice | bob"), ("heal", "done"),
                ("kill zoe", "no node 'zoe'"),
                ("dance", "no verb"), ("logs alice 5", " coherence: "), ("help", "partition"),
            ] {
                let start = log.lines.count
                try launcher.write(Array((command + "\n").utf8))
                _ = try await log.wait(from: start, for: answer, seconds: 10) {
                    $0.contains(answer)
                }
            }
            // The node answers, and once its launcher has been killed it ends.
            _ = try RPCClient(port: port).finalisedNumber()
            launcher.send(SIGKILL)
            launcher.waitForExit()
            let ending = LineLog()
            let tail = try ChildProcess(
                "/usr/bin/env",
                ["tail", "-n", "+1", "-F", folder.appending(path: "alice.log").path]
            ) { bytes in
                if bytes.isEmpty { ending.end() } else { ending.append(bytes) }
            }
            defer { tail.send(SIGKILL) }
            _ = try await ending.wait(for: "its end", seconds: 15) { $0.hasSuffix("node: Stopped") }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `quit stops the nodes in good order`() async throws {
        try await withFolder { folder in
            let log = LineLog()
            let launcher = try ChildProcess(
                NodeProcess.programs.appending(path: "quantumharmony-node").path,
                ["testnet", "--validators", "1", "--slot", "1s", "--base-path", folder.path]
            ) { bytes in
                if bytes.isEmpty { log.end() } else { log.append(bytes) }
            }
            _ = try await log.wait(for: "finality", seconds: 30) {
                NodeProcess.finalisedNumber(in: $0) != nil
            }
            try launcher.write(Array("quit\n".utf8))
            #expect(launcher.waitForExit() == 0, "\(log.tail())")
            #expect(log.tail().contains("Stopped. Logs and databases stay in"))
            let text = try String(
                contentsOf: folder.appending(path: "alice.log"), encoding: .utf8)
            #expect(text.hasSuffix("Stopped\n"), "\(text.suffix(300))")
        }
    }
}
