import LibP2P
import Primitives

/// GossipSub: a frame, and a router whose peers send frames, come, go and fall silent.
enum GossipSubTargets {
    static let all = [rpc, router]

    static let topic = "/quantumharmony/coherence/1"

    static func peer(_ number: UInt8) throws -> PeerID { try PeerID(bytes: [0, 1, number]) }

    private static func sampleFrames() throws -> [GossipRPC] {
        let named = MessageID([UInt8](repeating: 9, count: 20))
        var hello = GossipRPC()
        hello.subscriptions = [.init(topic, isSubscribed: true)]
        hello.grafts = [topic]
        var plain = GossipRPC()
        plain.messages = [PubSubMessage(topic: topic, data: Array("a vote".utf8))]
        var signed = GossipRPC()
        signed.messages = [
            PubSubMessage(
                topic: topic, data: [UInt8](repeating: 7, count: 1_100), sequenceNumber: 5,
                identity: try IdentityTargets.identity())
        ]
        var control = GossipRPC()
        control.advertisements = [.init(topic, [named])]
        control.wanted = [named]
        control.unwanted = [named]
        control.prunes = [.init(topic, peers: [try peer(3)], backoffSeconds: 60)]
        return [hello, plain, signed, control]
    }

    static let rpc = FuzzTarget(
        "gossipsub-rpc", reads: "a frame of GossipSub", runs: 20_000, upTo: 8_192,
        samples: { try sampleFrames().map(\.protobuf) },
        check: { bytes throws(FuzzFinding) in
            guard let rpc = try? GossipRPC(protobuf: bytes) else { return .refused }
            let limits = GossipRPCLimits()
            let most = limits.maximumControlEntries
            let advertised = rpc.advertisements.reduce(0) { $0 + $1.messages.count }
            try Properties.require(
                rpc.subscriptions.count <= limits.maximumSubscriptions
                    && rpc.messages.count <= limits.maximumMessages
                    && rpc.advertisements.count <= most && rpc.grafts.count <= most
                    && rpc.prunes.count <= most && advertised <= limits.maximumMessageIDs
                    && rpc.wanted.count <= limits.maximumMessageIDs
                    && rpc.unwanted.count <= limits.maximumMessageIDs
                    && rpc.prunes.allSatisfy { $0.peers.count <= limits.maximumExchangedPeers },
                "above the limits")
            // What was passed over is not written, all the rest is.
            let written = rpc.protobuf
            guard let again = try? GossipRPC(protobuf: written) else {
                throw FuzzFinding("was read, and what is written of it is not")
            }
            try Properties.require(
                again.surplusCount == 0 && again.protobuf == written, "written twice differs")
            return rpc.isEmpty ? .refused : .accepted
        })

    static let router = FuzzTarget(
        "gossipsub", reads: "what peers of a GossipSub router do, and its application",
        runs: 4_000, upTo: 16_384, isScript: true,
        samples: {
            let frames = try sampleFrames().map(\.protobuf)
            let meeting: [Script.Step] = (0...2).flatMap { number in
                [.init(2, number), .init(3, number), .init(0, number, frames[0])]
            }
            let talk: [Script.Step] = [
                .init(0, 0, frames[1]), .init(5, 0), .init(4, 0, [1, 2, 3]), .init(6, 10),
                .init(0, 1, frames[3]), .init(0, 2, frames[2]), .init(5, 2), .init(6, 11),
                .init(8, 1), .init(9, 2), .init(1, 0, [0xFF]), .init(7, 1), .init(6, 200),
            ]
            // Without and with signatures.
            return [
                Script([.init(0)] + meeting + talk).bytes,
                Script([.init(1)] + meeting + talk).bytes,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            let steps = Script(parsing: bytes).steps
            guard let first = steps.first,
                var drive = try? RouterDrive(signs: first.operation % 2 == 1)
            else { return .refused }
            for step in steps.dropFirst() { try drive.perform(step) }
            return drive.router.counters.received > 0 ? .accepted : .refused
        })
}

/// A router with a few peers and the application above it.
struct RouterDrive {
    private(set) var router: GossipSubRouter
    private let configuration: GossipSubConfiguration
    private let peers: [PeerID]
    private var now = Instant.zero
    private var timer: Instant?
    /// What the router waits for a verdict on.
    private var open: [MessageID] = []
    private var connected: Set<PeerID> = []
    /// Who refuses this node's stream. To other connected peers there is a queue, even while the
    /// stream is being opened.
    private var closed: Set<PeerID> = []

    init(signs: Bool) throws {
        var configuration = GossipSubConfiguration()
        configuration.maximumPeers = 4
        configuration.maximumSeen = 64
        configuration.maximumCached = 16
        configuration.maximumPending = 6
        configuration.maximumPendingPerPeer = 3
        configuration.maximumOpenRequests = 8
        configuration.maximumMessageByteCount = 4_096
        configuration.exchangesPeers = signs
        self.configuration = configuration
        peers = try (UInt8(0)...5).map { try GossipSubTargets.peer($0) }
        router = GossipSubRouter(
            signing: signs
                ? .strictSign(try IdentityTargets.identity(), firstSequenceNumber: 1)
                : .strictNoSign,
            configuration: configuration, seed: 1)
        _ = router.handle(.subscribe(GossipSubTargets.topic), now: now)
    }

    mutating func perform(_ step: Script.Step) throws(FuzzFinding) {
        let peer = peers[Int(step.operand) % peers.count]
        let variant = step.operand / 16
        switch step.operation % 12 {
        case 0, 1:
            if let rpc = try? GossipRPC(protobuf: step.payload) {
                try give(.received(peer, rpc))
            } else {
                try give(.malformed(peer))
            }
        case 2:
            guard connected.insert(peer).inserted else { return }
            closed.remove(peer)
            try give(
                .connected(peer, isOutbound: variant % 2 == 1, network: variant > 7 ? [10] : nil))
        case 3:
            closed.remove(peer)
            try give(.streamOpened(peer, variant % 2 == 0 ? .v1_2 : .v1_1))
        case 4: try give(.publish(topic: GossipSubTargets.topic, step.payload))
        case 5:
            guard !open.isEmpty else { return }
            let verdicts: [PubSubVerdict] = [.accept, .ignore, .reject]
            try give(.validated(open.removeFirst(), verdicts[Int(step.operand) % 3]))
        case 6:
            now = now + .milliseconds(Int64(step.operand) * 100)
            if let timer, timer <= now { try give(.timer) }
        case 7:
            let isWanted = step.operand % 2 == 0
            try give(
                isWanted
                    ? .subscribe(GossipSubTargets.topic) : .unsubscribe(GossipSubTargets.topic))
        case 8:
            connected.remove(peer)
            try give(.disconnected(peer))
        case 9:
            let isRefused = variant % 2 == 0
            if isRefused { closed.insert(peer) } else { closed.remove(peer) }
            try give(isRefused ? .streamClosed(peer) : .streamOpening(peer))
        case 10: try give(.setDirect(peer, variant % 2 == 0))
        default: try give(.setApplicationScore(peer, Double(step.operand) - 128))
        }
    }

    private func isReachable(_ peer: PeerID) -> Bool {
        connected.contains(peer) && !closed.contains(peer)
    }

    private mutating func give(_ input: GossipSubRouter.Input) throws(FuzzFinding) {
        for effect in router.handle(input, now: now) {
            switch effect {
            case .send(let peer, let rpc):
                try Properties.require(isReachable(peer), "sent to \(peer), without a stream")
                let read = try? GossipRPC(protobuf: rpc.protobuf)
                try Properties.require(read == rpc, "no peer reads what is sent: \(rpc)")
            case .validate(let delivery):
                try Properties.require(
                    !open.contains(delivery.id)
                        && delivery.data.count <= configuration.maximumMessageByteCount,
                    "given for a verdict: \(delivery)")
                open.append(delivery.id)
            case .setTimer(let time):
                try Properties.require(time > now, "a timer for \(time) at \(now)")
                timer = time
            case .withdraw, .published, .publishFailed, .subscriptionChanged, .connect: continue
            }
        }
        // What was not judged in time is no longer waited for.
        if router.pendingCount < open.count { open.removeFirst(open.count - router.pendingCount) }
        try requireBounds()
    }

    private func requireBounds() throws(FuzzFinding) {
        try Properties.require(
            router.peerCount <= configuration.maximumPeers
                && router.pendingCount <= configuration.maximumPending
                && router.seenCount <= configuration.maximumSeen
                && router.cachedCount <= configuration.maximumCached,
            "\(router.peerCount) peers, \(router.pendingCount) pending, \(router.seenCount) seen, "
                + "\(router.cachedCount) cached")
        let mesh = router.mesh(of: GossipSubTargets.topic)
        try Properties.require(
            mesh.allSatisfy(isReachable) && Set(mesh).count == mesh.count,
            "in the mesh: \(mesh)")
    }
}
