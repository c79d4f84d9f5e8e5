import LibP2P
import Logging
import Networking
import Primitives
import Testing

/// What goes wrong in a test's own machinery.
enum Trouble: Error {
    case eventsEnded
    case notWithin(seconds: Int, what: String)
}

/// A swarm on loopback with quick timings, and what tests ask of it.
struct TestNode: Sendable {
    let swarm: Swarm
    var id: PeerID { swarm.localPeer }

    /// A running node whose identity is made of `seed`.
    static func start(
        _ seed: UInt8, _ configure: (inout NetworkConfiguration) -> Void = { _ in }
    ) async throws -> TestNode {
        var configuration = NetworkConfiguration(identity: identity(seed))
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        configuration.agentVersion = "test/\(seed)"
        configure(&configuration)
        var logger = Logger(label: "libp2p")
        logger.logLevel = .critical
        let node = TestNode(swarm: Swarm(configuration: configuration, logger: logger))
        try await node.swarm.start()
        return node
    }

    /// The identity of a number, another one in each test: tests run beside each other, and a port
    /// that nobody listens on in one of them may be a node's in another.
    static func identity(_ seed: UInt8) -> NodeIdentity {
        let test = Test.current.map { "\($0.id)" } ?? ""
        let secret = BLAKE2b256.hash([seed] + Array(test.utf8))
        guard let identity = NodeIdentity(seed: Array(secret.bytes)) else {
            preconditionFailure("32 bytes are a seed")
        }
        return identity
    }

    /// Where the node listens, without its id.
    func bareAddress() async throws -> Multiaddr {
        try #require(await swarm.snapshot().listenAddresses.first)
    }

    /// Where the node listens.
    func address() async throws -> Multiaddr { try await bareAddress().appending(id) }

    /// Waits for an event that `pick` takes.
    func event<Value>(_ pick: (SwarmEvent) -> Value?) async throws -> Value {
        while let event = await swarm.nextEvent() {
            if let value = pick(event) { return value }
        }
        throw Trouble.eventsEnded
    }

    func connected(to peer: PeerID) async throws -> ConnectionDirection {
        try await event { event in
            if case .connected(peer, let direction, _) = event { direction } else { nil }
        }
    }

    func disconnected(from peer: PeerID) async throws -> DisconnectReason {
        try await event { event in
            if case .disconnected(peer, let reason) = event { reason } else { nil }
        }
    }

    func identified(_ peer: PeerID) async throws -> PeerInformation {
        try await event { event in
            if case .identified(peer, let information) = event { information } else { nil }
        }
    }
}

/// Runs `body` with nodes, then shuts them down whatever happened.
func withNodes<Value>(
    _ nodes: [TestNode], _ body: ([TestNode]) async throws -> Value
) async throws -> Value {
    do {
        let value = try await body(nodes)
        for node in nodes { await node.swarm.shutdown() }
        return value
    } catch {
        for node in nodes { await node.swarm.shutdown() }
        throw error
    }
}

/// Asks again and again until the answer is yes; every question waits for an event loop's turn.
func eventually(
    _ what: String, within seconds: Int = 20, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw Trouble.notWithin(seconds: seconds, what: what)
        }
        await Task.yield()
    }
}

extension NotificationService {
    /// Waits for an event that `pick` takes.
    func event<Value>(_ pick: (NotificationEvent) -> Value?) async throws -> Value {
        while let event = await nextNotification() {
            if let value = pick(event) { return value }
        }
        throw Trouble.eventsEnded
    }

    /// Waits for a peer's stream; its handshake.
    func opened(_ peer: PeerID) async throws -> [UInt8] {
        try await event { event in
            if case .streamOpened(peer, let handshake) = event { handshake } else { nil }
        }
    }

    /// Waits for a notification of a peer.
    func notification(from peer: PeerID) async throws -> [UInt8] {
        try await event { event in
            if case .notification(peer, let bytes) = event { bytes } else { nil }
        }
    }
}

/// Test data that differs in every period of a frame size.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ ($0 >> 8) &* 13) }
}
