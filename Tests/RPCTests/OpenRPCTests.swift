import Chain
import Primitives
import RPC
import SCALE
import TestSupport
import Testing

@Suite("OpenRPC document")
struct OpenRPCTests {
    let node = StubNode()

    private func answer(_ method: String, _ parameters: [JSONValue] = []) async throws -> JSONValue
    {
        let request: JSONValue = [
            "jsonrpc": "2.0", "id": 1, "method": .string(method), "params": .array(parameters),
        ]
        let dispatcher = RPCDispatcher(methods: .standard(node))
        return try JSONParser.parse(#require(await dispatcher.response(to: request.utf8)))
    }

    private func methods() async throws -> [JSONValue] {
        try #require(try await answer("rpc.discover")["result"]?["methods"]?.array)
    }

    @Test("it has every method that rpc_methods lists, in order, each with a description")
    func names() async throws {
        let listed = try #require(try await answer("rpc_methods")["result"]?["methods"]?.array)
        let described = try await methods()
        #expect(described.map { $0["name"] } == listed.map(Optional.some))
        #expect(listed.compactMap(\.string) == listed.compactMap(\.string).sorted())
        for method in described {
            #expect(method["summary"]?.string?.isEmpty == false, "\(method["name"] ?? nil)")
        }
    }

    /// Methods of a running node that the stub does not have.
    static let ofNodes: Set<String> = [
        "coherence_timings", "coherence_statistics", "system_addLogFilter",
        "system_resetLogFilter", "author_rotateKeys", "author_insertKey", "author_hasKey",
        "author_hasSessionKeys",
    ]

    @Test("it describes nothing that there is not")
    func nothingElse() async throws {
        let names = Set(try await methods().compactMap { $0["name"]?.string })
        #expect(Set(RPCMethods.descriptions.keys).subtracting(names) == Self.ofNodes)
    }

    @Test("results are as it says")
    func results() async throws {
        let hash = JSONValue.string(node.blocks[2].hash.description)
        let last = JSONValue.string(node.blocks[3].hash.description)
        let extrinsic = JSONValue.hex(StubNode.extrinsic(nonce: 0).scaleBytes)
        let calls: [(String, [JSONValue])] = [
            ("chain_getBlock", [hash]), ("chain_getHeader", [hash]), ("chain_getHeader", []),
            ("chain_getHeader", [.string(Hash256.zero.description)]),
            ("chain_getBlockHash", [[0, "0x1", 9]]), ("chain_getBlockHash", [9]),
            ("author_submitExtrinsic", [extrinsic]), ("coherence_votes", [last]),
            ("coherence_proveFinality", [1]), ("coherence_proveFinality", [3]),
            ("coherence_handOffs", [5]), ("state_getMetadata", [hash]),
            ("state_call", ["Metadata_metadata", "0x"]),
            ("system_addReservedPeer", ["/ip4/127.0.0.1/tcp/1/p2p/12D3KooWA"]),
            ("system_removeReservedPeer", ["12D3KooWA"]),
        ]
        for method in try await methods() {
            let name = try #require(method["name"]?.string)
            let schema = try #require(method["result"]?["schema"])
            let isSubscription = name.contains("ubscribe")
            let needsMore = (method["params"]?.array ?? []).contains { $0["required"] == true }
            let own = calls.filter { $0.0 == name }
            #expect(!own.isEmpty || !needsMore || isSubscription, "nobody calls \(name)")
            guard !isSubscription else { continue }
            for (_, parameters) in own.isEmpty ? [(name, [])] : own {
                let answer = try await answer(name, parameters)
                let result = try #require(answer["result"], "\(name): \(answer)")
                let problems = SchemaCheck.problems(of: result, by: schema, at: name)
                #expect(problems.isEmpty, "\(problems)")
            }
        }
    }

    @Test("a method misses exactly the parameters that it says are required")
    func parameters() async throws {
        for method in try await methods() {
            let name = try #require(method["name"]?.string)
            guard !name.contains("ubscribe") else { continue }
            let isRequired = method["params"]?[0]?["required"] == true
            let isMissing =
                try await answer(name)["error"]?["data"]?.string?.contains("is missing") == true
            #expect(isMissing == isRequired, "\(name)")
        }
    }

    @Test("the checker finds what is wrong")
    func checker() {
        let schema: JSONValue = [
            "type": "object", "properties": ["a": ["type": "integer", "minimum": 0]],
            "required": ["a"], "additionalProperties": false,
        ]
        #expect(SchemaCheck.problems(of: ["a": 1], by: schema).isEmpty)
        let wrong: [JSONValue] = [nil, [:], ["a": "1"], ["a": 1, "b": 2], ["a": -1], [1]]
        for value in wrong { #expect(!SchemaCheck.problems(of: value, by: schema).isEmpty) }
        #expect(!SchemaCheck.problems(of: 1, by: ["maximum": 3]).isEmpty)
        #expect(!SchemaCheck.problems(of: "0xG", by: ["pattern": "^0x[0-9a-f]*$"]).isEmpty)
        #expect(!SchemaCheck.problems(of: 1, by: ["anyOf": [["type": "null"]]]).isEmpty)
        #expect(!SchemaCheck.problems(of: "c", by: ["enum": ["a", "b"]]).isEmpty)
        #expect(!SchemaCheck.problems(of: [1, "a"], by: ["items": ["type": "integer"]]).isEmpty)
    }
}
