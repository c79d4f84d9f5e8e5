import LibP2P
import NIOCore
import NIOPosix
import Networking
import Primitives
import Testing

/// A bare TCP connection to a node, for peers that do not play by the rules.
final class RawConnection: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) { self.channel = channel }

    /// Connects, runs `body`, and closes.
    static func with<Value: Sendable>(
        _ address: Multiaddr, _ body: @Sendable (RawSession) async throws -> Value
    ) async throws -> Value {
        let endpoint = try #require(address.tcpEndpoint)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: Int(endpoint.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(
                RawSession(
                    channel: channel.channel, inbound: inbound.makeAsyncIterator(),
                    outbound: outbound))
        }
    }
}

/// What a test does with a bare TCP connection.
struct RawSession {
    let channel: any Channel
    var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// The next bytes; nil when the node closed or reset the connection.
    mutating func receive() async -> [UInt8]? {
        do {
            return try await inbound.next().map { Array($0.readableBytesView) }
        } catch {
            return nil
        }
    }

    /// Reads until the node closes the connection.
    mutating func waitForEnd() async { while await receive() != nil {} }
}

/// A peer that gets through the handshake, and then says what the test wants.
struct HostilePeer {
    var session: RawSession
    var channel: SecuredChannel
    private var early: [UInt8]

    /// Secures a connection to a node.
    init(_ session: RawSession, seed: UInt8) async throws {
        self.session = session
        var generator = SystemRandomNumberGenerator()
        let credentials = NoiseCredentials(
            identity: TestNode.identity(seed), staticKey: NoisePrivateKey(using: &generator))
        var upgrade = ConnectionUpgrade(
            role: .dialer, credentials: credentials,
            ephemeralKey: NoisePrivateKey(using: &generator), now: .zero)
        while true {
            while let output = upgrade.nextOutput() { try await self.session.send(output) }
            if case .secured(let secured)? = upgrade.nextEvent() {
                channel = secured.channel
                early = secured.earlyPlaintext
                return
            }
            let bytes = try #require(await self.session.receive())
            upgrade.receive(bytes, now: .zero)
        }
    }

    /// Sends plaintext in records.
    mutating func send(_ plaintext: [UInt8]) async throws {
        var records: [UInt8] = []
        try channel.seal(plaintext, into: &records)
        try await session.send(records)
    }

    /// The next plaintext; nil when the node closed the connection.
    mutating func receive() async throws -> [UInt8]? {
        if !early.isEmpty {
            defer { early = [] }
            return early
        }
        guard let bytes = await session.receive() else { return nil }
        return try channel.open(bytes)
    }

    /// Drives a muxer until it has an event that `pick` takes; nil at the connection's end.
    mutating func run<Value>(
        _ muxer: inout YamuxSession, until pick: (YamuxEvent) -> Value?
    ) async throws -> Value? {
        while true {
            while let event = muxer.nextEvent() {
                if let value = pick(event) { return value }
            }
            var output: [UInt8] = []
            while muxer.nextOutput(into: &output, atMost: 65_536) {}
            if !output.isEmpty { try await send(output) }
            guard let plaintext = try await receive() else { return nil }
            muxer.receive(plaintext, now: .zero)
        }
    }
}
