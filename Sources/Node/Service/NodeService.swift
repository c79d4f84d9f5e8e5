import Foundation
internal import BlockSync
internal import Chain
internal import Coherence
internal import Dashboard
internal import LibP2P
internal import Logging
internal import Networking
internal import NIOCore
internal import NIOPosix
internal import Primitives
internal import RPC
internal import Storage
internal import Synchronization
internal import Validator
internal import VoteGossip

/// A running node: the validator core with its arms, the network and JSON-RPC.
final class NodeService: Sendable {
    let preparation: NodePreparation
    let host: ValidatorHost
    let network: NetworkBridge
    private let rpc: RPCServer
    /// Serves metrics; nil without.
    private let metrics: RPCServer?
    private let pool: WorkPool
    private let bans: BanBook
    private let addresses: AddressBook
    private let meter: QuantumMeter?
    private let pruning: Pruning
    private let clock: SlotClock
    private let failures: AsyncStream<any Error>
    private let logger = Logger(label: "node")

    /// The address that JSON-RPC is served on.
    var rpcAddress: String { "\(rpc.boundAddress)" }

    /// The address that metrics are served on; nil: they are not.
    var metricsAddress: String? { metrics.map { "\($0.boundAddress)" } }

    /// The dashboard's address; nil: it is not served.
    var dashboardAddress: String? {
        guard preparation.configuration.servesDashboard, rpc.servesOperator else { return nil }
        return rpcAddress + DashboardPages.path
    }

    /// Wires everything and opens the ports.
    static func start(_ preparation: NodePreparation) async throws -> NodeService {
        let network = NodeNetwork(preparation)
        do {
            let service = try await NodeService(preparation, network: network)
            await service.begin()
            do {
                try await network.listen()
                for peer in preparation.configuration.reservedNodes.compactMap(\.peerID) {
                    await service.bans.remove(peer)
                }
                try await service.addresses.restore(into: network.swarm)
            } catch {
                await service.rpc.shutdown()
                await service.metrics?.shutdown()
                throw error
            }
            return service
        } catch {
            await network.swarm.shutdown()
            throw error
        }
    }

    private init(_ preparation: NodePreparation, network parts: NodeNetwork) async throws {
        self.preparation = preparation
        let recorder = MetricsRecorder(constants: preparation.chain.parameters.constants)
        let storage = StorageBridge(preparation.store, metrics: recorder)
        pruning = Pruning(storage)
        let verifier = FalconVerifier()
        clock = SlotClock(constants: preparation.chain.parameters.constants)
        let directory = PeerDirectory()
        let observer = EventObserver(
            directory: directory, names: preparation.validatorNames, metrics: recorder)
        bans = BanBook(storage: storage)
        addresses = AddressBook(storage: storage)
        network = NetworkBridge(
            swarm: parts.swarm, directory: directory, votes: parts.votes, blocks: parts.blocks,
            transactions: parts.transactions, topic: parts.topic, syncProtocol: parts.names.sync,
            genesisHash: preparation.chain.genesisHash, observer: observer, bans: bans)
        pool = WorkPool(workerCount: max(1, ProcessInfo.processInfo.activeProcessorCount - 1))
        let core = try Self.makeCore(preparation, clock: clock, verifier: verifier)
        let feed = SubscriptionFeed(
            addressPrefix: preparation.description.addressPrefix, timings: observer.timings)
        let (failures, report) = AsyncStream.makeStream(of: (any Error).self)
        self.failures = failures
        let host = ValidatorHost(
            core: core,
            arms: ValidatorHost.Arms(
                store: storage, network: network, verifier: verifier, pool: pool,
                timers: TimerTable(eventLoop: MultiThreadedEventLoopGroup.singleton.next()),
                observer: observer, feed: feed,
                tampering: preparation.configuration.voteTampering),
            signers: preparation.signers, onFailure: { report.yield($0) })
        self.host = host
        meter = try Self.makeMeter(preparation)
        parts.serve { [network] peer, bytes in
            await host.answer(bytes, from: network.directory.handle(of: peer))
        }
        try await bans.restore(into: parts.swarm)
        let view = NodeView(
            description: preparation.description, host: host, history: storage, network: network,
            bans: bans, startingNumber: preparation.tree.best.number)
        var methods = RPCMethods.standard(view, hub: feed.hub)
        methods.addTimings(observer.timings)
        if let control = preparation.configuration.logControl { methods.addLogging(control) }
        methods.addKeys(try SessionKeys(preparation, host: host))
        methods.addStatistics(
            host, network: network, storage: storage, recorder: recorder)
        rpc = try await Self.startRPC(preparation.configuration, view: view, methods: methods)
        metrics = try await Self.startMetrics(
            preparation, description: view.description, host: host, network: network,
            recorder: recorder, pool: pool, rpc: rpc)
    }

    private static func makeCore(
        _ preparation: NodePreparation, clock: SlotClock, verifier: FalconVerifier
    ) throws -> ValidatorCore {
        var gossip = GossipConfiguration()
        gossip.role = preparation.keys.isEmpty ? .full : .authority
        gossip.paths = GossipPaths(preparation.configuration.gossip)
        gossip.seed = UInt64.random(in: .min ... .max)
        do throws(RecoveryError) {
            return try ValidatorCore(
                configuration: ValidatorCore.Configuration(
                    genesisHash: preparation.chain.genesisHash, keys: preparation.keys,
                    producesBlocks: !preparation.keys.isEmpty,
                    voting: CoherenceGadget.Configuration(
                        timings: preparation.chain.parameters.votingTimings),
                    gossip: gossip,
                    sync: SyncConfiguration(
                        genesisHash: preparation.chain.genesisHash,
                        roles: preparation.keys.isEmpty ? .full : .authority)),
                tree: preparation.tree, recovered: preparation.recovered.voting,
                currentSlot: clock.current,
                authoredSlot: preparation.recovered.authoredSlot,
                evidence: preparation.evidence, verifier: verifier)
        } catch {
            throw NodeError.recovery("\(error)")
        }
    }

    private static func makeMeter(_ preparation: NodePreparation) throws -> QuantumMeter? {
        guard let account = preparation.account else { return nil }
        let configuration = preparation.configuration
        let source: QuantumMeter.Source =
            switch configuration.quantumOrigin {
            case nil, .simulated: .simulated(SimulatedQuantumSource(account: account))
            case .file(let path): .file(path: path)
            case .http(let url): .http(try HTTPDocumentFetch(url: url))
            }
        return QuantumMeter(
            source: source,
            maximumAgeMilliseconds: configuration.quantumMaximumAgeMilliseconds,
            group: MultiThreadedEventLoopGroup.singleton)
    }

    private static func startRPC(
        _ configuration: NodeConfiguration, view: NodeView, methods: RPCMethods
    ) async throws -> RPCServer {
        try await RPCServer.start(
            configuration: configuration.serverConfiguration, methods: methods,
            pages: HTTPPage.health(view)
                + (configuration.servesDashboard ? DashboardPages.all : []),
            logger: Logger(label: "rpc"))
    }

    // MARK: Life

    /// Runs until the task is cancelled or the node cannot go on.
    ///
    /// - Throws: why it cannot.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.host.run() }
            group.addTask { await self.pool.run() }
            group.addTask { await self.network.run(feeding: self.host) }
            group.addTask { await self.watchNetwork() }
            group.addTask { for await error in self.failures { throw error } }
            group.addTask {
                await self.clock.run { await self.host.submit(.slotStarted($0)) }
            }
            group.addTask { await self.pruning.run() }
            if let meter {
                group.addTask {
                    await meter.run(every: .seconds(1)) {
                        await self.host.submit(.measurement($0))
                    }
                }
            }
            do {
                try await group.next()
            } catch {
                await stop()
                group.cancelAll()
                throw error
            }
            await stop()
            group.cancelAll()
        }
    }

    /// The first inputs, before any port is open: what the quantum source says, then the start.
    private func begin() async {
        if let meter { await host.submit(.measurement(await meter.measure())) }
        await host.submit(.start)
    }

    private func stop() async {
        await host.shutdown()
        network.shutdown()
        pool.shutdown()
        await rpc.shutdown()
        await metrics?.shutdown()
        await network.swarm.shutdown()
    }

    private func watchNetwork() async {
        while let event = await network.swarm.nextEvent() {
            switch event {
            case .connected(let peer, let direction, let address):
                logger.debug("Connected to \(peer) at \(address) (\(direction))")
                if direction == .outbound { await addresses.reached(peer, at: address) }
            case .disconnected(let peer, let reason):
                logger.debug("Disconnected from \(peer): \(reason)")
            case .identified(let peer, let information):
                logger.trace("\(peer) is \(information.agentVersion)")
            case .reported(let peer, let name, let change):
                logger.debug("Peer \(peer) reported on \(name): \(change.reason)")
            }
        }
    }
}

extension GossipPaths {
    fileprivate init(_ gossip: NodeConfiguration.Gossip) {
        self =
            switch gossip {
            case .notifications: .notifications
            case .gossipsub: .gossipsub
            case .both: .both
            }
    }
}
