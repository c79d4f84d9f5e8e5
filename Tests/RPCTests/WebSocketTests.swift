import Logging
import RPC
import Testing

@Suite("WebSocket", .timeLimit(.minutes(1)))
struct WebSocketTests {
    /// Runs a server on a free port for the time of `body`.
    static func withServer(
        methods: RPCMethods = ServerTests.methods(),
        _ change: (inout RPCServer.Configuration) -> Void = { _ in },
        _ body: (RPCServer) async throws -> Void
    ) async throws {
        var configuration = RPCServer.Configuration()
        configuration.port = 0
        change(&configuration)
        let server = try await RPCServer.start(
            configuration: configuration, methods: methods, logger: Logger(label: "test"))
        do {
            try await body(server)
        } catch {
            await server.shutdown()
            throw error
        }
        await server.shutdown()
    }

    @Test("calls, batches and notifications are answered in order on one connection")
    func calls() async throws {
        try await Self.withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            for _ in 1...3 {
                try await client.send(ServerTests.echoCall)
                #expect(await client.next()?.text == ServerTests.echoAnswer)
            }
            try await client.send("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1]}")
            try await client.send("[\(ServerTests.echoCall),\(ServerTests.echoCall)]")
            #expect(
                await client.next()?.text == "[\(ServerTests.echoAnswer),\(ServerTests.echoAnswer)]"
            )
            try await client.send("{")
            #expect(try await client.nextJSON()["error"]?["code"] == -32700)
            #expect(try await client.call("echo", "a", id: 7)["id"] == 7)
            #expect(server.statistics.connectionCount == 1)
            #expect(server.statistics.requestCount == 7)
        }
    }

    @Test("a call that comes in fragments, with pings between them, is answered")
    func fragments() async throws {
        try await Self.withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            let call = Array(ServerTests.echoCall.utf8)
            try await client.raw.send(
                WebSocketClient.frame(1, Array(call[..<5]), isFinal: false)
                    + WebSocketClient.frame(9, Array("a".utf8))
                    + WebSocketClient.frame(0, [], isFinal: false)
                    + WebSocketClient.frame(0, Array(call[5...])))
            #expect(await client.next() == .init(isFinal: true, opcode: 10, body: [97]))
            #expect(await client.next()?.text == ServerTests.echoAnswer)
        }
    }

    @Test("everything that comes one byte at a time is answered")
    func oneByteAtATime() async throws {
        try await Self.withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            for byte in WebSocketClient.frame(2, Array(ServerTests.echoCall.utf8)) {
                try await client.raw.send([byte])
            }
            #expect(await client.next()?.text == ServerTests.echoAnswer)
        }
    }

    /// What no client may send, and the code that the server closes with.
    static let violations: [(String, [UInt8], UInt16)] = [
        ("unmasked", WebSocketClient.frame(1, [123, 125], isMasked: false), 1002),
        ("reserved bit", [0xC1, 0x80, 0, 0, 0, 0], 1002),
        ("unknown opcode", WebSocketClient.frame(3, []), 1002),
        ("continuation of nothing", WebSocketClient.frame(0, []), 1002),
        (
            "message within a message",
            WebSocketClient.frame(1, [123], isFinal: false) + WebSocketClient.frame(1, [125]), 1002
        ),
        ("fragmented ping", WebSocketClient.frame(9, [], isFinal: false), 1002),
        ("long ping", WebSocketClient.frame(9, [UInt8](repeating: 1, count: 126)), 1002),
        ("close of one byte", WebSocketClient.frame(8, [3]), 1002),
        ("text that is no UTF-8", WebSocketClient.frame(1, [0xFF]), 1007),
        ("too long", WebSocketClient.frame(2, [UInt8](repeating: 32, count: 4_097)), 1009),
        ("a length of 2^63 - 1", [0x82, 0xFF, 0x7F] + [UInt8](repeating: 255, count: 7), 1009),
        (
            "fragments that are too long together",
            WebSocketClient.frame(2, [UInt8](repeating: 32, count: 4_000), isFinal: false)
                + WebSocketClient.frame(0, [UInt8](repeating: 32, count: 97)), 1009
        ),
    ]

    @Test("a client that breaks the protocol is told with which code", arguments: violations)
    func violation(name: String, bytes: [UInt8], code: UInt16) async throws {
        try await Self.withServer {
            $0.limits.requestByteCount = 4_096
            $0.limits.lingerTimeout = .milliseconds(100)
        } _: { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            try await client.raw.send(bytes)
            let last = await client.readToClose()
            #expect(last?.closeCode == code, "\(name): \(last?.text ?? "closed")")
        }
    }

    @Test("a client's close is answered with its code")
    func peerCloses() async throws {
        try await Self.withServer { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            try await client.raw.send(WebSocketClient.frame(8, [3, 232, 98, 121, 101]))
            let frame = await client.readToClose()
            #expect(frame == .init(isFinal: true, opcode: 8, body: [3, 232]))
        }
    }

    @Test("a silent client is pinged, stays as long as it answers, and is closed when it does not")
    func silence() async throws {
        try await Self.withServer {
            $0.limits.idleTimeout = .seconds(4)
            $0.limits.lingerTimeout = .milliseconds(50)
        } _: { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            #expect(await client.next() == .init(isFinal: true, opcode: 9, body: []))
            try await client.raw.send(WebSocketClient.frame(10, []))
            #expect(await client.next() == .init(isFinal: true, opcode: 9, body: []))
            #expect(await client.readToClose()?.closeCode == 1008)
        }
    }

    @Test("a message whose fragments stop coming ends the connection")
    func stalledFragments() async throws {
        try await Self.withServer {
            $0.limits.bodyTimeout = .milliseconds(50)
            $0.limits.lingerTimeout = .milliseconds(50)
        } _: { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            try await client.raw.send(WebSocketClient.frame(1, [91], isFinal: false))
            let last = await client.readToClose()
            #expect(last?.closeCode == 1008 && last?.text.contains("too long") == true)
        }
    }

    @Test("a client that does not read its responses is cut off")
    func unreadResponses() async throws {
        try await Self.withServer {
            $0.limits.writeTimeout = .milliseconds(200)
        } _: { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            try await client.raw.stopReading()
            for _ in 0..<40 {
                try? await client.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"large\"}")
            }
            // Only the server's closing ends this; 40 responses are 480 MB.
            try? await client.raw.startReading()
            var count = 0
            while await client.next() != nil { count += 1 }
            #expect(count < 40)
        }
    }

    @Test(
        "pages from elsewhere and other host names get no WebSocket",
        arguments: [
            "Host: localhost\r\nOrigin: http://evil.example\r\n", "Host: evil.example\r\n",
            "Host: localhost\r\nOrigin: null\r\n",
            "Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://localhost\r\n",
        ])
    func foreign(headers: String) async throws {
        try await Self.withServer { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            try await client.send(WebSocketClient.request(headers: headers))
            #expect(await client.readToEnd().statusLine == "HTTP/1.1 403 Forbidden")
        }
    }

    @Test(
        "a malformed wish to speak WebSocket is an ordinary request that is not served",
        arguments: [
            "Upgrade: websocket\r\nConnection: Upgrade\r\n",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a\r\n"
                + "Sec-WebSocket-Version: 8\r\n",
            "Upgrade: h2c\r\nConnection: Upgrade\r\n",
        ])
    func malformedUpgrade(headers: String) async throws {
        try await Self.withServer { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            try await client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n")
            #expect(await client.readToEnd().statusLine == "HTTP/1.1 405 Method Not Allowed")
        }
    }

    @Test("a stopped server ends WebSocket connections, too")
    func shutdown() async throws {
        var client: WebSocketClient?
        try await Self.withServer { server in
            client = try await WebSocketClient.connect(to: server.boundAddress.port)
        }
        #expect(await client?.readToClose() == nil)
    }

    @Test("a connection that calls too often is told so, and may call again later")
    func rateLimit() async throws {
        try await Self.withServer {
            $0.limits.callsPerMinute = 600
        } _: { server in
            let client = try await WebSocketClient.connect(to: server.boundAddress.port)
            let batch =
                "["
                + [String](repeating: ServerTests.echoCall, count: 100)
                .joined(separator: ",") + "]"
            for _ in 0..<7 { try await client.send(batch) }
            var refusedCount = 0
            for _ in 0..<7 {
                for answer in try #require(try await client.nextJSON().array) {
                    if answer["error"]?["code"] == -32999 { refusedCount += 1 }
                }
            }
            // Ten calls come back each second.
            #expect((1...100).contains(refusedCount))
            while try await client.call("echo", 1)["error"] != nil {}
            let other = try await WebSocketClient.connect(to: server.boundAddress.port)
            #expect(try await other.call("echo", 1)["result"] == 1)
        }
    }
}
