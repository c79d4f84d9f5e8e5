import Foundation
import RPC
import TestSupport
import Testing

/// Client libraries of Substrate chains, in Python, against a real node.
@Suite(.serialized) struct SubstrateClientTests {
    /// A client library, as scripts/install-test-peers installs it.
    enum Library: String, CaseIterable, CustomTestStringConvertible {
        case plain = "py-substrate-interface"
        case asynchronous = "async-substrate-interface"

        var testDescription: String { rawValue }

        var version: String {
            switch self {
            case .plain: "py-substrate-interface 1.8.1"
            case .asynchronous: "async-substrate-interface 2.2.1"
            }
        }

        /// Each needs a Python of its own: both bring a package `scalecodec`.
        var python: String {
            let environment = ProcessInfo.processInfo.environment
            let folder = Repository.root
            return switch self {
            case .plain:
                environment["QH_PYTHON"] ?? folder.appending(path: ".venv/bin/python3").path
            case .asynchronous:
                environment["QH_ASYNC_PYTHON"]
                    ?? folder.appending(path: ".venv-async/bin/python3").path
            }
        }
    }

    /// Runs a script of Tests/InteropTests/peers; what it printed last, as JSON.
    private func run(
        _ script: String, with library: Library, _ arguments: [String]
    ) throws -> JSONValue {
        let path = Repository.root.appending(path: "Tests/InteropTests/peers/\(script)").path
        guard FileManager.default.isExecutableFile(atPath: library.python) else {
            throw PeerTrouble.missing(library.python)
        }
        let (status, output) = try Program.run(
            URL(filePath: library.python), [path] + arguments)
        guard status == 0, let line = output.split(separator: "\n").last else {
            throw PeerTrouble.failed(command: script, error: String(output.suffix(2_000)))
        }
        return try JSONParser.parse(Array(line.utf8))
    }

    /// Runs a chain of one validator that makes a block each half second, with something final.
    private func withNode(_ body: (NodeProcess) throws -> Void) async throws {
        let net = try Testnet(slotMilliseconds: 500, validators: 1)
        let node = try await net.start("alice")
        try await node.waitForFinality(of: 3)
        try body(node)
        #expect(node.stop() == 0)
    }

    @Test(.timeLimit(.minutes(2)), arguments: Library.allCases)
    func `a client library reads heads, blocks and headers and follows the chain`(
        library: Library
    ) async throws {
        try await withNode { node in
            let before = try node.rpc.finalisedNumber()
            let told = try run(
                "substrate_client.py", with: library, [library.rawValue, "\(node.rpcPort)"])
            let number = try #require(told["number"]?.unsignedInteger)
            let final = try #require(told["finalNumber"]?.unsignedInteger)
            #expect(final >= UInt64(before) && number >= final)
            let hash = try #require(told["head"]?.string)
            #expect(told["blockHash"]?.string == hash)
            #expect(UInt64(try node.rpc.number(ofHeader: hash)) == number)
            #expect(told["hashOfNumber"] == told["finalHash"])
            #expect(told["ss58"] == 42)
            #expect(told["extrinsics"] == 0)
            #expect(told["logs"] == ["PreRuntime", "Seal"])
            #expect(told["chain"]?.string == (try node.rpc.string("system_chain")))
            for name in ["heads", "finalised"] {
                let numbers = try #require(told[name]?.array).compactMap(\.unsignedInteger)
                #expect(numbers.count == 3)
                #expect(numbers == numbers.sorted() && Set(numbers).count == 3, "\(numbers)")
            }
        }
        try InteropPage.note(
            "JSON-RPC over WebSocket: heads, finalised head, blocks, headers with their digests, both head subscriptions",
            .theirs, with: library.version)
    }

    @Test(.timeLimit(.minutes(2)))
    func `every RPC method answers a third-party client as rpc.discover says`() async throws {
        try await withNode { node in
            let walk = try run("rpc_walk.py", with: .plain, ["\(node.rpcPort)"])
            #expect(walk["uncalled"] == [], "the walk does not know these methods")
            let results = try #require(walk["results"])
            let methods = try #require(results["rpc.discover"]?["methods"]?.array)
            let names = try #require(results["rpc_methods"]?["methods"]?.array)
            #expect(methods.map { $0["name"] } == names.map(Optional.some))
            for method in methods {
                let name = try #require(method["name"]?.string)
                #expect(method["summary"]?.string?.isEmpty == false, "\(name) is not described")
                if let error = walk["errors"]?[name] {
                    // A garbled extrinsic, and a key that nobody has, are refused.
                    #expect(name.hasPrefix("author_"), "\(name): \(error)")
                    continue
                }
                let result = try #require(results[name], "\(name) was not called")
                let schema = try #require(method["result"]?["schema"])
                let problems = SchemaCheck.problems(of: result, by: schema, at: name)
                #expect(problems.isEmpty, "\(problems)")
                guard let told = method["x-notification"] else { continue }
                let message = try #require(walk["notifications"]?[name], "\(name)")
                #expect(message["method"] == told["method"])
                let payload = try #require(message["params"]?["result"])
                let wrong = SchemaCheck.problems(
                    of: payload, by: try #require(told["schema"]), at: name)
                #expect(wrong.isEmpty, "\(wrong)")
            }
        }
        try InteropPage.note(
            "JSON-RPC over HTTP and WebSocket: every method and subscription answers as rpc.discover describes it",
            .theirs, with: "websocket-client 1.9.2, urllib")
    }
}
