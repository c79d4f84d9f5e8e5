import Logging
import NIOCore
import RPC
import Testing

@Suite("RPC server", .timeLimit(.minutes(1)))
struct ServerTests {
    static let echoCall = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[5]}"
    static let echoAnswer = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}"

    static func methods() -> RPCMethods {
        var methods = RPCMethods()
        methods.add("echo") { (parameters) throws(RPCError) in
            try parameters.required(0, "value")
        }
        methods.add("forever") { (_) throws(RPCError) in
            await Cancellation.wait()
            return "cancelled"
        }
        methods.add("large") { (_) throws(RPCError) in
            .string(String(repeating: "x", count: 12 << 20))
        }
        return methods
    }

    /// Runs a server on a free port for the time of `body`.
    private func withServer(
        _ change: (inout RPCServer.Configuration) -> Void = { _ in },
        _ body: (RPCServer) async throws -> Void
    ) async throws {
        let page = HTTPPage(path: "/health") { .json(Array("{\"peers\":0}".utf8)) }
        try await RPCTests.withServer(pages: [page], change, body)
    }

    private func exchange(_ request: String, with server: RPCServer) async throws -> String {
        let client = try await RawClient.connect(to: server.boundAddress.port)
        try await client.send(request)
        return await client.readToEnd()
    }

    private func post(
        _ body: String, headers: String = "Host: localhost\r\n", close: Bool = true
    ) -> String {
        "POST / HTTP/1.1\r\n\(headers)Content-Length: \(body.utf8.count)\r\n"
            + (close ? "Connection: close\r\n" : "") + "\r\n\(body)"
    }

    @Test("a call is answered")
    func call() async throws {
        try await withServer { server in
            let response = try await exchange(post(Self.echoCall), with: server)
            #expect(response.statusLine == "HTTP/1.1 200 OK")
            #expect(response.contains("Content-Type: application/json\r\n"))
            #expect(response.contains("Connection: close\r\n"))
            #expect(response.httpBody == Self.echoAnswer)
            #expect(server.boundAddress.host == "127.0.0.1")
            #expect(server.statistics.requestCount == 1)
        }
    }

    @Test("a call that comes one byte at a time is answered")
    func oneByteAtATime() async throws {
        try await withServer { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            for byte in post(Self.echoCall).utf8 { try await client.send([byte]) }
            #expect(await client.readToEnd().httpBody == Self.echoAnswer)
        }
    }

    @Test("a chunked body is taken")
    func chunked() async throws {
        try await withServer { server in
            let middle = Self.echoCall.utf8.count / 2
            let parts = [Self.echoCall.prefix(middle), Self.echoCall.dropFirst(middle)]
            let body = parts.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined()
            let response = try await exchange(
                "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                    + "Connection: close\r\n\r\n\(body)0\r\n\r\n", with: server)
            #expect(response.httpBody == Self.echoAnswer)
        }
    }

    @Test("a connection is kept for more calls, and pipelined calls are answered in order")
    func keepAlive() async throws {
        try await withServer { server in
            let client = try await RawClient.connect(to: server.boundAddress.port)
            for number in 1...3 {
                let call =
                    "{\"jsonrpc\":\"2.0\",\"id\":\(number),\"method\":\"echo\",\"params\":[0]}"
                try await client.send(post(call, close: false))
                let response = await client.read(until: "\"result\":0}")
                #expect(response.contains("\"id\":\(number),"))
                #expect(response.contains("Connection: keep-alive\r\n"))
            }
            let calls = (4...8).map {
                post(
                    "{\"jsonrpc\":\"2.0\",\"id\":\($0),\"method\":\"echo\",\"params\":[0]}",
                    close: $0 == 8)
            }
            try await client.send(calls.joined())
            let responses = await client.readToEnd()
            let ids = responses.split(separator: "\"id\":").dropFirst().map { $0.prefix(1) }
            #expect(ids == ["4", "5", "6", "7", "8"])
        }
    }

    @Test("a notification gets an answer without a body")
    func notification() async throws {
        try await withServer { server in
            let response = try await exchange(
                post("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1]}"), with: server)
            #expect(response.statusLine == "HTTP/1.1 204 No Content")
            #expect(response.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("pages are served, other paths and methods are not")
    func methodsAndPages() async throws {
        try await withServer { server in
            func status(_ line: String) async throws -> String {
                try await exchange(
                    "\(line) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", with: server
                ).statusLine
            }
            for line in ["GET /health", "GET /health?x=1"] {
                let served = try await status(line)
                #expect(served == "HTTP/1.1 200 OK", "\(line)")
            }
            for line in ["GET /", "GET /nothing", "PUT /", "DELETE /health", "HEAD /", "OPTIONS /"]
            {
                let refused = try await status(line)
                #expect(refused == "HTTP/1.1 405 Method Not Allowed", "\(line)")
            }
        }
    }

    @Test(
        "requests for other host names are refused",
        arguments: [
            "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2",
            "localhost:1:2", "localhost:port", "[::1", "[::1]x", "", "0.0.0.0", "localhost@evil",
        ])
    func foreignHosts(host: String) async throws {
        try await withServer { server in
            let response = try await exchange(
                post(Self.echoCall, headers: "Host: \(host)\r\n"), with: server)
            #expect(response.statusLine == "HTTP/1.1 403 Forbidden")
        }
    }

    @Test(
        "requests for this machine's names are served",
        arguments: [
            "localhost", "LOCALHOST:9944", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:9944",
            "localhost.", "node.example", "node.example:443",
        ])
    func ownHosts(host: String) async throws {
        try await withServer {
            $0.hosts = .listed(["Node.Example"])
        } _: { server in
            let response = try await exchange(
                post(Self.echoCall, headers: "Host: \(host)\r\n"), with: server)
            #expect(response.httpBody == Self.echoAnswer)
        }
    }

    @Test("a request without a host, or with two, is refused")
    func hostCount() async throws {
        try await withServer { server in
            for headers in ["", "Host: localhost\r\nHost: localhost\r\n"] {
                let response = try await exchange(
                    post(Self.echoCall, headers: headers), with: server)
                #expect(response.statusLine == "HTTP/1.1 400 Bad Request")
            }
        }
    }

    @Test(
        "pages from elsewhere may not call",
        arguments: [
            "http://evil.example", "https://localhost.evil.example", "null", "file://",
            "http://localhost@evil.example", "chrome-extension://localhost",
        ])
    func foreignOrigins(origin: String) async throws {
        try await withServer { server in
            let headers = "Host: localhost\r\nOrigin: \(origin)\r\nContent-Type: text/plain\r\n"
            let response = try await exchange(
                post(Self.echoCall, headers: headers), with: server)
            #expect(response.statusLine == "HTTP/1.1 403 Forbidden")
            #expect(!response.contains("Access-Control"))
            #expect(server.statistics.requestCount == 0)
        }
    }

    @Test(
        "pages from this machine and listed ones may call",
        arguments: ["http://localhost:3000", "https://127.0.0.1", "https://app.example"])
    func ownOrigins(origin: String) async throws {
        try await withServer {
            $0.origins = .listed(["https://app.example"])
        } _: { server in
            let headers = "Host: localhost\r\nOrigin: \(origin)\r\n"
            let response = try await exchange(
                post(Self.echoCall, headers: headers), with: server)
            #expect(response.httpBody == Self.echoAnswer)
            #expect(response.contains("Access-Control-Allow-Origin: \(origin)\r\n"))
            let preflight = try await exchange(
                "OPTIONS / HTTP/1.1\r\n\(headers)Access-Control-Request-Method: POST\r\n"
                    + "Connection: close\r\n\r\n", with: server)
            #expect(preflight.statusLine == "HTTP/1.1 204 No Content")
            #expect(preflight.contains("Access-Control-Allow-Origin: \(origin)\r\n"))
            #expect(preflight.contains("Access-Control-Allow-Headers: Content-Type\r\n"))
        }
    }

    @Test("the port in use is an error that says so")
    func portInUse() async throws {
        try await withServer { server in
            var configuration = RPCServer.Configuration()
            configuration.port = server.boundAddress.port
            await #expect(
                throws: RPCServerError.portInUse(host: "127.0.0.1", port: configuration.port)
            ) {
                try await RPCServer.start(
                    configuration: configuration, methods: RPCMethods(),
                    logger: Logger(label: "test"))
            }
        }
        let text = RPCServerError.portInUse(host: "127.0.0.1", port: 9944).description
        #expect(text.contains("9944") && text.contains("--rpc-port"))
    }

    @Test("an address of another machine is an error that says so")
    func foreignAddress() async throws {
        var configuration = RPCServer.Configuration()
        configuration.host = "192.0.2.1"
        let error = await #expect(throws: RPCServerError.self) {
            try await RPCServer.start(
                configuration: configuration, methods: RPCMethods(), logger: Logger(label: "test"))
        }
        guard case .addressUnavailable(host: "192.0.2.1", _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a stopped server frees its port and ends its connections")
    func shutdown() async throws {
        var port: UInt16 = 0
        try await withServer { server in
            port = server.boundAddress.port
            let idle = try await RawClient.connect(to: port)
            let busy = try await RawClient.connect(to: port)
            try await busy.send(
                post("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"forever\"}", close: false))
            // The server has taken the call when it answers a later one.
            _ = try await exchange(post(Self.echoCall), with: server)
            await server.shutdown()
            _ = await idle.readToEnd()
            _ = await busy.readToEnd()
        }
        try await withServer({ $0.port = port }) { server in
            #expect(server.boundAddress.port == port)
        }
    }
}
