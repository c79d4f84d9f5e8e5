import Chain
import Coherence
import Logging
import Primitives
import RPC
import SCALE
import TestSupport
import Testing

@Suite("Subscriptions", .timeLimit(.minutes(1)))
struct SubscriptionTests {
    let node = StubNode()
    let hub = SubscriptionHub()

    private func withServer(
        _ change: (inout RPCServer.Configuration) -> Void = { _ in },
        _ body: (RPCServer) async throws -> Void
    ) async throws {
        try await WebSocketTests.withServer(
            methods: .standard(node, hub: hub), change, body)
    }

    private func message(_ name: String, _ id: String, _ result: JSONValue) -> JSONValue {
        [
            "jsonrpc": "2.0", "method": .string(name),
            "params": ["subscription": .string(id), "result": result],
        ]
    }

    /// The names of the head subscriptions, their endings, notifications and topics.
    static let headTopics: [([String], [String], String, SubscriptionTopic, Int)] = [
        (
            ["chain_subscribeNewHeads", "chain_subscribeNewHead", "subscribe_newHead"],
            ["chain_unsubscribeNewHeads", "chain_unsubscribeNewHead", "unsubscribe_newHead"],
            "chain_newHead", .newHeads, 3
        ),
        (
            ["chain_subscribeAllHeads"], ["chain_unsubscribeAllHeads"], "chain_allHead", .allHeads,
            3
        ),
        (
            ["chain_subscribeFinalizedHeads", "chain_subscribeFinalisedHeads"],
            ["chain_unsubscribeFinalizedHeads", "chain_unsubscribeFinalisedHeads"],
            "chain_finalizedHead", .finalizedHeads, 2
        ),
    ]

    @Test(
        "heads come as they are at first, then as they become, until the end", arguments: headTopics
    )
    func heads(
        begin: [String], end: [String], notification: String, topic: SubscriptionTopic, head: Int
    ) async throws {
        try await withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            for (begin, end) in zip(begin, end) {
                let id = try await client.subscribe(begin)
                #expect(id.count == 16)
                let now = node.blocks[head].header.json
                #expect(try await client.nextJSON() == message(notification, id, now))
                #expect(hub.hasSubscribers(of: topic))
                // What the first message said is not said again.
                hub.publish(topic) { now }
                hub.publish(topic) { "later" }
                #expect(try await client.nextJSON() == message(notification, id, "later"))
                #expect(
                    try await client.call("coherence_unsubscribeVotes", .string(id))["result"]
                        == false)
                #expect(try await client.call(end, .string(id))["result"] == true)
                #expect(try await client.call(end, .string(id))["result"] == false)
                #expect(!hub.hasSubscribers(of: topic))
            }
        }
    }

    @Test("certificates and votes come in the documented shapes")
    func shapes() async throws {
        let report = try #require(try await node.votes(for: node.blocks[3].hash).first)
        let vote = VoteNotice(report: report, isOwn: false, receivedAt: 9, isLate: true)
        let certificate = CertificateNotice(
            certificate: node.certificate, finalisedAt: 7, latencyMilliseconds: nil)
        try await withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            let votes = try await client.subscribe("coherence_subscribeVotes")
            let certificates = try await client.subscribe("coherence_subscribeCertificates")
            hub.publish(.votes) { vote.json(addressPrefix: 42) }
            hub.publish(.certificates) { certificate.json }
            let expectedVote: JSONValue = [
                "kind": "vote", "own": false, "index": 2,
                "validator": "5C8etthaGJi5SkQeEDSaK32ABBjkhwDeK9ksQCTLEGM3EH14",
                "voteType": "Precommit", "round": 6, "setId": 5,
                "blockHash": .string(node.blocks[3].hash.description), "blockNumber": 3,
                "coherenceScore": 95,
                "quantumState": [
                    "validProofs": 3, "rejectedProofs": 1, "averageQber": 50,
                    "entropyPoolHash": .string(Hash256.zero.description), "reporterCount": 2,
                    "minQber": 40, "maxQber": 60,
                ],
                "receivedAt": 9, "isLate": true,
            ]
            #expect(try await client.nextJSON() == message("coherence_vote", votes, expectedVote))
            let expectedCertificate: JSONValue = [
                "blockHash": .string(node.blocks[2].hash.description), "blockNumber": 2,
                "setId": 5, "round": 4, "certificate": .hex(node.certificate.scaleBytes),
                "signers": [0, 2], "finalizedAt": 7, "latencyMs": nil,
            ]
            #expect(
                try await client.nextJSON()
                    == message("coherence_certificate", certificates, expectedCertificate))
        }
    }

    @Test("over plain HTTP there are no subscriptions")
    func overHTTP() async throws {
        let dispatcher = RPCDispatcher(methods: .standard(node, hub: hub))
        for method in ["chain_subscribeNewHeads", "chain_unsubscribeNewHeads"] {
            let request: JSONValue = ["jsonrpc": "2.0", "id": 1, "method": .string(method)]
            let response = try JSONParser.parse(
                #require(await dispatcher.response(to: request.utf8)))
            #expect(response["error"]?["code"] == -32601)
            #expect(response["error"]?["data"]?.string?.contains("WebSocket") == true)
        }
    }

    @Test("a connection has as many subscriptions as the limit says, and each gets its messages")
    func many() async throws {
        try await withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            var ids: Set<String> = []
            for _ in 0..<1_024 {
                ids.insert(try await client.subscribe("coherence_subscribeVotes"))
            }
            #expect(ids.count == 1_024)
            let refusal = try await client.call("coherence_subscribeVotes")
            #expect(refusal["error"]?["code"] == -32006)
            for number in 0..<3 {
                hub.publish(.votes) { .integer(number) }
                var told: Set<String> = []
                for _ in 0..<1_024 {
                    let message = try await client.nextJSON()
                    #expect(message["params"]?["result"] == .integer(number))
                    told.insert(try #require(message["params"]?["subscription"]?.string))
                }
                #expect(told == ids)
            }
            #expect(
                try await client.call("coherence_unsubscribeVotes", .string(ids.first ?? ""))[
                    "result"] == true)
            _ = try await client.subscribe("coherence_subscribeVotes")
        }
    }

    @Test("a subscriber that does not read is closed; the others and the publisher go on")
    func slow() async throws {
        try await withServer {
            $0.limits.lingerTimeout = .milliseconds(100)
        } _: { server in
            let slow = try await WebSocketClient.connect(to: server.boundAddress.port)
            let quick = try await WebSocketClient.connect(to: server.boundAddress.port)
            _ = try await slow.subscribe("coherence_subscribeVotes")
            _ = try await quick.subscribe("coherence_subscribeVotes")
            try await slow.raw.stopReading()
            let payload = JSONValue.string(String(repeating: "x", count: 1 << 16))
            // More than the sockets' buffers, the messages in flight and those that wait.
            for _ in 0..<600 {
                hub.publish(.votes) { payload }
                #expect(try await quick.nextJSON()["params"]?["result"] == payload)
            }
            try? await slow.raw.startReading()
            var last: WebSocketClient.Frame?
            var count = 0
            while let frame = await slow.next() {
                last = frame
                count += 1
            }
            #expect(count < 600)
            // The reason comes if the client begins to read before the connection is cut.
            #expect(last == nil || last?.opcode == 1 || last?.closeCode == 1008)
            while server.statistics.connectionCount > 1 { await Task.yield() }
            #expect(hub.hasSubscribers(of: .votes))
            #expect(try await quick.call("system_name")["result"] == "Stub Node")
        }
    }

    @Test("a client that has gone is forgotten")
    func gone() async throws {
        try await withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            _ = try await client.subscribe("coherence_subscribeVotes")
            #expect(hub.hasSubscribers(of: .votes))
            try await client.raw.close()
            while hub.hasSubscribers(of: .votes) { await Task.yield() }
            #expect(server.statistics.connectionCount <= 1)
        }
    }

    @Test("nothing is made for topics without subscribers")
    func silence() {
        for topic in SubscriptionTopic.allCases {
            hub.publish(topic) {
                Issue.record("asked for \(topic)")
                return nil
            }
        }
    }
}
