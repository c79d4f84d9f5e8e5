import Foundation
import TestSupport
import Testing

/// RPC clients that ask for much, take nothing or send rubbish do not hold up the node.
@Suite(.serialized) struct RPCLoadTests {
    private static let handshake = WebSocketBytes.request()

    private static func frame(_ text: String) -> [UInt8] {
        WebSocketBytes.frame(1, Array(text.utf8))
    }

    private static func call(_ method: String) -> String {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\(method)\",\"params\":[]}"
    }

    private func residentByteCount(of node: NodeProcess) throws -> Int {
        let process = try node.rpc.object("coherence_statistics")["process"] as? [String: Any]
        return try #require(process?["residentBytes"] as? Int)
    }

    /// Reads until `text` has come `count` times.
    private func read(_ connection: RawConnection, _ text: String, count: Int) throws {
        let wanted = Data(text.utf8)
        var found = 0
        var rest = Data()
        while found < count {
            let bytes = try #require(
                try connection.receive(within: 20), "\(found) of \(count) \(text)")
            try #require(!bytes.isEmpty, "closed after \(found) of \(count) \(text)")
            rest += bytes
            var start = rest.startIndex
            while let range = rest.range(of: wanted, in: start..<rest.endIndex) {
                found += 1
                start = range.upperBound
            }
            rest = Data(rest[start...].suffix(wanted.count - 1))
        }
    }

    /// Calls until the server has a place for the caller: it gives those of closed connections back
    /// as it comes to notice their ends.
    private func served<Result>(_ call: () throws -> Result) throws -> Result {
        while true {
            do { return try call() } catch is RPCClient.Busy { try Task.checkCancellation() }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a thousand subscriptions a connection, read or not, hold up nothing`() async throws {
        let net = try Testnet(slotMilliseconds: 500, validators: 1)
        let node = try await net.start("alice")
        try await node.waitForFinality(of: 2)
        let before = try residentByteCount(of: node)
        var readers: [RawConnection] = []
        var sleepers: [RawConnection] = []
        for number in 0..<20 {
            let connection = try RawConnection(port: node.rpcPort, patience: 20)
            #expect(connection.send(Self.handshake))
            try read(connection, "101 Switching", count: 1)
            let topic = number % 2 == 0 ? "coherence_subscribeVotes" : "chain_subscribeNewHeads"
            if number < 4 {
                for _ in 0..<10 {
                    let batch = [String](repeating: Self.call(topic), count: 100)
                    let text = "[\(batch.joined(separator: ","))]"
                    #expect(connection.send(Self.frame(text)))
                }
                try read(connection, "\"result\":\"", count: 1_000)
                readers.append(connection)
            } else {
                // What is sent is never read.
                for _ in 0..<1_000 { _ = connection.send(Self.frame(Self.call(topic))) }
                sleepers.append(connection)
            }
        }
        let height = try node.rpc.finalisedNumber()
        for reader in readers { try read(reader, "\"subscription\":", count: 5_000) }
        try await node.waitForFinality(of: height + 5)
        let grown = try residentByteCount(of: node) - before
        #expect(grown < 150 << 20, "\(grown >> 20) MiB more")
        #expect(try node.rpc.string("system_chain").isEmpty == false)
        withExtendedLifetime((readers, sleepers)) {}
        #expect(node.stop() == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `rubbish, oversized requests and stalled clients end without harm`() async throws {
        let net = try Testnet(slotMilliseconds: 500, validators: 1)
        let node = try await net.start("alice", options: ["--rpc-max-connections", "30"])
        try await node.waitForFinality(of: 1)
        var generator = SystemRandomNumberGenerator()
        var stalled: [RawConnection] = []
        for number in 0..<60 {
            let connection = try RawConnection(port: node.rpcPort, patience: 20)
            switch number % 4 {
            case 0:
                let rubbish = (0..<1_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
                _ = connection.send(rubbish)
            case 1:
                _ = connection.send(
                    Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n".utf8))
            case 2:
                _ = connection.send(Self.handshake)
                let rubbish = (0..<1_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
                _ = connection.send(rubbish)
            default: _ = connection.send(Self.handshake.dropLast(3))
            }
            if number < 20 { stalled.append(connection) }
        }
        let height = try served { try node.rpc.finalisedNumber() }
        try await node.waitForFinality(of: height + 3)
        #expect(try served { try node.rpc.string("system_chain") }.isEmpty == false)
        withExtendedLifetime(stalled) {}
        #expect(node.stop() == 0)
    }

    @Test func `a validator's RPC is not opened to others by accident`() throws {
        let refused = try Program.run(
            "quantumharmony-node", ["--alice", "--validator", "--tmp", "--rpc-external"])
        #expect(refused.status != 0)
        #expect(refused.output.contains("--rpc-methods safe"), "\(refused.output)")
        for arguments in [
            ["--rpc-methods", "some"], ["--rpc-cors", "example.org"], ["--rpc-rate-limit", "0"],
            ["--rpc-max-connections", "0"], ["--rpc-max-request-size", "100000"],
        ] {
            let wrong = try Program.run("quantumharmony-node", ["--tmp"] + arguments)
            #expect(wrong.status != 0)
            #expect(wrong.output.contains(arguments[0]), "\(wrong.output)")
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `safe methods only, foreign pages and hosts, and a rate limit, as the options say`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 500, validators: 1)
        let node = try await net.start(
            "alice",
            options: [
                "--rpc-methods", "safe", "--rpc-cors", "https://app.example", "--rpc-hosts",
                "node.example", "--rpc-rate-limit", "30",
            ])
        func answer(_ headers: String, _ body: String) throws -> String {
            let head = "POST / HTTP/1.1\r\n\(headers)Content-Length: \(body.utf8.count)\r\n"
            return String(
                decoding: try node.rpc.exchange(
                    Array((head + "Connection: close\r\n\r\n" + body).utf8)), as: UTF8.self)
        }
        let name = Self.call("system_name")
        #expect(try answer("Host: node.example\r\n", name).contains("200 OK"))
        #expect(try answer("Host: evil.example\r\n", name).contains("403 Forbidden"))
        let page = "Host: localhost\r\nOrigin: https://app.example\r\n"
        #expect(
            try answer(page, name).contains("Access-Control-Allow-Origin: https://app.example"))
        let evil = "Host: localhost\r\nOrigin: https://evil.example\r\n"
        #expect(try answer(evil, name).contains("403 Forbidden"))
        let unsafe = try answer("Host: localhost\r\n", Self.call("system_peers"))
        #expect(unsafe.contains("RPC call is unsafe to be called externally"))
        let batch = [String](repeating: name, count: 40).joined(separator: ",")
        #expect(try answer("Host: localhost\r\n", "[\(batch)]").contains("-32999"))
        #expect(node.stop() == 0)
    }
}
