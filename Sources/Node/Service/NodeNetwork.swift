internal import BlockSync
internal import LibP2P
internal import Networking
internal import Primitives
internal import VoteGossip
internal import Chain

/// The swarm of a node with its protocols registered.
struct NodeNetwork: Sendable {
    let swarm: Swarm
    let votes: NotificationService
    let blocks: NotificationService
    let transactions: NotificationService
    /// The votes' topic; nil without GossipSub.
    let topic: PubSubService?
    let names: NetworkBridge.Names
    private let bootnodes: [Multiaddr]
    private let configuration: NodeConfiguration

    init(_ preparation: NodePreparation) {
        configuration = preparation.configuration
        bootnodes = preparation.bootnodes
        names = NetworkBridge.Names(
            genesisHash: preparation.chain.genesisHash,
            forkID: preparation.chain.parameters.forkID)
        var settings = NetworkConfiguration(identity: preparation.identity)
        settings.listenAddresses = configuration.listenAddresses
        settings.publicAddresses = configuration.publicAddresses
        settings.announcesListenAddresses = !configuration.announcesPublicAddressesOnly
        settings.kademlia = KademliaSettings(names: [names.kademlia])
        settings.multicast = Self.usesMulticast(configuration) ? MulticastSettings() : nil
        settings.requiredProtocol = names.blocks
        settings.limits.inboundSlots = configuration.inboundPeerSlots
        settings.limits.outboundSlots = configuration.outboundPeerSlots
        settings.reservedOnly = configuration.reservedOnly
        settings.security =
            configuration.requirePostQuantumTransport ? .requireHybrid : .preferHybrid
        settings.agentVersion =
            "\(NodeVersion.implementation)/v\(NodeVersion.text) (\(configuration.name))"
        swarm = Swarm(configuration: settings)
        let validatorCount = preparation.set.count
        let gossip = GossipConfiguration()
        var registration = NotificationRegistration(
            name: NetworkBridge.Names.votes, handshake: [],
            makeQueue: {
                VoteOutboundQueue(
                    maximumByteCount: gossip.queueByteBudget(validatorCount: validatorCount))
            })
        registration.priority = .urgent
        votes = swarm.register(registration)
        blocks = swarm.register(
            NotificationRegistration(name: names.blocks, handshake: []))
        transactions = swarm.register(
            NotificationRegistration(name: names.transactions, handshake: [1]))
        topic = Self.registerTopic(swarm, preparation)
    }

    /// Whether the local network is asked for peers: a node that listens on loopback alone could
    /// not be dialled from there.
    private static func usesMulticast(_ configuration: NodeConfiguration) -> Bool {
        configuration.usesMulticastDNS
            ?? configuration.listenAddresses.contains { $0.scope != .host }
    }

    /// Takes part in the votes' topic, if that was asked for.
    private static func registerTopic(
        _ swarm: Swarm, _ preparation: NodePreparation
    ) -> PubSubService? {
        guard preparation.configuration.gossip != .notifications else { return nil }
        // Sequence numbers rise from run to run as the clock does: a message takes far more than
        // the nanosecond that it is given.
        var registration = PubSubRegistration(
            signing: .strictSign(
                preparation.identity,
                firstSequenceNumber: NodeClock.unixMilliseconds() &* 1_000_000))
        registration.configuration.knownTopics = [NetworkBridge.Names.topic]
        registration.priority = .urgent
        let topic = swarm.register(registration)
        topic.subscribe(NetworkBridge.Names.topic)
        return topic
    }

    /// Answers requests for blocks.
    func serve(_ answer: @escaping @Sendable (PeerID, [UInt8]) async -> [UInt8]?) {
        var requests = RequestProtocol(name: names.sync)
        requests.limits = NetworkBridge.requestLimits
        swarm.register(requests, handler: answer)
    }

    /// Opens the ports and begins to dial.
    func listen() async throws {
        do {
            try await swarm.start()
        } catch {
            throw NodeError.listen(Self.text(error))
        }
        for address in bootnodes { swarm.addBootnode(address) }
        for address in configuration.reservedNodes {
            guard let peer = address.peerID else { continue }
            swarm.addReserved(peer, addresses: [address])
        }
    }

    private static func text(_ error: ListenError) -> String {
        switch error {
        case .unsupportedAddress(let address):
            "cannot listen for peers on \(address): it is no IP address with a TCP port. Give "
                + "--listen-addr /ip4/.../tcp/..."
        case .cannotBind(let address, let reason):
            "cannot listen for peers on \(address): \(reason). Stop the process that listens there, "
                + "or choose another port with --port or --listen-addr."
        case .alreadyStarted: "the network was started before"
        }
    }
}
