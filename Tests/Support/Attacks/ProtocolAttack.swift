package import LibP2P
internal import Networking
internal import Primitives

/// What peers may do that speak a node's protocols: each a program that goes on until it is told to
/// stop. Whoever is cut off comes back as somebody else.
package enum ProtocolAttack: String, CaseIterable, Sendable {
    case graftSpam = "GRAFT spam"
    case advertisementSpam = "IHAVE spam"
    case requestSpam = "IWANT spam"
    case disinterestSpam = "IDONTWANT spam"
    case poisonedRouting = "poisoned DHT"
    case spoofedMulticast = "spoofed multicast answers"

    private static let topic = "/quantumharmony/coherence/1"

    /// Attacks until `isOver`.
    ///
    /// - Parameters:
    ///   - target: where the node listens, with its peer id.
    ///   - kademlia: the protocol of the chain's DHT.
    /// - Returns: how many messages with junk it sent.
    package func run(
        at target: Multiaddr, kademlia: String, seed: UInt64, isOver: @escaping @Sendable () -> Bool
    ) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        if self == .spoofedMulticast {
            let spoofing = try MulticastSpoofing(random: random)
            return try await onThread {
                var spoofing = spoofing
                var count = 0
                while !isOver() { count += spoofing.step() }
                return count
            }
        }
        var count = 0
        while !isOver() {
            let swarm = try Junk.swarm(&random)
            if self == .poisonedRouting {
                count += await poison(target, kademlia, swarm, &random, isOver)
            } else {
                count += await spam(target, swarm, &random, isOver)
            }
            await swarm.shutdown()
        }
        return count
    }

    // MARK: GossipSub's control messages

    /// Spams until the node has had enough.
    private func spam(
        _ target: Multiaddr, _ swarm: Swarm, _ random: inout SeededGenerator,
        _ isOver: @Sendable () -> Bool
    ) async -> Int {
        var count = 0
        do {
            try await swarm.start()
            let peer = try await swarm.connect(to: target)
            let stream = try await swarm.openStream(peer, ["/meshsub/1.2.0"])
            var greeting = GossipRPC()
            greeting.subscriptions = [.init(Self.topic, isSubscribed: true)]
            try await stream.write(greeting.framed)
            while !isOver() {
                try await stream.write(controls(&random).framed)
                count += 1
            }
        } catch {
            // Cut off, or not let in.
        }
        return count
    }

    /// As much as one frame may hold, and more.
    private func controls(_ random: inout SeededGenerator) -> GossipRPC {
        var frame = GossipRPC()
        switch self {
        case .graftSpam:
            frame.grafts = [Self.topic]
            frame.grafts += (0..<80).map { _ in
                "/junk/\(UInt64.random(in: 0 ... .max, using: &random))"
            }
        case .advertisementSpam:
            frame.advertisements = [.init(Self.topic, Junk.names(5_000, &random))]
        case .requestSpam: frame.wanted = Junk.names(5_000, &random)
        case .disinterestSpam: frame.unwanted = Junk.names(5_000, &random)
        case .poisonedRouting, .spoofedMulticast: break
        }
        return frame
    }

    // MARK: The DHT

    /// Is a member of the DHT for two seconds that knows nobody but peers which do not exist.
    private func poison(
        _ target: Multiaddr, _ name: String, _ swarm: Swarm, _ random: inout SeededGenerator,
        _ isOver: @Sendable () -> Bool
    ) async -> Int {
        let answer = Junk.answer(&random)
        let sent = Counter()
        swarm.register(streams: name) { stream in
            var decoder = LengthPrefixedDecoder(maximumByteCount: 4_096)
            do {
                while let bytes = try await stream.read() {
                    decoder.receive(bytes)
                    while try decoder.nextFrame() != nil {
                        try await stream.write(answer)
                        sent.add(1)
                    }
                }
            } catch {
                // The node has enough of it.
            }
        }
        do {
            try await swarm.start()
            _ = try await swarm.connect(to: target)
            let end = ContinuousClock.now + .seconds(2)
            while !isOver(), ContinuousClock.now < end, await swarm.snapshot().peers.count > 0 {
                await Task.yield()
            }
        } catch {
            // Not let in.
        }
        return sent.value
    }
}

/// Identities, names and addresses that mean nothing.
enum Junk {
    static func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// Message names of the length that a signed message's has.
    static func names(_ count: Int, _ random: inout SeededGenerator) -> [MessageID] {
        (0..<count).map { _ in MessageID(bytes(46, &random)) }
    }

    static func identity(_ random: inout SeededGenerator) throws -> NodeIdentity {
        guard let identity = NodeIdentity(seed: bytes(32, &random)) else {
            throw TestFailure("32 bytes are a key")
        }
        return identity
    }

    /// A swarm of somebody new, who can be dialled: others are no members of a DHT.
    static func swarm(_ random: inout SeededGenerator) throws -> Swarm {
        var configuration = NetworkConfiguration(identity: try identity(&random))
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        return Swarm(configuration: configuration)
    }

    /// An address where nobody is.
    static func address(_ random: inout SeededGenerator) throws -> Multiaddr {
        let host = (0..<3).map { _ in String(UInt8.random(in: 1...250, using: &random)) }
        return try Multiaddr("/ip4/127.\(host.joined(separator: "."))/tcp/9")
    }

    /// Twenty peers that do not exist, as the answer to any search.
    static func answer(_ random: inout SeededGenerator) -> [UInt8] {
        let peers = (0..<20).compactMap { _ -> KademliaPeer? in
            guard let id = try? identity(&random).peerID, let address = try? address(&random) else {
                return nil
            }
            return KademliaPeer(id: id, addresses: [address], connection: .connected)
        }
        var frame: [UInt8] = []
        UnsignedVarint.appendLengthPrefixed(
            KademliaMessage(.findNode, closerPeers: peers).protobuf, to: &frame)
        return frame
    }
}
