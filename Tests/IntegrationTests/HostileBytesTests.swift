import Foundation
import LibP2P
import Logging
import Networking
import Primitives
import TestSupport
import Testing

/// Bytes that no honest peer or client sends, to every port and on every layer of a running node.
@Suite(.serialized) struct HostileBytesTests {
    /// A multistream message.
    private static func line(_ text: String) -> [UInt8] {
        [UInt8(text.utf8.count + 1)] + Array(text.utf8) + [0x0A]
    }

    private static let multistream = line("/multistream/1.0.0")
    private static let noise = multistream + line("/noise")

    private func peerPort(of node: NodeProcess) throws -> Int {
        try #require(node.peerPort)
    }

    @Test(.timeLimit(.minutes(2)))
    func `bytes that drip slowly are cut off, on both ports, while blocks become final`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        let port = try peerPort(of: alice)
        let request = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        // Where each drip begins: nothing sent, a negotiation begun, a handshake begun, a request's
        // body begun.
        let beginnings: [(port: Int, bytes: [UInt8], byte: UInt8)] = [
            (port, [], 0x13), (port, Self.multistream, 0x20), (port, Self.noise, 0x01),
            (alice.rpcPort, Array((request + "Content-Length: 5000\r\n\r\n").utf8), 0x20),
        ]
        let patience = try await withThrowingTaskGroup(of: Double?.self) { group in
            for (port, bytes, byte) in beginnings + beginnings {
                group.addTask {
                    try await onThread {
                        let connection = try RawConnection(port: port)
                        _ = connection.send(bytes)
                        return try connection.drip(byte, pause: 0.05, limit: 40)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(patience.count == 8 && patience.allSatisfy { $0.map { $0 < 20 } ?? false })
        let finalised = try RPCClient(port: bob.rpcPort).finalisedNumber()
        try await alice.waitForFinality(of: finalised + 2)
    }

    @Test(.timeLimit(.minutes(1)))
    func `oversized and cut off messages before the handshake end the connection`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start("alice")
        let port = try peerPort(of: alice)
        let beginnings: [[UInt8]] = [
            // Lengths of 2^31, 2^63 and one without end.
            [0x80, 0x80, 0x80, 0x80, 0x08], [UInt8](repeating: 0xFF, count: 8) + [0x7F],
            [UInt8](repeating: 0x80, count: 30), Self.multistream + [0xFF, 0xFF, 0x7F],
            // A Noise message that is too short, and random ones of full length.
            Self.noise + [0x00, 0x01, 0x55],
            Self.noise + [0xFF, 0xFF] + [UInt8](repeating: 0x5A, count: 65_535),
            Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [0x16, 0x03, 0x01, 0x02, 0x00, 0x01],
        ]
        for bytes in beginnings {
            let connection = try RawConnection(port: port)
            _ = connection.send(bytes)
            var isOpen = true
            while isOpen {
                let answer = try #require(
                    try connection.receive(within: 15), "\(bytes.prefix(30)) is put up with")
                isOpen = !answer.isEmpty
            }
        }
        // Half a message, then the end.
        for length in 0..<Self.noise.count {
            let connection = try RawConnection(port: port)
            _ = connection.send(Self.noise.prefix(length))
        }
        let tooLarge = try RPCClient(port: alice.rpcPort).exchange(
            Array(
                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n"
                    .utf8))
        #expect(String(decoding: tooLarge, as: UTF8.self).contains("413"))
        #expect(alice.isRunning)
        #expect(alice.stop() == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `garbage on every protocol of an authenticated connection harms nobody`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        let address = try Multiaddr(try #require(net.bootnode))
        var protocols: [String] = []
        var random = SeededGenerator(seed: 11)
        let garbage = (0..<4_096).map { _ in UInt8.random(in: 0...255, using: &random) }
        let tooLong: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 2, 3]
        var count = 0
        repeat {
            for bytes in [garbage, tooLong, [0x05, 0x01], [0x00]] as [[UInt8]] {
                try await withStranger(&random) { swarm in
                    let peer = try await swarm.connect(to: address)
                    if protocols.isEmpty { protocols = try await Self.protocols(of: peer, swarm) }
                    let stream = try await swarm.openStream(peer, [protocols[count]])
                    try await stream.write(bytes)
                    stream.finish()
                    // Until the node ends the stream, in whatever way.
                    while let more = try await stream.read() { _ = more }
                }
            }
            count += 1
        } while count < protocols.count
        #expect(count >= 7, "\(protocols)")
        let finalised = try RPCClient(port: bob.rpcPort).finalisedNumber()
        try await alice.waitForFinality(of: finalised + 2)
        #expect(alice.stop() == 0)
    }

    /// Runs a body with a swarm of a new identity. What the streams come to is the node's business.
    private func withStranger(
        _ random: inout SeededGenerator, _ body: (Swarm) async throws -> Void
    ) async throws {
        let seed = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        let identity = try #require(NodeIdentity(seed: seed))
        var logger = Logger(label: "stranger")
        logger.logLevel = .critical
        let swarm = Swarm(configuration: NetworkConfiguration(identity: identity), logger: logger)
        try await swarm.start()
        do {
            try await body(swarm)
        } catch is StreamError {
            // Cut off.
        } catch {
            await swarm.shutdown()
            throw error
        }
        await swarm.shutdown()
    }

    private static func protocols(of peer: PeerID, _ swarm: Swarm) async throws -> [String] {
        while let event = await swarm.nextEvent() {
            if case .identified(peer, let information) = event { return information.protocols }
        }
        throw TestFailure("the swarm ended")
    }
}
