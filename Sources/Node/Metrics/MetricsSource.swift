internal import Coherence
internal import LibP2P
internal import Metrics
internal import Networking
internal import Primitives
internal import RPC
internal import VoteGossip

/// Gathers the page of one scrape: one snapshot of the core, of the network and of the process.
struct MetricsSource: Sendable {
    let chainID: String
    let description: NodeDescription
    let host: ValidatorHost
    let network: NetworkBridge
    let recorder: MetricsRecorder
    let pool: WorkPool
    let rpc: RPCServer
    /// A folder on the disk that fills up.
    let basePath: String
    /// Evidence that was stored when the node started.
    let storedEvidenceCount: Int
    /// When the process started, and on which clock a lock's age counts from then.
    let startUnixMilliseconds: UInt64
    let start: Instant

    /// The page, in Prometheus' text format.
    func page() async -> String {
        let core = await host.sample()
        let swarm = await network.swarm.snapshot()
        let topic = await network.topic?.snapshot()
        let recorded = recorder.snapshot
        var registry = MetricRegistry(NodeMetric.all, constantLabels: [("chain", chainID)])
        addProcess(to: &registry)
        addChain(core, to: &registry)
        addFinality(core, recorded, to: &registry)
        addValidators(core, recorded.voting, to: &registry)
        addGossip(core, recorded, topic, to: &registry)
        addConnections(swarm, to: &registry)
        addNetwork(core, swarm, to: &registry)
        registry.set(NodeMetric.commits, recorded.chainCommits, "chain")
        registry.set(NodeMetric.commits, recorded.signLogCommits, "sign_log")
        registry.set(NodeMetric.droppedSeries, registry.droppedSeriesCount)
        return registry.text
    }

    private func addProcess(to registry: inout MetricRegistry) {
        let process = ProcessSample(path: basePath)
        registry.set(NodeMetric.processorSeconds, process.processorTime / .seconds(1))
        registry.set(NodeMetric.residentBytes, process.residentByteCount)
        if let count = process.openFileCount { registry.set(NodeMetric.openFiles, count) }
        if let count = process.maximumFileCount { registry.set(NodeMetric.maximumFiles, count) }
        if let disk = process.disk {
            registry.set(NodeMetric.diskFree, disk.free)
            registry.set(NodeMetric.diskSize, disk.size)
        }
        let seconds = Double(startUnixMilliseconds) / 1_000
        registry.set(NodeMetric.startTime, seconds)
        registry.set(NodeMetric.substrateStartTime, seconds)
        registry.set(NodeMetric.queuedWork, pool.queuedCount)
        registry.set(NodeMetric.buildInfo, 1, description.implementation, description.version)
        registry.set(NodeMetric.nodeRoles, description.isValidator ? 4 : 1)
        let statistics = rpc.statistics
        registry.set(NodeMetric.rpcConnections, statistics.connectionCount)
        registry.set(NodeMetric.rpcRefused, statistics.refusedConnectionCount)
        registry.set(NodeMetric.rpcRequests, statistics.requestCount)
    }

    private func addChain(_ core: CoreSample, to registry: inout MetricRegistry) {
        registry.set(NodeMetric.blockHeight, core.best.rawValue, "best")
        registry.set(NodeMetric.blockHeight, core.finalised.rawValue, "finalized")
        registry.set(NodeMetric.blockHeight, core.highest.rawValue, "sync_target")
        registry.set(NodeMetric.leaves, core.headCount)
        registry.set(NodeMetric.treeBlocks, core.treeBlockCount)
        registry.set(NodeMetric.readyTransactions, core.pooledExtrinsicCount)
        registry.set(NodeMetric.isMajorSyncing, core.isCatchingUp ? 1 : 0)
        registry.set(NodeMetric.syncPeers, core.syncPeerCount)
    }

    // MARK: Finality

    private func addFinality(
        _ core: CoreSample, _ recorded: MetricsRecorder.Snapshot,
        to registry: inout MetricRegistry
    ) {
        let voting = recorded.voting
        registry.set(NodeMetric.round, core.round.rawValue)
        registry.set(NodeMetric.setID, core.set.id.rawValue)
        registry.set(NodeMetric.validatorCount, core.set.count)
        registry.set(NodeMetric.quorum, core.set.quorum)
        registry.set(NodeMetric.signing, core.signing.rawValue)
        for (phase, metric) in [
            (VotePhase.prevote, NodeMetric.prevotes), (.precommit, NodeMetric.precommits),
        ] {
            for kind in VotingMetrics.VoteKind.all {
                registry.set(
                    metric, voting.votes[phase]?[kind] ?? 0, kind.isOwn ? "own" : "others",
                    kind.isForBlock ? "block" : "nil")
            }
        }
        registry.set(NodeMetric.roundsEnded, voting.roundsEnded)
        registry.set(NodeMetric.ownMissedRounds, voting.ownMissedRounds)
        registry.set(NodeMetric.prevoteQuorum, voting.prevoteQuorum)
        registry.set(NodeMetric.precommitQuorum, voting.precommitQuorum)
        registry.set(NodeMetric.finalityLatency, voting.finality)
        registry.set(NodeMetric.finalisedBlocks, voting.finalisedBlocks)
        registry.set(NodeMetric.doubleVotes, voting.doubleVotes, "vote")
        registry.set(NodeMetric.doubleVotes, voting.authorEquivocations, "block")
        registry.set(NodeMetric.evidence, UInt64(storedEvidenceCount) + voting.doubleVotes)
        if let lock = core.lock {
            let age = NodeClock.now() - (voting.lockedSince ?? start)
            registry.set(NodeMetric.lockAge, max(.zero, age) / .seconds(1))
            registry.set(NodeMetric.lockedRound, lock.round.rawValue)
        } else {
            registry.set(NodeMetric.lockAge, 0)
        }
        if let rate = Self.averageQBER(core.measurement) {
            registry.set(NodeMetric.ownQBER, Self.ratio(rate))
        }
        if let skew = recorded.clockSkewMilliseconds {
            registry.set(NodeMetric.clockSkew, Double(skew) / 1_000)
        }
    }

    private func addValidators(
        _ core: CoreSample, _ voting: VotingMetrics, to registry: inout MetricRegistry
    ) {
        for (position, validator) in core.set.validators.enumerated() {
            let index = ValidatorIndex(UInt16(position))
            let (number, account) = ("\(position)", "\(validator.account)")
            registry.set(
                NodeMetric.validatorMissed, voting.missedRounds[index] ?? 0, number, account)
            if let voters = voting.lastVoters {
                let isMissing = !voters.contains(index)
                registry.set(NodeMetric.certificateMissing, isMissing ? 1 : 0, number, account)
            }
            if let measured = voting.measured[index] {
                let rate = Self.ratio(measured.averageQBER)
                registry.set(NodeMetric.validatorQBER, rate, number, account)
                registry.set(NodeMetric.validatorScore, measured.score, number, account)
            }
            if let delay = voting.blockDelayMilliseconds(of: validator.account) {
                registry.set(NodeMetric.blockDelay, Double(delay) / 1_000, number, account)
            }
        }
    }

    /// The rate of a measurement that has one, in basis points.
    private static func averageQBER(_ measurement: QuantumMeasurement) -> UInt32? {
        switch measurement {
        case .usable(let state): state.averageQBER
        case .unusable(.errorRateTooHigh(let rate)): rate
        case .unusable: nil
        }
    }

    private static func ratio(_ basisPoints: UInt32) -> Double { Double(basisPoints) / 10_000 }

    // MARK: Gossip and network

    private func addGossip(
        _ core: CoreSample, _ recorded: MetricsRecorder.Snapshot, _ topic: PubSubSnapshot?,
        to registry: inout MetricRegistry
    ) {
        let (counters, gauges) = (core.counters, core.gauges)
        for kind in GossipMessageKind.allCases {
            registry.set(NodeMetric.gossipMessages, counters.received[kind], "in", kind.name)
            registry.set(NodeMetric.gossipMessages, counters.sent[kind], "out", kind.name)
            registry.set(NodeMetric.gossipBytes, counters.receivedBytes[kind], "in", kind.name)
            registry.set(NodeMetric.gossipBytes, counters.sentBytes[kind], "out", kind.name)
        }
        registry.set(NodeMetric.entriesReceived, counters.entriesReceived)
        registry.set(NodeMetric.entriesDistinct, counters.entriesDistinct)
        registry.set(NodeMetric.duplicationFactor, counters.duplicationFactor)
        registry.set(NodeMetric.gossipVerdicts, counters.accepted, "accept", "")
        for reason in IgnoreReason.allCases {
            let count = counters.ignored(reason)
            registry.set(NodeMetric.gossipVerdicts, count, "ignore", reason.rawValue)
        }
        for offence in Offence.allCases {
            let count = counters.rejected(offence)
            registry.set(NodeMetric.gossipVerdicts, count, "reject", offence.rawValue)
        }
        registry.set(NodeMetric.signaturesChecked, counters.signaturesChecked)
        registry.set(NodeMetric.verification, recorded.verification)
        registry.set(NodeMetric.resends, counters.resends)
        registry.set(NodeMetric.requestsTimedOut, counters.requestsTimedOut)
        registry.set(NodeMetric.bansImposed, counters.bans)
        registry.set(NodeMetric.queueBytes, gauges.parkedByteCount, "parked")
        registry.set(NodeMetric.queueBytes, gauges.verifyingByteCount, "verifying")
        registry.set(NodeMetric.queueBytes, gauges.heldByteCount, "all")
        registry.set(NodeMetric.queueBudget, gauges.byteBudget)
        guard let topic = topic?.counters else { return }
        registry.set(NodeMetric.topicMessages, topic.received, "received")
        registry.set(NodeMetric.topicMessages, topic.duplicates, "duplicate")
        registry.set(NodeMetric.topicMessages, topic.published, "published")
        registry.set(NodeMetric.topicMessages, topic.sent, "sent")
        registry.set(NodeMetric.topicMessages, topic.graylisted, "graylisted")
    }

    private func addConnections(_ swarm: NetworkSnapshot, to registry: inout MetricRegistry) {
        let totals = swarm.totals
        registry.set(NodeMetric.peers, swarm.peers.count)
        registry.set(NodeMetric.connectionsOpened, totals.openedInbound, "in")
        registry.set(NodeMetric.connectionsOpened, totals.openedOutbound, "out")
        registry.set(NodeMetric.connectionsClosed, totals.closed)
        registry.set(NodeMetric.pendingConnections, swarm.pendingConnections)
        registry.set(NodeMetric.pendingErrors, totals.failedDials, "dial")
        registry.set(NodeMetric.pendingErrors, totals.failedHandshakes, "handshake")
        registry.set(NodeMetric.pendingErrors, totals.refusedByLimits, "limit")
        registry.set(NodeMetric.refusedPeers, totals.refusedPeers)
        registry.set(NodeMetric.listenAddresses, swarm.listenAddresses.count)
        registry.set(NodeMetric.networkBytes, totals.bytesIn, "in")
        registry.set(NodeMetric.networkBytes, totals.bytesOut, "out")
        registry.set(NodeMetric.discovered, swarm.knownPeers)
        registry.set(NodeMetric.routingPeers, swarm.routingPeers)
    }

    private func addNetwork(
        _ core: CoreSample, _ swarm: NetworkSnapshot, to registry: inout MetricRegistry
    ) {
        for (direction, name) in [(ConnectionDirection.inbound, "in"), (.outbound, "out")] {
            for security in SecurityProtocol.allCases {
                let count = swarm.peers.filter {
                    $0.direction == direction && $0.security == security
                }.count
                registry.set(
                    NodeMetric.peersByKind, count, name,
                    security == .hybridNoise ? "hybrid_noise" : "noise")
            }
        }
        registry.set(NodeMetric.votePeers, core.gauges.peerCount)
        let now = NodeClock.now()
        registry.set(NodeMetric.bannedPeers, swarm.bans.values.filter { $0 > now }.count)
        if let longest = swarm.peers.compactMap(\.roundTrip).max() {
            registry.set(NodeMetric.roundTrip, longest / .seconds(1))
        }
        for name in swarm.protocols.keys.sorted() {
            guard let counters = swarm.protocols[name] else { continue }
            registry.set(NodeMetric.protocolMessages, counters.messagesIn, name, "in")
            registry.set(NodeMetric.protocolMessages, counters.messagesOut, name, "out")
            registry.set(NodeMetric.protocolBytes, counters.bytesIn, name, "in")
            registry.set(NodeMetric.protocolBytes, counters.bytesOut, name, "out")
            registry.set(NodeMetric.protocolDrops, counters.drops, name)
        }
    }
}
