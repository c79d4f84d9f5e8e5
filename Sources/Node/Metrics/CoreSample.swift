internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

/// What a scrape reads of the validator core: taken inside the host, so that nothing of the core is
/// held on to.
struct CoreSample: Sendable {
    let best: BlockNumber
    let finalised: BlockNumber
    let headCount: Int
    /// The highest block that this node or a peer of its has.
    let highest: BlockNumber
    let isCatchingUp: Bool
    let syncPeerCount: Int
    let pooledExtrinsicCount: Int
    let treeBlockCount: Int
    let round: RoundNumber
    let lock: (block: BlockRef, round: RoundNumber)?
    let signing: SigningState
    let measurement: QuantumMeasurement
    let local: ValidatorIndex?
    let set: ValidatorSet
    let counters: GossipCounters
    let gauges: GossipGauges

    fileprivate init(_ core: ValidatorCore) {
        let heads = core.sync.peerHeads
        best = core.tree.best.number
        finalised = core.tree.finalised.number
        headCount = core.tree.heads.count
        highest = heads.reduce(core.tree.best.number) { max($0, $1.best.number) }
        isCatchingUp = core.sync.isCatchingUp
        syncPeerCount = heads.count
        pooledExtrinsicCount = core.sync.pool.count
        treeBlockCount = core.tree.count
        round = core.gadget.round
        lock = core.gadget.lockReference
        signing = core.gadget.signingState
        measurement = core.gadget.latestMeasurement
        local = core.gadget.local
        set = core.domain.set
        counters = core.gossip.counters
        gauges = core.gossip.gauges
    }
}

extension ValidatorHost {
    /// What a scrape reads of the core.
    func sample() -> CoreSample { CoreSample(core) }
}
