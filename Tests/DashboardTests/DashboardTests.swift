import Dashboard
import Foundation
import Logging
import RPC
import Synchronization
import TestSupport
import Testing

/// The dashboard in a real browser: headless Chromium, driven over its DevTools protocol by
/// `scenarios.py`, against a simulated feed of a chain's votes and certificates.
@Suite("Dashboard", .serialized, .timeLimit(.minutes(2)))
struct DashboardTests {
    /// Serves the dashboard's pages as a node does, for the time of `body`.
    private func withServer(
        allowsOperator: Bool = true, _ body: (RPCServer) async throws -> Void
    ) async throws {
        var configuration = RPCServer.Configuration()
        configuration.port = 0
        configuration.allowsOperatorMethods = allowsOperator
        let server = try await RPCServer.start(
            configuration: configuration, methods: RPCMethods(), pages: DashboardPages.all,
            logger: Logger(label: "test"))
        do {
            try await body(server)
        } catch {
            await server.shutdown()
            throw error
        }
        await server.shutdown()
    }

    private func get(_ path: String, from server: RPCServer) throws -> String {
        let answer = try RPCClient(port: Int(server.boundAddress.port)).exchange(
            Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
        return String(decoding: answer, as: UTF8.self)
    }

    @Test("every file of the page is served as it is in the repository, under a strict policy")
    func pages() async throws {
        let folder = Repository.root.appending(path: "Sources/Dashboard/Pages")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        try await withServer { server in
            #expect(names.count == DashboardPages.all.count)
            for name in names {
                let path =
                    name == "dashboard.html"
                    ? DashboardPages.path : "\(DashboardPages.path)/\(name)"
                let answer = try get(path, from: server)
                let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
                #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(path)")
                #expect(answer.hasSuffix("\r\n\r\n" + text), "\(path)")
                let policy = try #require(
                    answer.split(separator: "\r\n").first {
                        $0.hasPrefix("Content-Security-Policy: ")
                    })
                #expect(policy.contains("default-src 'none'"))
                #expect(
                    !policy.contains("unsafe") && !policy.contains("http") && !policy.contains("*"))
            }
        }
    }

    @Test("the page names no other host, and no inline script or style")
    func isSelfContained() throws {
        let folder = Repository.root.appending(path: "Sources/Dashboard/Pages")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            let addresses = text.matches(of: /https?:\/\/[^\s"'`)]+/).map { String($0.0) }
            let known = ["http://www.w3.org/2000/svg", "http://${this.place}"]
            #expect(addresses.allSatisfy { known.contains($0) }, "\(name): \(addresses)")
            #expect(!text.contains("innerHTML"), "\(name)")
            if name.hasSuffix(".html") {
                #expect(text.firstMatch(of: /<style|\sstyle=|\son[a-z]+=/) == nil)
            }
        }
    }

    @Test("a server that is open to others does not serve it")
    func isForTheOperator() async throws {
        try await withServer(allowsOperator: false) { server in
            for page in DashboardPages.all {
                let answer = try get(page.path, from: server)
                #expect(answer.hasPrefix("HTTP/1.1 405 "), "\(page.path)")
            }
        }
    }

    @Test(
        "in a browser",
        arguments: [
            "finality", "votes", "decoding", "inspector", "keyboard", "appearance", "stall",
            "outage",
            "hundred",
        ])
    func scenario(_ name: String) async throws {
        try await withServer { server in
            let (status, output) = try await Browser.run(
                name, pages: "http://127.0.0.1:\(server.boundAddress.port)")
            #expect(status == 0, "\(output)")
            if name == "hundred" { print(output) }
        }
    }
}

/// Runs a scenario of `scenarios.py` to its end.
enum Browser {
    static func run(_ scenario: String, pages: String) async throws -> (Int32, String) {
        let script = Repository.root.appending(path: "Tests/DashboardTests/scenarios.py").path
        let (results, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let child = try ChildProcess(Repository.python, [script, scenario, pages]) { bytes in
            if bytes.isEmpty { continuation.finish() } else { continuation.yield(bytes) }
        }
        child.closeInput()
        var output: [UInt8] = []
        for await bytes in results { output += bytes }
        return (child.waitForExit(), String(decoding: output, as: UTF8.self))
    }
}
