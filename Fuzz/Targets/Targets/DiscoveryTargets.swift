import LibP2P
import Primitives

/// What finds peers: messages of DNS and of the DHT, and the machines that read them.
enum DiscoveryTargets {
    static let all = [dnsMessage, mdns, kademliaMessage, kademlia]

    private static let source = IPv4Address(rawValue: 0xC0A8_0107)
    private static let network = IPv4Network(
        address: IPv4Address(rawValue: 0xC0A8_0102), prefixLength: 24)

    private static func peer(_ number: UInt8) throws -> PeerID {
        try PeerID(bytes: [0, 1, number])
    }

    private static func address(_ number: UInt8) throws -> Multiaddr {
        try Multiaddr("/ip4/192.168.1.\(number)/tcp/30333")
    }

    // MARK: DNS

    private static func discovery(_ number: UInt8) throws -> MulticastDiscovery {
        var machine = MulticastDiscovery(localPeer: try peer(number), seed: 1, now: .zero)
        _ = machine.handle(.setNetworks([network]), now: .zero)
        _ = machine.handle(.setAddresses([try address(number)]), now: .zero)
        return machine
    }

    /// A question, an answer, and an answer whose names lead to each other.
    private static func dnsSamples() throws -> [[UInt8]] {
        let neighbour = try discovery(9)
        guard let answer = neighbour.answer else { throw FuzzFinding("no answer") }
        let service = Array("\u{4}_p2p\u{4}_udp\u{5}local\0".utf8)
        let text = Array("dnsaddr=\(try address(9).appending(try peer(9)))".utf8)
        let pointer: [UInt8] = [0xC0, 12]
        let rest: [UInt8] = [0, 0, 0, 120]
        // The target of the PTR record stands at 12 + 17 + 10 = 39.
        let compressed: [UInt8] =
            [0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 1] + service + [0, 12, 0, 1] + rest
            + [0, 4, 1, 97] + pointer + [0xC0, 39, 0, 16, 0, 1] + rest
            + [0, UInt8(text.count + 1), UInt8(text.count)] + text
        return [MulticastDiscovery.question.bytes, answer.bytes, compressed]
    }

    static let dnsMessage = FuzzTarget(
        "dns-message", reads: "a DNS message", runs: 20_000, upTo: 9_100,
        samples: { try dnsSamples() },
        check: { bytes throws(FuzzFinding) in
            guard let message = try? DNSMessage(bytes: bytes) else { return .refused }
            let records = message.answers + message.authorities + message.additionals
            try Properties.require(
                bytes.count <= DNSMessage.maximumByteCount
                    && message.questions.count <= DNSMessage.maximumQuestions
                    && records.count <= DNSMessage.maximumRecords, "above the limits")
            // Written without pointers it may have become too long to be read.
            let written = message.bytes
            guard written.count <= DNSMessage.maximumByteCount else { return .accepted }
            let again = try? DNSMessage(bytes: written)
            try Properties.require(again == message, "written and read is another message")
            return .accepted
        })

    static let mdns = FuzzTarget(
        "mdns", reads: "a packet of multicast DNS, with what comes of it", runs: 20_000,
        upTo: 9_100,
        samples: { try dnsSamples() },
        check: { bytes throws(FuzzFinding) in
            guard var machine = try? discovery(1) else { throw FuzzFinding("no machine") }
            let effects = machine.handle(.received(bytes, from: source), now: .zero)
            var outcome = FuzzOutcome.refused
            for effect in effects {
                switch effect {
                case .found(let peer, let addresses):
                    outcome = .accepted
                    try Properties.require(
                        peer.bytes != [0, 1, 1] && (1...8).contains(addresses.count),
                        "\(peer) found at \(addresses.count) addresses")
                    try Properties.require(
                        addresses.allSatisfy { $0.peerID == nil && isNear($0) },
                        "\(peer) found at \(addresses)")
                case .setTimer(let time):
                    outcome = .accepted
                    try Properties.require(
                        time <= Instant.zero + .milliseconds(120), "an answer at \(time)")
                case .send: throw FuzzFinding("an answer without a pause")
                }
            }
            let foreign = IPv4Address(rawValue: 0x0808_0808)
            let elsewhere = machine.handle(.received(bytes, from: foreign), now: .zero)
            try Properties.require(elsewhere.isEmpty, "a stranger is heard")
            return outcome
        })

    private static func isNear(_ address: Multiaddr) -> Bool {
        switch address.tcpEndpoint?.host {
        case .ip4(let host): network.contains(host)
        case .ip6(let host, _): host.scope == .site
        default: false
        }
    }

    // MARK: The DHT

    private static func kademliaSamples() throws -> [[UInt8]] {
        let told = try (UInt8(2)...5).map { number in
            KademliaPeer(
                id: try peer(number), addresses: [try address(number), try address(number + 1)],
                connection: .canConnect)
        }
        let key = try peer(7).bytes
        return [
            KademliaMessage(.findNode, key: key).protobuf,
            KademliaMessage(.findNode, closerPeers: told).protobuf,
            KademliaMessage(.getProviders, key: key, closerPeers: [told[0]], providerPeers: told)
                .protobuf,
            KademliaMessage(.putValue, key: key).protobuf,
        ]
    }

    static let kademliaMessage = FuzzTarget(
        "kademlia-message", reads: "a message of the DHT", runs: 20_000, upTo: 4_096,
        samples: { try kademliaSamples() },
        check: { bytes throws(FuzzFinding) in
            guard let message = try? KademliaMessage(protobuf: bytes) else { return .refused }
            let peers = message.closerPeers + message.providerPeers
            try Properties.require(
                message.key.count <= KademliaMessageLimits.key
                    && message.closerPeers.count <= KademliaMessageLimits.peers
                    && message.providerPeers.count <= KademliaMessageLimits.peers
                    && peers.allSatisfy {
                        $0.addresses.count <= KademliaMessageLimits.addresses
                    }, "above the limits")
            return try Properties.roundTrip(
                bytes, decode: { try? KademliaMessage(protobuf: $0) }, encode: \.protobuf)
        })

    static let kademlia = FuzzTarget(
        "kademlia", reads: "a request of the DHT, and an answer to a search", runs: 10_000,
        upTo: 4_096,
        samples: {
            let samples = try kademliaSamples()
            return [[0] + samples[0], [0] + samples[2], [1] + samples[1]]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first, let asked = try? peer(2), let member = try? address(2)
            else { return .refused }
            guard let own = try? peer(1) else { throw FuzzFinding("no peer") }
            var machine = Kademlia(localPeer: own, seed: 1)
            _ = machine.handle(
                .identified(
                    asked, addresses: [member], speaksProtocol: true, connection: member),
                now: .zero)
            let message = Array(bytes.dropFirst())
            if form % 2 == 0 {
                return try serve(&machine, message, from: asked, at: member)
            }
            return try learn(&machine, message, from: member)
        })

    private static func serve(
        _ machine: inout Kademlia, _ message: [UInt8], from peer: PeerID, at address: Multiaddr
    ) throws(FuzzFinding) -> FuzzOutcome {
        let effects = machine.handle(
            .request(.inbound(1), peer, connection: address, message), now: .zero)
        guard let effect = effects.first, effects.count == 1 else {
            throw FuzzFinding("a request causes \(effects)")
        }
        switch effect {
        case .refuse(.inbound(1)): return .refused
        case .answer(.inbound(1), let answer):
            try Properties.require(
                answer.count <= KademliaMessageLimits.sent
                    && (try? KademliaMessage(protobuf: answer)) != nil, "no readable answer")
            return .accepted
        default: throw FuzzFinding("a request causes \(effect)")
        }
    }

    private static func learn(
        _ machine: inout Kademlia, _ message: [UInt8], from address: Multiaddr
    ) throws(FuzzFinding) -> FuzzOutcome {
        let search = machine.handle(
            .search(KademliaSearchID(1), target: [7]), now: .zero)
        guard case .ask(let request, _, _, _)? = search.first else {
            throw FuzzFinding("a search begins with \(search)")
        }
        let effects = machine.handle(
            .answered(request, connection: address, message), now: .zero)
        var heard = 0
        for effect in effects {
            switch effect {
            case .heardOf(let peer, let addresses):
                heard += 1
                try Properties.require(
                    (1...8).contains(addresses.count)
                        && addresses.allSatisfy { $0.peerID == nil && $0.hasLiteralHost },
                    "\(peer) heard of at \(addresses)")
            case .ask, .found, .misbehaved, .setTimer: continue
            case .answer, .refuse, .refuseSearch: throw FuzzFinding("an answer causes \(effect)")
            }
        }
        try Properties.require(
            heard <= 20 && machine.peerCount <= 1, "\(heard) peers heard of by one answer")
        return heard > 0 ? .accepted : .refused
    }
}
