internal import BlockSync
internal import LibP2P
internal import Logging
internal import Networking
internal import Primitives
internal import SCALE
internal import Synchronization
internal import Validator
internal import VoteGossip

/// Connects the core's channels and requests to the swarm: handles on one side, peer ids on the
/// other.
final class NetworkBridge: Sendable {
    let swarm: Swarm
    let directory: PeerDirectory
    private let votes: NotificationService
    private let blocks: NotificationService
    private let transactions: NotificationService
    /// The votes' topic; nil without GossipSub.
    let topic: PubSubService?
    private let syncProtocol: String
    private let genesisHash: Hash256
    private let observer: EventObserver
    private let bans: BanBook
    /// Requests under way.
    private let requests = Mutex<[RequestID: Abandonable]>([:])
    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let jobContinuation: AsyncStream<@Sendable () async -> Void>.Continuation

    /// The protocols' names on a chain.
    struct Names: Sendable {
        static let votes = "/quantumharmony/coherence/1"
        /// The topic of GossipSub for the same messages.
        static let topic = votes
        let blocks: String
        let transactions: String
        let sync: String
        let kademlia: String

        init(genesisHash: Hash256, forkID: String?) {
            let names = ProtocolNames(genesis: genesisHash, forkID: forkID)
            blocks = names.name("block-announces", version: "1")
            transactions = names.name("transactions", version: "1")
            sync = names.name("sync", version: "2")
            kademlia = names.name("kad")
        }
    }

    init(
        swarm: Swarm, directory: PeerDirectory, votes: NotificationService,
        blocks: NotificationService, transactions: NotificationService, topic: PubSubService?,
        syncProtocol: String, genesisHash: Hash256, observer: EventObserver, bans: BanBook
    ) {
        self.swarm = swarm
        self.directory = directory
        self.votes = votes
        self.blocks = blocks
        self.transactions = transactions
        self.topic = topic
        self.syncProtocol = syncProtocol
        self.genesisHash = genesisHash
        self.observer = observer
        self.bans = bans
        (jobs, jobContinuation) = AsyncStream.makeStream(of: (@Sendable () async -> Void).self)
    }

    private func service(_ channel: Channel) -> NotificationService {
        switch channel {
        case .votes: votes
        case .blocks: blocks
        case .transactions: transactions
        }
    }

    // MARK: From the core

    func send(_ channel: Channel, to peers: [PeerHandle], _ message: OutboundMessage) {
        service(channel).sendSyncNotification(to: directory.peers(of: peers), message)
    }

    /// Publishes a message on the votes' topic.
    func publish(_ bytes: [UInt8]) {
        guard let topic else { return }
        guard bytes.count <= topic.registration.configuration.maximumMessageByteCount else {
            // A certificate of so many votes goes over the streams only.
            return observer.logger.debug("\(bytes.count) bytes are too many for the topic")
        }
        topic.publish(bytes, to: Names.topic)
    }

    /// Tells the topic's router what became of a message.
    func judge(_ message: TopicMessageID, _ verdict: GossipVerdict) {
        let result: PubSubVerdict =
            switch verdict {
            case .accept: .accept
            case .ignore: .ignore
            case .reject: .reject
            }
        topic?.answer(MessageID(message.bytes), result)
    }

    func setHandshake(_ channel: Channel, _ bytes: [UInt8]) {
        service(channel).setHandshake(bytes)
    }

    func disconnect(_ channel: Channel, _ peer: PeerHandle) {
        guard let peer = directory.peer(of: peer) else { return }
        service(channel).disconnect(peer)
    }

    func hangUp(_ peer: PeerHandle) {
        guard let peer = directory.peer(of: peer) else { return }
        swarm.disconnect(peer)
    }

    func ban(_ handle: PeerHandle, for duration: Duration) {
        guard let peer = directory.peer(of: handle) else { return }
        let (swarm, bans, observer) = (swarm, bans, observer)
        // Noted first: whoever sees the connection end finds the ban in the book.
        bans.add(peer, for: duration)
        swarm.ban(peer, for: duration)
        jobContinuation.yield {
            // It may have become reserved since the core was told that it is not.
            guard await !swarm.isReserved(peer) else { return await bans.remove(peer) }
            observer.banned(handle, for: duration)
            await bans.store(peer)
        }
    }

    /// Asks a peer for blocks; `completion` gets the answer, unless the request is abandoned.
    func request(
        _ id: RequestID, _ bytes: [UInt8], of handle: PeerHandle,
        completion: @escaping @Sendable (Result<[UInt8], SyncRequestFailure>) async -> Void
    ) {
        let peer = directory.peer(of: handle)
        let swarm = swarm
        let name = syncProtocol
        let asking = Abandonable()
        requests.withLock { $0[id] = asking }
        jobContinuation.yield {
            let result = await asking.run { () -> Result<[UInt8], SyncRequestFailure> in
                guard let peer else { return .failure(.disconnected) }
                do throws(RequestError) {
                    return .success(
                        try await swarm.request(peer, [name], bytes, limits: Self.requestLimits))
                } catch {
                    return .failure(Self.failure(error))
                }
            }
            self.requests.withLock { _ = $0.removeValue(forKey: id) }
            if let result { await completion(result) }
        }
    }

    /// Ends a request whose answer is not wanted any more: its stream is reset.
    func abandon(_ id: RequestID) {
        requests.withLock { $0.removeValue(forKey: id) }?.abandon()
    }

    /// A request for blocks is short, an answer has up to 16 MiB and 20 s (Substrate's sync/2).
    static let requestLimits = RequestLimits()

    private static func failure(_ error: RequestError) -> SyncRequestFailure {
        switch error {
        case .refused: .refused
        case .stream: .disconnected
        case .failed, .cancelled: .timedOut
        }
    }

    // MARK: To the core

    /// Feeds the host from the three channels and runs requests, until the swarm's end.
    func run(feeding host: ValidatorHost) async {
        await withDiscardingTaskGroup { group in
            for channel in Channel.allCases {
                group.addTask { await self.feed(channel, host) }
            }
            group.addTask { await self.feedTopic(host) }
            group.addTask {
                await withDiscardingTaskGroup { requests in
                    for await job in self.jobs { requests.addTask { await job() } }
                }
            }
        }
    }

    /// No more requests.
    func shutdown() { jobContinuation.finish() }

    /// Validators are pinged every second and redialled at once: that is what heals a partition fast.
    private func setPace(of peer: PeerID, _ handshake: [UInt8]) {
        let decoded = try? SCALEDecoder.decode(GossipHandshake.self, from: handshake)
        let isValidator = decoded?.role == .authority && decoded?.genesisHash == genesisHash
        swarm.setUrgent(peer, isValidator)
    }

    private func feedTopic(_ host: ValidatorHost) async {
        guard let topic else { return }
        while let event = await topic.nextEvent() {
            guard case .message(let delivery) = event else { continue }
            await host.submit(
                .topicMessage(
                    TopicMessage(
                        id: TopicMessageID(delivery.id.bytes), bytes: delivery.data,
                        source: directory.handle(of: delivery.source),
                        author: delivery.author.flatMap { directory.knownHandle(of: $0) })))
        }
    }

    private func feed(_ channel: Channel, _ host: ValidatorHost) async {
        let service = service(channel)
        while let event = await service.nextNotification() {
            let handle = directory.handle(of: event.peer)
            switch event {
            case .streamOpened(let peer, let handshake):
                directory.streamOpened(handle)
                if channel == .votes { setPace(of: peer, handshake) }
                let hints = PeerHints(
                    isReserved: await swarm.isReserved(peer),
                    earlierBans: bans.count(of: peer))
                await host.submit(.streamOpened(channel, handle, handshake: handshake, hints))
            case .streamClosed:
                await host.submit(.streamClosed(channel, handle))
                directory.streamClosed(handle)
            case .notification(_, let bytes):
                await host.submit(.notification(channel, handle, bytes))
            }
        }
    }
}
