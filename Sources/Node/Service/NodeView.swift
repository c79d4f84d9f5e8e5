internal import Chain
internal import Coherence
internal import LibP2P
internal import Networking
internal import Primitives
internal import RPC
internal import SCALE
internal import Storage
internal import Validator
internal import VoteGossip
internal import BlockSync

/// The node as JSON-RPC sees it: snapshots of the core, the storage and the network.
struct NodeView: NodeQueries {
    let description: NodeDescription
    let host: ValidatorHost
    let history: any ChainHistory
    let network: NetworkBridge
    let bans: BanBook
    /// The best height when the node started.
    let startingNumber: BlockNumber

    // MARK: Network

    func health() async -> NodeHealth {
        let isCatchingUp = await host.core.sync.isCatchingUp
        let set = await host.core.domain.set
        return NodeHealth(
            peerCount: await network.swarm.snapshot().peers.count, isSyncing: isCatchingUp,
            shouldHavePeers: set.count > 1)
    }

    func syncProgress() async -> SyncProgress {
        let core = await host.core
        let best = core.tree.best.number
        return SyncProgress(
            starting: startingNumber, current: best,
            highest: max(best, core.sync.peerHeads.map(\.best.number).max() ?? best))
    }

    func listenAddresses() async -> [String] {
        await network.swarm.snapshot().listenAddresses.map { "\($0)" }
    }

    func peers() async -> [PeerReport] {
        let core = await host.core
        let heads = Dictionary(
            uniqueKeysWithValues: core.sync.peerHeads.map { ($0.peer, $0.best) })
        let nothing = BlockRef(hash: .zero, number: BlockNumber(0))
        return await network.swarm.snapshot().peers.map { snapshot in
            let handle = network.directory.handle(of: snapshot.peer)
            return PeerReport(
                peerID: "\(snapshot.peer)", isValidator: core.gossip.role(of: handle) == .authority,
                best: heads[handle] ?? nothing,
                hasPostQuantumTransport: snapshot.security == .hybridNoise)
        }
    }

    func bans() async -> [BanReport] { bans.reports() }

    func reservedPeers() async -> [String] {
        await network.swarm.reservedPeers().map { "\($0)" }
    }

    func addReservedPeer(_ address: String) async throws(PeerRefusal) {
        guard let address = try? Multiaddr(address), let peer = address.peerID else {
            throw PeerRefusal(reason: "'\(address)' is no multiaddr with /p2p/ at its end")
        }
        guard peer != network.swarm.localPeer else {
            throw PeerRefusal(reason: "\(peer) is this node")
        }
        network.swarm.addReserved(peer, addresses: [address])
        await bans.remove(peer)
    }

    func removeReservedPeer(_ peerID: String) async throws(PeerRefusal) {
        guard let peer = try? PeerID(peerID) else {
            throw PeerRefusal(reason: "'\(peerID)' is no peer id")
        }
        network.swarm.removeReserved(peer)
    }

    // MARK: Blocks

    func bestBlock() async -> BlockRef { await host.core.tree.best }

    func finalisedBlock() async -> BlockRef { await host.core.tree.finalised }

    func canonicalHash(at number: BlockNumber) async throws(NodeQueryFailure) -> Hash256? {
        let tree = await host.core.tree
        if number > tree.finalised.number {
            return number > tree.best.number ? nil : tree.ancestor(of: tree.best.hash, at: number)
        }
        if number == tree.finalised.number { return tree.finalised.hash }
        return try await answered { try await history.canonicalHash(at: number) }
    }

    func header(of hash: Hash256) async throws(NodeQueryFailure) -> Header? {
        if let header = await host.core.tree.header(hash) { return header }
        return try await answered { try await history.header(hash) }
    }

    func block(of hash: Hash256) async throws(NodeQueryFailure) -> BlockReport? {
        let inTree = await host.core.tree.block(hash)
        let block: Block?
        if let inTree {
            block = inTree
        } else {
            block = try await answered { try await history.block(hash) }
        }
        guard let block else { return nil }
        let certificate = try await answered {
            try await history.certificate(.lowest(atOrAbove: block.header.number))
        }
        let isOwn = certificate?.target.block?.hash == hash
        return BlockReport(block: block, certificate: isOwn ? certificate : nil)
    }

    func submit(_ extrinsic: Extrinsic) async throws(ExtrinsicRefusal) {
        try await host.submit(extrinsic)
    }

    func pendingExtrinsics() async -> [Extrinsic] { await host.core.sync.pool.pending }

    // MARK: Finality

    func roundState() async -> RoundStateReport? {
        let core = await host.core
        let view = core.gadget.view(tree: core.tree)
        let current = view.round.rawValue
        let numbers = current > 0 ? [current, current - 1] : [current]
        let rounds = numbers.map { number in
            RoundStateReport.Round(
                number: RoundNumber(number),
                prevotes: Self.voters(view.held(RoundNumber(number), .prevote)),
                precommits: Self.voters(view.held(RoundNumber(number), .precommit)))
        }
        return RoundStateReport(
            set: view.domain.set, rounds: rounds, finalised: view.finalised,
            lock: core.gadget.lockReference.map { .init(block: $0.block, round: $0.round) },
            highestQuorumCertificate: view.highestQuorum.map {
                .init(block: $0.block, round: $0.round)
            })
    }

    private static func voters(_ bitmap: [UInt8]?) -> Set<ValidatorIndex> {
        var voters: Set<ValidatorIndex> = []
        for (position, byte) in (bitmap ?? []).enumerated() {
            for bit in 0..<8 where byte >> bit & 1 == 1 {
                voters.insert(ValidatorIndex(UInt16(position * 8 + bit)))
            }
        }
        return voters
    }

    func activeSet() async -> ValidatorSet { await host.core.domain.set }

    func votes(for hash: Hash256) async throws(NodeQueryFailure) -> [VoteReport] {
        let core = await host.core
        let held = core.gadget.view(tree: core.tree).votes(for: hash)
        if !held.isEmpty { return held.map { VoteReport(index: $0.index, vote: $0.vote) } }
        guard let header = try await header(of: hash),
            let certificate = try await answered({
                try await history.certificate(.lowest(atOrAbove: header.number))
            }), certificate.target.block?.hash == hash,
            let set = try await answered({ try await history.validatorSet(certificate.setID) })
        else { return [] }
        return certificate.precommits.compactMap { entry in
            entry.vote(
                in: set, round: certificate.round, phase: .precommit,
                target: certificate.target
            ).map { VoteReport(index: entry.validator, vote: $0) }
        }
    }

    func finalityProof(
        from number: BlockNumber
    ) async throws(NodeQueryFailure) -> FinalityProof? {
        try await answered { () -> FinalityProof? in
            guard let certificate = try await history.certificate(.lowest(atOrAbove: number)),
                let block = certificate.target.block
            else { return nil }
            let headers = try await history.canonicalHeaders(from: number, through: block.number)
            // What was pruned cannot be proved any more.
            guard headers.first?.number == number else { return nil }
            return FinalityProof(certificate: certificate, headers: headers)
        }
    }

    func handOffs(from set: SetID) async throws(NodeQueryFailure) -> [HandOffProof] {
        let current = await host.core.domain.set.id
        return try await answered { () -> [HandOffProof] in
            var proofs: [HandOffProof] = []
            var byteCount = 0
            var id = set
            while id < current, proofs.count < HandOffProof.maximumCount,
                byteCount < HandOffProof.maximumByteCount, let next = id.successor,
                let certificate = try await history.certificate(.handOff(of: id)),
                let header = try await history.header(certificate.target.hash),
                let nextSet = try await history.validatorSet(next)
            {
                proofs.append(
                    HandOffProof(certificate: certificate, header: header, nextSet: nextSet))
                byteCount +=
                    certificate.precommits.count * VoteEntry.byteCount
                    + nextSet.count * ValidatorIdentity.byteCount
                id = next
            }
            return proofs
        }
    }

    private func answered<Value: Sendable>(
        _ body: () async throws -> Value
    ) async throws(NodeQueryFailure) -> Value {
        do {
            return try await body()
        } catch {
            throw NodeQueryFailure(reason: String(describing: error))
        }
    }
}
