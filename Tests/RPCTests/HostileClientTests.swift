import NIOCore
import Primitives
import RPC
import Testing

/// Clients that send too much, too slowly, nonsense, or do not read.
@Suite("Hostile RPC clients", .timeLimit(.minutes(1)))
struct HostileClientTests {
    private func withServer(
        _ change: (inout RPCLimits) -> Void, _ body: (RPCServer) async throws -> Void
    ) async throws {
        try await RPCTests.withServer {
            change(&$0.limits)
        } _: { server in
            try await body(server)
            // Whatever came before, the server still answers. On a busy machine an honest client,
            // too, may be slower than a test's limits allow.
            var answer = ""
            for _ in 0..<50 where !answer.hasSuffix(ServerTests.echoAnswer) {
                answer = (try? await call(server)) ?? ""
            }
            #expect(answer.hasSuffix(ServerTests.echoAnswer))
        }
    }

    private func call(_ server: RPCServer) async throws -> String {
        let client = try await RawClient.connect(to: server.boundAddress.port)
        let body = ServerTests.echoCall
        try await client.send(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n"
                + "Connection: close\r\n\r\n\(body)")
        return await client.readToEnd()
    }

    private static let head = "POST / HTTP/1.1\r\nHost: localhost\r\n"

    @Test("an announced body above the limit is refused before it comes")
    func announcedBody() async throws {
        try await withServer {
            $0.requestByteCount = 1_000
        } _: { server in
            for length in ["1001", "1099511627776", "18446744073709551615"] {
                let client = try await RawClient.connect(to: server.boundAddress.port)
                try await client.send(Self.head + "Content-Length: \(length)\r\n\r\n")
                #expect(await client.readToEnd().statusLine == "HTTP/1.1 413 Payload Too Large")
            }
        }
    }

    @Test("a client that sends a large body all the same gets to read the refusal")
    func refusalIsReadable() async throws {
        try await withServer {
            $0.requestByteCount = 1_000
        } _: { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            let body = [UInt8](repeating: 0x20, count: 4 << 20)
            // The server may close before it has read all.
            try? await client.send(
                Array((Self.head + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
            #expect(await client.readToEnd().statusLine == "HTTP/1.1 413 Payload Too Large")
        }
    }

    @Test("a chunked body above the limit is refused when it gets there")
    func chunkedBody() async throws {
        try await withServer {
            $0.requestByteCount = 1_000
        } _: { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            try await client.send(Self.head + "Transfer-Encoding: chunked\r\n\r\n")
            let chunk = "1f4\r\n" + String(repeating: " ", count: 500) + "\r\n"
            try await client.send(chunk + chunk + chunk)
            #expect(await client.readToEnd().statusLine == "HTTP/1.1 413 Payload Too Large")
        }
    }

    @Test("a body of exactly the limit is taken")
    func largestBody() async throws {
        try await withServer {
            $0.requestByteCount = 1_000
        } _: { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            let call = ServerTests.echoCall
            let body = call + String(repeating: " ", count: 1_000 - call.utf8.count)
            try await client.send(
                Self.head + "Content-Length: 1000\r\nConnection: close\r\n\r\n" + body)
            #expect(await client.readToEnd().httpBody == ServerTests.echoAnswer)
        }
    }

    @Test("a client that waits for 100 Continue is told to go on")
    func expectContinue() async throws {
        try await withServer { _ in
        } _: { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            let body = ServerTests.echoCall
            try await client.send(
                Self.head + "Expect: 100-continue\r\nConnection: close\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n")
            #expect(await client.read(until: "\r\n\r\n").statusLine == "HTTP/1.1 100 Continue")
            try await client.send(body)
            #expect(await client.readToEnd().httpBody == ServerTests.echoAnswer)
        }
    }

    @Test(
        "nonsense is answered with 400 or closed",
        arguments: [
            "\r\n\r\n\r\nhello\r\n\r\n", "GET\r\n\r\n", "POST / HTTP/9.9\r\n\r\n",
            "POST / HTTP/1.1\r\nHost localhost\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ])
    func nonsense(text: String) async throws {
        try await withServer { _ in
        } _: { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            try await client.send(text)
            let response = await client.readToEnd()
            #expect(response.isEmpty || response.statusLine == "HTTP/1.1 400 Bad Request")
        }
    }

    @Test("a head above the limits is refused")
    func largeHead() async throws {
        try await withServer {
            $0.headerByteCount = 2_000
            $0.headerFieldCount = 20
        } _: { server in
            let long = "X: " + String(repeating: "x", count: 3_000) + "\r\n"
            let many = (0..<21).map { "X-\($0): x\r\n" }.joined()
            let path = "GET /" + String(repeating: "x", count: 100_000) + " HTTP/1.1\r\n"
            for text in [Self.head + long, Self.head + many, path] {
                let client = try await RawClient.connect(to: server.boundAddress.port)
                try await client.send(text + "\r\n")
                let response = await client.readToEnd()
                #expect(
                    response.isEmpty
                        || response.statusLine == "HTTP/1.1 431 Request Header Fields Too Large",
                    "\(response.statusLine)")
            }
        }
    }

    @Test("silent connections, and heads and bodies that drip, are cut off in time")
    func slowClients() async throws {
        try await withServer {
            $0.idleTimeout = .milliseconds(200)
            $0.bodyTimeout = .milliseconds(200)
        } _: { server in
            let silent = try await RawClient.connect(to: server.boundAddress.port)
            let head = try await RawClient.connect(to: server.boundAddress.port)
            head.drip([UInt8](repeating: 0x41, count: 1_000), every: .milliseconds(10))
            let body = try await RawClient.connect(to: server.boundAddress.port)
            // On a busy machine the server may have given up before.
            try? await body.send(Self.head + "Content-Length: 1000000\r\n\r\n")
            body.drip([UInt8](repeating: 0x20, count: 1_000), every: .milliseconds(10))
            let start = ContinuousClock.now
            try await silent.waitForClose()
            try await head.waitForClose()
            try await body.waitForClose()
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test("a client that does not read its response is cut off in time")
    func unreadResponse() async throws {
        try await withServer {
            $0.writeTimeout = .milliseconds(300)
        } _: { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            try await client.stopReading()
            let body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"large\"}"
            try await client.send(
                Self.head + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            var left = false
            for _ in 0..<2_000 {
                // Each call to the server takes time of its own; no clock is slept on.
                _ = try await call(server)
                if server.statistics.connectionCount == 0 {
                    left = true
                    break
                }
            }
            #expect(left)
            try await client.close()
        }
    }

    @Test("connections above the cap are turned away, and places are given back")
    func connectionCap() async throws {
        try await withServer {
            $0.connectionCount = 3
        } _: { server in
            var clients: [RawClient] = []
            for _ in 0..<3 {
                let client = try await RawClient.connect(to: server.boundAddress.port)
                // The server has admitted the client when it refuses its request.
                try await client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = await client.read(until: "POST.\n")
                clients.append(client)
            }
            let refusal = try await call(server)
            #expect(refusal.statusLine == "HTTP/1.1 503 Service Unavailable")
            let parts = refusal.split(separator: "\r\n\r\n", maxSplits: 1)
            try #require(parts.count == 2)
            #expect(parts[1].contains("--rpc-max-connections"))
            #expect(parts[0].contains("Content-Length: \(parts[1].utf8.count)\r\n"))
            #expect(server.statistics.refusedConnectionCount == 1)
            #expect(server.statistics.connectionCount == 3)
            for client in clients { try await client.close() }
            var served = false
            while !served {
                served = try await call(server).statusLine == "HTTP/1.1 200 OK"
            }
        }
    }

    @Test("random bytes never stop the server", arguments: [11, 12, 13])
    func randomBytes(seed: UInt64) async throws {
        try await withServer {
            $0.idleTimeout = .milliseconds(100)
        } _: { server in
            var generator = SeededGenerator(seed: seed)
            for _ in 0..<20 {
                let client = try await RawClient.connect(to: server.boundAddress.port)
                var bytes = Array(Self.head.utf8)
                if Bool.random(using: &generator) { bytes = [] }
                bytes += (0..<Int.random(in: 1...300, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                try? await client.send(bytes)
                _ = await client.readToEnd()
            }
        }
    }
}
