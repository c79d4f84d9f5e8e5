package import LibP2P
internal import Primitives

/// The DHT of a swarm, as its owner wants it.
package struct KademliaSettings: Sendable {
    /// The protocol's name, and others under which the same protocol is spoken.
    package var names: [String]
    /// Sizes, pauses and limits.
    package var configuration: KademliaConfiguration

    package init(names: [String], configuration: KademliaConfiguration = KademliaConfiguration()) {
        precondition(!names.isEmpty)
        self.names = names
        self.configuration = configuration
    }
}

/// Runs a `Kademlia` on a swarm's event loop: gives it what happens and does what it decides.
final class KademliaDriver {
    typealias SearchCompletion = ([KademliaPeer]?) -> Void

    /// Addresses at which a peer is tried for one question.
    private static let dialedAddresses = 2

    let settings: KademliaSettings
    private let swarm: SwarmLoop
    private let driver: MachineDriver<Kademlia.Input>
    private var machine: Kademlia
    private var responders: [UInt64: KademliaResponder] = [:]
    private var searches: [UInt64: SearchCompletion] = [:]
    /// Questions that wait for a connection.
    private var waiting: [PeerID: [(KademliaRequestID, [UInt8])]] = [:]
    /// Questions under way to each peer: a connection made for one may serve others.
    private var questions: [PeerID: Int] = [:]
    /// Peers that were connected for a question.
    private var borrowed: Set<PeerID> = []
    private var nextNumber: UInt64 = 0
    private var wantsPeers = true

    init(_ settings: KademliaSettings, swarm: SwarmLoop) {
        self.settings = settings
        self.swarm = swarm
        driver = MachineDriver(swarm: swarm)
        machine = Kademlia(
            localPeer: swarm.localPeer, configuration: settings.configuration,
            seed: UInt64.random(in: .min ... .max, using: &swarm.generator))
    }

    /// Peers in the routing table.
    var peerCount: Int { machine.peerCount }

    // MARK: What happens

    func start() { handle(.start) }

    func addBootnode(_ address: Multiaddr, of peer: PeerID) {
        handle(.bootnode(peer, [address]))
    }

    /// A peer of a connection said who it is.
    func identified(_ connection: Connection, _ information: PeerInformation) {
        handle(
            .identified(
                connection.peer, addresses: information.listenAddresses,
                speaksProtocol: settings.names.contains { information.protocols.contains($0) },
                connection: connection.address))
    }

    func disconnected(_ peer: PeerID) { handle(.disconnected(peer)) }

    /// Whether the swarm has room for more peers.
    func setWantsPeers(_ wantsPeers: Bool) {
        guard wantsPeers != self.wantsPeers else { return }
        self.wantsPeers = wantsPeers
        handle(.wantsPeers(wantsPeers))
    }

    /// A peer asks; the responder is answered soon.
    func request(_ bytes: [UInt8], on connection: Connection, from responder: KademliaResponder) {
        nextNumber += 1
        responders[nextNumber] = responder
        let id = KademliaRequestID.inbound(nextNumber)
        handle(.request(id, connection.peer, connection: connection.address, bytes))
    }

    /// Looks for the peers closest to a key; nil when too many searches are under way.
    func search(_ target: [UInt8], completion: @escaping SearchCompletion) {
        nextNumber += 1
        searches[nextNumber] = completion
        handle(.search(KademliaSearchID(nextNumber), target: target))
    }

    func stop() {
        driver.stop()
        for number in searches.keys.sorted() { searches[number]?(nil) }
        (searches, responders, waiting) = ([:], [:], [:])
    }

    // MARK: What is to be done

    private func handle(_ input: Kademlia.Input) {
        driver.handle(input) { input in
            var hasHeard = false
            for effect in machine.handle(input, now: swarm.now) {
                perform(effect)
                if case .heardOf = effect { hasHeard = true }
            }
            // Only now: who is asked at once is dialled for that, and not a second time.
            if hasHeard { swarm.runDials() }
        }
    }

    private func perform(_ effect: Kademlia.Effect) {
        switch effect {
        case .ask(let request, let peer, let addresses, let bytes):
            ask(request, of: peer, at: addresses.prefix(Self.dialedAddresses), bytes)
        case .answer(.inbound(let number), let bytes):
            responders.removeValue(forKey: number)?.answer(bytes)
        case .refuse(.inbound(let number)): responders.removeValue(forKey: number)?.refuse()
        case .answer(.outbound, _), .refuse(.outbound): break
        case .found(let search, let peers):
            searches.removeValue(forKey: search.rawValue)?(peers)
        case .refuseSearch(let search): searches.removeValue(forKey: search.rawValue)?(nil)
        case .heardOf(let peer, let addresses): swarm.peerSet.hear(addresses, of: peer)
        case .misbehaved(let peer, let error):
            swarm.emit(
                .reported(
                    peer, protocolName: settings.names[0],
                    ReputationChange(value: -256, reason: "no answer of the DHT: \(error)")))
        case .setTimer(let instant): driver.setTimer(instant) { self.handle(.timer) }
        }
    }

    /// Asks a peer, and connects to it first when it is not connected.
    private func ask(
        _ request: KademliaRequestID, of peer: PeerID, at addresses: ArraySlice<Multiaddr>,
        _ bytes: [UInt8]
    ) {
        if swarm.connectionsByPeer[peer] != nil { return send(request, to: peer, bytes) }
        // One dial for all who want to ask.
        let isDialing = waiting[peer] != nil
        waiting[peer, default: []].append((request, bytes))
        if !isDialing { connect(to: peer, at: addresses) }
    }

    private func connect(to peer: PeerID, at addresses: ArraySlice<Multiaddr>) {
        guard let address = addresses.first.flatMap({ try? $0.appending(peer) }) else {
            for (request, _) in waiting.removeValue(forKey: peer) ?? [] {
                handle(.failed(request))
            }
            return
        }
        let trustsName = swarm.peerSet.isConfigured(address, of: peer)
        swarm.connect(to: address, trustsName: trustsName) { result in
            switch result {
            case .success:
                self.borrowed.insert(peer)
                for (request, bytes) in self.waiting.removeValue(forKey: peer) ?? [] {
                    self.send(request, to: peer, bytes)
                }
            case .failure: self.connect(to: peer, at: addresses.dropFirst())
            }
        }
    }

    /// Asks a connected peer. A connection that was made for questions goes after the last of them,
    /// unless a slot is free for it.
    private func send(
        _ request: KademliaRequestID, to peer: PeerID, _ bytes: [UInt8], isRepeated: Bool = false
    ) {
        questions[peer, default: 0] += 1
        let limits = RequestLimits(
            maximumRequestByteCount: KademliaMessageLimits.sent,
            maximumResponseByteCount: KademliaMessageLimits.received,
            timeout: settings.configuration.requestTimeout)
        let sender = RequestSender { result in
            let connection = self.swarm.connectionsByPeer[peer]?.first
            switch (result, connection) {
            case (.success(let answer), let connection?):
                self.handle(.answered(request, connection: connection.address, answer))
            case (.failure(.stream(.connectionLost)), .some) where !isRepeated:
                // Of two connections made at one time one goes; the other carries the question.
                self.send(request, to: peer, bytes, isRepeated: true)
            default: self.handle(.failed(request))
            }
            self.questionEnded(to: peer)
        }
        sender.start(bytes, limits, to: peer, settings.names, in: swarm)
    }

    private func questionEnded(to peer: PeerID) {
        let count = questions[peer, default: 1] - 1
        questions[peer] = count > 0 ? count : nil
        if count == 0, borrowed.remove(peer) != nil { swarm.releaseBeyondSlots(peer) }
    }
}

/// Answers the requests on one stream, one after the other, until the peer ends it: some
/// implementations keep a stream for several.
final class KademliaResponder: StreamHandler {
    private let driver: KademliaDriver
    private var decoder = LengthPrefixedDecoder(maximumByteCount: KademliaMessageLimits.received)
    private var stream: ConnectionStream?
    private var hasEnded = false

    init(driver: KademliaDriver) { self.driver = driver }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        self.stream = stream
        extendDeadline()
    }

    private func extendDeadline() {
        guard let stream else { return }
        stream.deadline =
            stream.connection.swarm.now + driver.settings.configuration.requestTimeout
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        decoder.receive(bytes)
        serve()
    }

    func streamHasRoom(_ stream: ConnectionStream) { serve() }

    func streamEnded(_ stream: ConnectionStream) {
        hasEnded = true
        serve()
    }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) { self.stream = nil }

    /// Answers what has arrived, as fast as the peer takes the answers.
    private func serve() {
        while let stream, stream.hasRoom {
            do {
                guard let frame = try decoder.nextFrame() else { break }
                driver.request(frame, on: stream.connection, from: self)
            } catch {
                return stream.reset()
            }
        }
        guard let stream else { return }
        // Whoever sends on without reading gets no more credit.
        if decoder.bufferedByteCount <= KademliaMessageLimits.received {
            stream.consumed(stream.unconsumedByteCount)
        }
        if hasEnded, stream.hasRoom { stream.finish() }
    }

    func answer(_ bytes: [UInt8]) {
        var frame: [UInt8] = []
        UnsignedVarint.appendLengthPrefixed(bytes, to: &frame)
        stream?.send(frame)
        extendDeadline()
    }

    func refuse() { stream?.reset() }
}
