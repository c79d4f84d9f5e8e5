import Primitives
import RPC
import Synchronization
import Testing

@Suite("RPC methods on keys")
struct KeyMethodTests {
    /// Keeps keys in a list.
    private final class Keys: KeyOperations {
        let kept = Mutex<[String]>([])

        func rotateKeys() async throws(KeyRefusal) -> [UInt8] { [1, 2, 3] }

        func makeKeys(for owner: AccountID) async throws(KeyRefusal) -> ProvenKey {
            ProvenKey(publicKey: [4], proof: Array(owner.bytes.prefix(2)))
        }

        func insertKey(type: String, uri: String, publicKey: [UInt8]) async throws(KeyRefusal) {
            guard uri.hasPrefix("//") else { throw KeyRefusal(reason: "no such key") }
            kept.withLock { $0.append("\(type) \(uri) \(publicKey.hex)") }
        }

        func hasKey(_ publicKey: [UInt8], type: String) async throws(KeyRefusal) -> Bool {
            publicKey.first == 7 && type == "falc"
        }
    }

    private let keys = Keys()

    private func call(
        _ method: String, _ parameters: JSONValue..., isOperator: Bool = true
    ) async throws -> JSONValue {
        var methods = RPCMethods()
        methods.addKeys(keys)
        let request: JSONValue = [
            "jsonrpc": "2.0", "id": 1, "method": .string(method), "params": .array(parameters),
        ]
        let dispatcher = RPCDispatcher(methods: methods, allowsOperatorMethods: isOperator)
        let bytes = try #require(await dispatcher.response(to: request.utf8))
        let response = try JSONParser.parse(bytes)
        return try #require(response["result"] ?? response["error"])
    }

    @Test("keys are made, kept and looked for")
    func results() async throws {
        #expect(try await call("author_rotateKeys") == "0x010203")
        let owner = JSONValue.string("0x" + String(repeating: "ab", count: 32))
        #expect(
            try await call("author_rotateKeysWithOwner", owner)
                == ["keys": "0x04", "proof": "0xabab"])
        #expect(try await call("author_insertKey", "falc", "//Alice", "0x0102") == .null)
        #expect(keys.kept.withLock { $0 } == ["falc //Alice 0102"])
        #expect(try await call("author_hasKey", "0x07", "falc") == true)
        #expect(try await call("author_hasKey", "0x07", "acco") == false)
        let session = JSONValue.string("0x07" + String(repeating: "00", count: 1_792))
        #expect(try await call("author_hasSessionKeys", session) == true)
    }

    @Test("what cannot be done is an error")
    func errors() async throws {
        let refused = try await call("author_insertKey", "falc", "phrase", "0x01")
        #expect(refused["code"] == 1020 && refused["message"] == "no such key")
        #expect(keys.kept.withLock { $0 }.isEmpty)
        for (method, parameters) in [
            ("author_rotateKeysWithOwner", ["0x01"]), ("author_rotateKeysWithOwner", []),
            ("author_insertKey", ["falc", "//Alice"]), ("author_hasKey", ["07", "falc"]),
            ("author_hasKey", [.string("0x" + String(repeating: "00", count: 1_794)), "falc"]),
            ("author_hasSessionKeys", ["0x07"]),
        ] as [(String, [JSONValue])] {
            let error = try await call(
                method, parameters.first ?? .null, parameters.dropFirst().first ?? .null)
            #expect(error["code"] == -32602, "\(method)")
        }
    }

    @Test("they are for the operator only")
    func operators() async throws {
        for method in [
            "author_rotateKeys", "author_rotateKeysWithOwner", "author_insertKey",
            "author_hasKey", "author_hasSessionKeys",
        ] {
            #expect(try await call(method, isOperator: false)["code"] == -32601)
        }
    }
}
