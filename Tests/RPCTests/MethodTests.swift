import Chain
import Coherence
import Primitives
import RPC
import SCALE
import TestSupport
import Testing

@Suite("RPC methods")
struct MethodTests {
    private let node = StubNode()

    /// The result of a call; the error object when it failed.
    private func call(_ method: String, _ parameters: JSONValue...) async throws -> JSONValue {
        let request: JSONValue = [
            "jsonrpc": "2.0", "id": 1, "method": .string(method), "params": .array(parameters),
        ]
        let dispatcher = RPCDispatcher(methods: .standard(node))
        let bytes = try #require(await dispatcher.response(to: request.utf8))
        let response = try JSONParser.parse(bytes)
        return try #require(response["result"] ?? response["error"])
    }

    private func text(_ hash: Hash256) -> JSONValue { .string(hash.description) }

    @Test("system methods tell what the node is")
    func system() async throws {
        #expect(try await call("system_name") == "Stub Node")
        #expect(try await call("system_version") == "1.2.3")
        #expect(try await call("system_chain") == "Stub Chain")
        #expect(try await call("system_chainType") == "Local")
        #expect(try await call("system_properties") == ["ss58Format": 42])
        #expect(try await call("system_nodeRoles") == ["Authority"])
        #expect(
            try await call("system_localPeerId")
                == "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp")
        #expect(
            try await call("system_localListenAddresses") == [
                "/ip4/127.0.0.1/tcp/30333/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
            ])
        #expect(
            try await call("system_health") == [
                "peers": 2, "isSyncing": false, "shouldHavePeers": true,
            ])
        #expect(
            try await call("system_syncState") == [
                "startingBlock": 0, "currentBlock": 3, "highestBlock": 9,
            ])
        #expect(
            try await call("system_peers") == [
                [
                    "peerId": "12D3KooWA", "roles": "AUTHORITY",
                    "bestHash": text(node.blocks[1].hash), "bestNumber": 1,
                    "postQuantumTransport": true,
                ],
                [
                    "peerId": "12D3KooWB", "roles": "FULL",
                    "bestHash": text(node.blocks[2].hash), "bestNumber": 2,
                    "postQuantumTransport": false,
                ],
            ])
    }

    @Test("a header has Substrate's shape: the number in hexadecimal, digest items encoded")
    func header() async throws {
        let header = node.blocks[3].header
        let expected: JSONValue = [
            "parentHash": text(node.blocks[2].hash), "number": "0x3",
            "stateRoot": text(header.stateRoot), "extrinsicsRoot": text(header.extrinsicsRoot),
            "digest": ["logs": ["0x0661757261200d00000000000000"]],
        ]
        #expect(try await call("chain_getHeader", text(header.hash)) == expected)
        #expect(try await call("chain_getHeader") == expected)
        #expect(try await call("chain_getHeader", nil) == expected)
        #expect(try await call("chain_getHeader", text(.zero)) == nil)
    }

    @Test("a block carries its extrinsics in hexadecimal and its certificate as numbers")
    func block() async throws {
        let block = node.blocks[2]
        let result = try await call("chain_getBlock", text(block.hash))
        #expect(result["block"]?["header"]?["number"] == "0x2")
        #expect(result["block"]?["extrinsics"] == [.hex(block.extrinsics[0].scaleBytes)])
        let justification = result["justifications"]?[0]
        #expect(justification?[0] == [67, 79, 72, 82])
        let bytes = try #require(justification?[1]?.array).map { $0.unsignedInteger }
        #expect(bytes == node.certificate.scaleBytes.map(UInt64.init))
        #expect(try await call("chain_getBlock")["justifications"] == .some(.null))
        #expect(try await call("chain_getBlock", text(.zero)) == nil)
    }

    @Test("block hashes are found by number, in either notation, and by list")
    func blockHash() async throws {
        let hashes = node.blocks.map { text($0.hash) }
        #expect(try await call("chain_getBlockHash") == hashes[3])
        #expect(try await call("chain_getHead") == hashes[3])
        #expect(try await call("chain_getBlockHash", nil) == hashes[3])
        #expect(try await call("chain_getBlockHash", 1) == hashes[1])
        #expect(try await call("chain_getBlockHash", "0x2") == hashes[2])
        #expect(try await call("chain_getBlockHash", "0x0000000000000000") == hashes[0])
        #expect(try await call("chain_getBlockHash", 9) == nil)
        #expect(
            try await call("chain_getBlockHash", [0, "0x1", 77]) == [hashes[0], hashes[1], nil])
        #expect(try await call("chain_getBlockHash", []) == [])
        #expect(try await call("chain_getFinalizedHead") == hashes[2])
        #expect(try await call("chain_getFinalisedHead") == hashes[2])
    }

    @Test("parameters of the wrong kind are refused", arguments: wrongParameters)
    func refusals(method: String, parameter: JSONValue) async throws {
        #expect(try await call(method, parameter)["code"] == -32602)
    }

    @Test("an extrinsic is handed to the pool, and its refusal has Substrate's code")
    func submit() async throws {
        func submit(nonce: UInt64) async throws -> JSONValue {
            try await call(
                "author_submitExtrinsic", .hex(StubNode.extrinsic(nonce: nonce).scaleBytes))
        }
        let extrinsic = StubNode.extrinsic(nonce: 0)
        #expect(try await submit(nonce: 0) == text(extrinsic.hash))
        #expect(node.pool == [extrinsic])
        for (nonce, code) in [(UInt64(1), JSONValue(1010)), (2, 1013), (3, 1014), (4, 1016)] {
            let code = JSONValue?.some(code)
            let refusal = try await submit(nonce: nonce)
            #expect(refusal["code"] == code)
        }
        #expect(try await call("author_submitExtrinsic", "0x")["code"] == 1001)
        #expect(try await call("author_submitExtrinsic", "0x0100")["code"] == 1001)
        let tooLong = JSONValue.hex(extrinsic.scaleBytes + [0])
        #expect(try await call("author_submitExtrinsic", tooLong)["code"] == 1001)
    }

    @Test("the pool is shown as encoded extrinsics")
    func pendingExtrinsics() async throws {
        #expect(try await call("author_pendingExtrinsics") == [])
        let extrinsic = JSONValue.hex(StubNode.extrinsic(nonce: 0).scaleBytes)
        _ = try await call("author_submitExtrinsic", extrinsic)
        #expect(try await call("author_pendingExtrinsics") == [extrinsic])
    }

    @Test("the runtime version names the chain's rules, for known blocks")
    func runtimeVersion() async throws {
        let version = try await call("state_getRuntimeVersion", text(node.blocks[1].hash))
        #expect(version["specName"] == "quantumharmony" && version["specVersion"] == 1)
        #expect(try await call("chain_getRuntimeVersion") == version)
        #expect(try await call("state_getRuntimeVersion", text(.zero))["code"] == 4003)
        #expect(try await call("state_getMetadata", text(.zero))["code"] == 4003)
    }

    @Test("the metadata is of version 14, and runtime calls tell of it and of nothing else")
    func metadata() async throws {
        let metadata = try #require(
            try await call("state_getMetadata").string.flatMap { [UInt8](hex: $0) })
        #expect(metadata.starts(with: Array("meta".utf8) + [14]))
        // Nineteen types; the last byte is the compact number of the runtime's.
        #expect(metadata[5] == 19 << 2 && metadata.last == 18 << 2)
        let name = Array("DigestItem".utf8)
        #expect(metadata.indices.contains { metadata[$0...].starts(with: name) })
        var encoder = SCALEEncoder(capacity: metadata.count + 4)
        encoder.appendBytes(metadata)
        #expect(try await call("state_call", "Metadata_metadata", "0x") == .hex(encoder.bytes))
        func at(_ version: String) async throws -> JSONValue {
            try await call("state_call", "Metadata_metadata_at_version", .string(version))
        }
        #expect(try await at("0x0e000000") == .hex([1] + encoder.bytes))
        for version in ["0x0f000000", "0x0e", "0x", "0x0e00000000"] {
            #expect(try await at(version) == "0x00")
        }
        #expect(
            try await call("state_call", "Metadata_metadata_versions", "0x") == "0x040e000000")
        #expect(try await call("state_call", "Core_version", "0x")["code"] == 4003)
        #expect(try await call("state_call", "Metadata_metadata", "x")["code"] == -32602)
    }

    @Test("the network state gathers what is known of peers")
    func networkState() async throws {
        let state = try await call("system_unstable_networkState")
        #expect(state["peerId"]?.string == node.description.peerID)
        #expect(state["connectedPeers"]?[0]?["peerId"] == "12D3KooWA")
        #expect(state["reservedPeers"] == ["12D3KooWA"])
        #expect(state["bannedPeers"]?[0]?["peerId"] == "12D3KooWC")
    }

    @Test("the round state has the shape that GRANDPA's has")
    func roundState() async throws {
        let accounts = [
            "5C62Ck4UrFPiBtoCmeSrgF7x9yv9mn38446dhCpsi2mLHiFT",
            "5C7LYpP2ZH3tpKbvVvwiVe54AapxErdPBbvkYhe6y9ZBkqWt",
        ]
        let state = try await call("coherence_roundState")
        #expect(state["setId"] == 5)
        #expect(
            state["best"] == [
                "round": 6, "totalWeight": 3, "thresholdWeight": 2,
                "prevotes": ["currentWeight": 2, "missing": [.string(accounts[1])]],
                "precommits": [
                    "currentWeight": 0,
                    "missing": [
                        .string(accounts[0]), .string(accounts[1]),
                        "5C8etthaGJi5SkQeEDSaK32ABBjkhwDeK9ksQCTLEGM3EH14",
                    ],
                ],
            ])
        #expect(state["background"]?[0]?["round"] == 5)
        #expect(state["background"]?[0]?["precommits"]?["currentWeight"] == 1)
        #expect(state["background"]?[1] == nil)
        #expect(state["finalized"]?["number"] == 2)
        #expect(
            state["lock"] == ["round": 5, "hash": text(node.blocks[3].hash), "number": 3])
        #expect(state["highestQuorumCertificate"] == .some(.null))
        node.breakDown()
        #expect(try await call("coherence_roundState")["code"] == 1)
    }

    @Test("the validator set is shown with its keys and quorum")
    func validators() async throws {
        let result = try await call("coherence_validators")
        #expect(result["setId"] == 5)
        #expect(result["setHash"] == text(node.set.hash))
        #expect(result["supermajority"] == "twoThirds")
        #expect(result["totalWeight"] == 3)
        #expect(result["thresholdWeight"] == 2)
        let first = try #require(result["validators"]?[0])
        #expect(first["index"] == 0)
        #expect(first["account"] == "5C62Ck4UrFPiBtoCmeSrgF7x9yv9mn38446dhCpsi2mLHiFT")
        #expect(first["accountId"] == .hex([UInt8](repeating: 1, count: 32)))
        #expect(first["falconPublicKey"] == .hex([UInt8](repeating: 1, count: 1_793)))
    }

    @Test("votes are shown in full")
    func votes() async throws {
        let votes = try await call("coherence_votes", text(node.blocks[3].hash))
        #expect(votes.array?.count == 1)
        #expect(
            votes[0] == [
                "index": 2, "validator": "5C8etthaGJi5SkQeEDSaK32ABBjkhwDeK9ksQCTLEGM3EH14",
                "blockHash": text(node.blocks[3].hash), "blockNumber": 3, "coherenceScore": 95,
                "quantumState": [
                    "validProofs": 3, "rejectedProofs": 1, "averageQber": 50,
                    "entropyPoolHash": text(.zero), "reporterCount": 2, "minQber": 40,
                    "maxQber": 60,
                ],
                "voteType": "Precommit", "round": 6, "setId": 5,
                "signature": .hex(node.signature.bytes),
            ])
        #expect(try await call("coherence_votes", text(.zero)) == [])
    }

    @Test("a finality proof holds the certificate and the headers up to its block")
    func finalityProof() async throws {
        let proof = try await call("coherence_proveFinality", 1)
        #expect(proof["blockNumber"] == 2)
        #expect(proof["blockHash"] == text(node.blocks[2].hash))
        let certificate = try #require(proof["certificate"]?.string.flatMap { [UInt8](hex: $0) })
        #expect(
            try SCALEDecoder.decode(FinalityCertificate.self, from: certificate)
                == node.certificate)
        let headers = try #require(proof["headers"]?.array).map {
            try SCALEDecoder.decode(Header.self, from: [UInt8](hex: $0.string ?? "") ?? [])
        }
        #expect(headers == node.blocks[1...2].map(\.header))
        #expect(try await call("coherence_proveFinality", 3) == nil)
    }

    @Test("a hand-off has the certificate, the announcing header and the next set")
    func handOffs() async throws {
        let set = UInt32(node.certificate.setID.rawValue)
        let proofs = try #require(try await call("coherence_handOffs", .integer(set)).array)
        #expect(
            proofs == [
                [
                    "setId": .integer(set), "blockNumber": 2,
                    "certificate": .hex(node.certificate.scaleBytes),
                    "header": .hex(node.blocks[2].header.scaleBytes),
                    "nextSet": .hex(node.set.scaleBytes),
                ]
            ])
        #expect(try await call("coherence_handOffs", .integer(set + 1)) == [])
    }

    @Test("bans are shown")
    func bans() async throws {
        #expect(
            try await call("coherence_bans") == [
                ["peerId": "12D3KooWC", "until": 1_800_000_000, "count": 2]
            ])
    }

    @Test("reserved peers are shown, added and removed")
    func reservedPeers() async throws {
        #expect(try await call("system_reservedPeers") == ["12D3KooWA"])
        #expect(try await call("system_addReservedPeer", "/ip4/1.2.3.4/tcp/5/p2p/12D3KooWB") == nil)
        #expect(try await call("system_reservedPeers") == ["12D3KooWA", "12D3KooWB"])
        #expect(try await call("system_removeReservedPeer", "12D3KooWA") == nil)
        #expect(try await call("system_reservedPeers") == ["12D3KooWB"])
        let bad = try await call("system_addReservedPeer", "/ip4/1.2.3.4/tcp/5")
        #expect(bad["code"] == 2004 && bad["message"] == "'/ip4/1.2.3.4/tcp/5' names no peer")
        #expect(try await call("system_removeReservedPeer", "x")["code"] == 2004)
        #expect(try await call("system_removeReservedPeer", 7)["code"] == -32602)
        #expect(try await call("system_addReservedPeer")["code"] == -32602)
    }

    @Test(
        "a node that fails says so",
        arguments: [
            "chain_getHeader", "chain_getBlock", "chain_getBlockHash", "coherence_votes",
            "coherence_proveFinality",
        ])
    func failure(method: String) async throws {
        node.breakDown()
        let parameter = method.hasSuffix("Hash") || method.hasSuffix("Finality") ? 1 : text(.zero)
        let error = try await call(method, parameter)
        #expect(error["code"] == -32603)
        #expect(error["data"] == "the disk is gone")
    }

    @Test("the methods of the operator are not for others")
    func operatorMethods() async throws {
        let dispatcher = RPCDispatcher(methods: .standard(node), allowsOperatorMethods: false)
        for method in RPCMethods.standard(node).names {
            let request: JSONValue = ["jsonrpc": "2.0", "id": 1, "method": .string(method)]
            let response = try JSONParser.parse(
                #require(await dispatcher.response(to: request.utf8)))
            let isRefused =
                response["error"]?["message"] == "RPC call is unsafe to be called externally"
            let operators = ["system_peers", "system_unstable_networkState", "coherence_bans"]
            #expect(
                isRefused == (method.contains("eservedPeer") || operators.contains(method)),
                "\(method)")
        }
    }
}

/// Calls that cannot be carried out.
private let wrongParameters: [(String, JSONValue)] = [
    ("chain_getHeader", "0x12"), ("chain_getHeader", 5),
    ("chain_getHeader", .string(String(repeating: "a", count: 64))),
    ("chain_getBlock", true), ("chain_getBlockHash", -1),
    ("chain_getBlockHash", 4_294_967_296), ("chain_getBlockHash", "1"),
    ("chain_getBlockHash", "0x"), ("chain_getBlockHash", "0x-1"),
    ("chain_getBlockHash", "0x+1"), ("chain_getBlockHash", "0x1ffffffff"),
    ("chain_getBlockHash", "0x00000000000000001"), ("chain_getBlockHash", [[1]]),
    ("chain_getBlockHash", [nil]), ("chain_getBlockHash", ["a": 1]),
    ("chain_getBlockHash", .array([JSONValue](repeating: 1, count: 1_001))),
    ("coherence_votes", nil), ("coherence_proveFinality", nil),
    ("coherence_proveFinality", "12"), ("author_submitExtrinsic", nil),
    ("author_submitExtrinsic", "abcd"), ("author_submitExtrinsic", "0xabc"),
    ("author_submitExtrinsic", .hex([UInt8](repeating: 0, count: 10_000))),
]
