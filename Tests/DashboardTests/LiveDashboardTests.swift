import TestSupport
import Testing

/// The dashboard of a running validator, in a browser.
@Suite("Dashboard of a node", .serialized, .timeLimit(.minutes(2)))
struct LiveDashboardTests {
    @Test("it shows blocks becoming final, votes, peers and a certificate")
    func live() async throws {
        let net = try Testnet(slotMilliseconds: 1_000)
        let alice = try await net.start("alice", options: ["--dashboard"])
        _ = try await net.start("bob")
        try await alice.wait(for: "Dashboard on http://127.0.0.1:\(alice.rpcPort)/dashboard")
        let (status, output) = try await Browser.run(
            "live", pages: "http://127.0.0.1:\(alice.rpcPort)")
        #expect(status == 0, "\(output)")
    }

    @Test("without the option there is none")
    func absent() async throws {
        let net = try Testnet(slotMilliseconds: 1_000)
        let alice = try await net.start("alice")
        let answer = try alice.rpc.exchange(
            Array(
                "GET /dashboard HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
        #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 405 "))
    }
}
