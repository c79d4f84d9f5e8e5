package import BlockSync
package import Chain
package import Coherence
package import Primitives
internal import SCALE
package import VoteGossip

/// One validator, or one follower: block tree, block sync, finality gadget and vote gossip wired
/// into one deterministic machine.
///
/// The node and the simulator run exactly this wiring; around it there is only the shell that
/// carries out effects. What each machine wants done is turned, in its order, into effects for the
/// shell or into inputs of the other machines, which wait in line: each machine is called with the
/// others at rest, and whatever was decided after a `persist` also comes after it here.
package struct ValidatorCore: Sendable {
    /// What a core is set up with.
    package struct Configuration: Sendable {
        /// The chain.
        package var genesisHash: Hash256
        /// The keys that can be signed with; none for a follower.
        package var keys: [HeldKey]
        /// Whether blocks are produced in our slots.
        package var producesBlocks: Bool
        /// The finality protocol's settings.
        package var voting: CoherenceGadget.Configuration
        /// The vote gossip's settings.
        package var gossip: GossipConfiguration
        /// The block sync's settings.
        package var sync: SyncConfiguration

        package init(
            genesisHash: Hash256, keys: [HeldKey], producesBlocks: Bool,
            voting: CoherenceGadget.Configuration, gossip: GossipConfiguration,
            sync: SyncConfiguration
        ) {
            self.genesisHash = genesisHash
            self.keys = keys
            self.producesBlocks = producesBlocks
            self.voting = voting
            self.gossip = gossip
            self.sync = sync
        }
    }

    package let configuration: Configuration
    /// The finalised block and everything above it.
    package internal(set) var tree: BlockTree
    /// The finality protocol of the set in force after the finalised block.
    package internal(set) var gadget: CoherenceGadget
    /// The dissemination of votes.
    package internal(set) var gossip: VoteGossipMachine
    /// The exchange of blocks and extrinsics.
    package internal(set) var sync: SyncMachine
    /// The slot that the wall clock is in.
    package internal(set) var currentSlot: SlotNumber
    /// The keys that can be signed with.
    package internal(set) var keys: HeldKeys
    let evidenceRules: EvidenceRules
    var authoring: Authoring
    var justifications = JustificationChecks()
    var conduct = PeerConduct()
    var own: OwnExtrinsics

    /// The effects of the input at hand.
    var effects: [Effect] = []
    /// The gadget as the vote gossip sees it; nil when the gadget or the tree may have changed since.
    var view: VotingView?
    /// What the machines have yet to be told for the input at hand.
    var waiting: [MachineInput] = []

    /// An input of one of the machines within.
    enum MachineInput: Sendable {
        case gadget(CoherenceGadget.Input)
        case gossip(GossipInput)
        case sync(SyncMachine.Input)
        /// The set is over by this certificate: on to the next one.
        indirect case activateNextSet(VerifiedCertificate)
    }

    /// A core that goes on where its predecessor's durable state ends.
    ///
    /// - Parameters:
    ///   - tree: the recovered tree.
    ///   - recovered: what the finality protocol had made durable in the set in force after the
    ///     tree's root; checked with `verifier`.
    ///   - currentSlot: the slot that the wall clock is in. Blocks are produced from the next one
    ///     on: one that an earlier life made in this slot may have left the tree since.
    ///   - authoredSlot: the newest slot of an own block, as the sign log tells.
    ///   - evidence: the evidence that was stored; what the chain lacks of it is put there.
    ///   - rules: the voting rules; tests break them on purpose.
    /// - Throws: what is wrong with the stored state; nothing may be signed then.
    package init(
        configuration: Configuration, tree: BlockTree, recovered: RecoveredVoting,
        currentSlot: SlotNumber, authoredSlot: SlotNumber? = nil, evidence: [DoubleVote] = [],
        verifier: some SignatureVerifier, rules: VotingRules = .production
    ) throws(RecoveryError) {
        guard let state = tree.state(of: tree.finalised.hash) else {
            preconditionFailure("the finalised block is in the tree")
        }
        let set = state.setInForce
        let domain = VotingDomain(genesisHash: configuration.genesisHash, set: set)
        self.configuration = configuration
        self.tree = tree
        self.currentSlot = currentSlot
        keys = HeldKeys(configuration.keys)
        evidenceRules = .doubleVotes(genesisHash: configuration.genesisHash)
        gadget = try CoherenceGadget(
            configuration: configuration.voting, domain: domain,
            local: keys.local(in: set), recovered: recovered, verifier: verifier, rules: rules)
        gossip = VoteGossipMachine(configuration: configuration.gossip, domain: domain)
        sync = SyncMachine(
            configuration: configuration.sync, currentSlot: currentSlot, evidence: evidenceRules)
        own = OwnExtrinsics(evidence: evidence)
        own.forget(before: state.previousSet?.id ?? set.id)
        authoring = Authoring(
            isActive: configuration.producesBlocks, keys: keys, tree: tree,
            startedIn: currentSlot, newest: authoredSlot)
    }

    /// The chain and the set that votes.
    package var domain: VotingDomain { gadget.domain }

    /// Takes one input and says what is to be done, in order.
    package mutating func handle(_ input: Input, now: Instant) -> [Effect] {
        effects = []
        switch input {
        case .start: start(now)
        case .slotStarted(let slot): enter(slot, now)
        case .streamOpened, .streamClosed, .notification: takeFromPeers(input)
        case .topicMessage(let message): waiting.append(.gossip(.topicMessage(message)))
        case .request(let id, let peer, let bytes): waiting.append(.sync(.request(id, peer, bytes)))
        case .response(let id, let result): waiting.append(.sync(.response(id, result)))
        case .voteSigned(let slot, let signature):
            waiting.append(.gadget(signature.map { .signed(slot, $0) } ?? .signingFailed(slot)))
        case .sealSigned(let slot, let signature): complete(slot, signature)
        case .checked(let id, let verdicts): waiting.append(.sync(.checked(id, verdicts)))
        case .verified(let outcomes): takeVerified(outcomes)
        case .blocksRead(let id, let blocks): waiting.append(.sync(.storedBlocks(id, blocks)))
        case .certificateLoaded(let id, let certificate):
            waiting.append(.gossip(.certificateLoaded(id, certificate)))
        case .measurement(let measurement): waiting.append(.gadget(.measurement(measurement)))
        case .extrinsicSigned(let signature): completeOwnExtrinsic(signature)
        case .call(let call): take(call)
        case .keyAdded(let key): add(key)
        case .submit(let extrinsic): waiting.append(.sync(.submit(extrinsic)))
        case .timer(.voting(let timer)): waiting.append(.gadget(.timer(timer)))
        case .timer(.gossip(let timer)): waiting.append(.gossip(.timer(timer)))
        case .timer(.sync(let timer)): waiting.append(.sync(.timer(timer)))
        }
        settle(now)
        defer { effects = [] }
        return effects
    }

    /// Begins. What peers are told of us when they connect comes first, before any record that
    /// has to be durable: nobody who connects meanwhile may find an empty handshake.
    private mutating func start(_ now: Instant) {
        effects.append(.handshakeChanged(.blocks, sync.handshake(best: tree.best)))
        let view = gadget.view(tree: tree)
        effects.append(.handshakeChanged(.votes, gossip.handshake(of: view).scaleBytes))
        if let newest = authoring.newestSlot, newest > currentSlot {
            effects.append(
                .event(
                    .authoringFailed(
                        currentSlot,
                        reason: "the clock was set back: an own block of slot \(newest) exists;"
                            + " no blocks are made until that slot is over")))
        }
        waiting.append(.gadget(.start))
    }

    /// A key that comes at run time signs from the next set on: that it has not signed in this one is
    /// for the sign log to say, which is asked at the start.
    private mutating func add(_ key: HeldKey) {
        var key = key
        key.firstSet = max(key.firstSet, domain.set.id.successor ?? domain.set.id)
        keys.insert(key)
    }

    private mutating func enter(_ slot: SlotNumber, _ now: Instant) {
        guard slot > currentSlot else { return }
        currentSlot = slot
        waiting.append(.sync(.slotStarted(slot)))
        settle(now)
        produceBlock()
        requestOwnExtrinsic()
    }

    private mutating func takeFromPeers(_ input: Input) {
        switch input {
        case .streamOpened(.votes, let peer, let handshake, let hints):
            waiting.append(.gossip(.streamOpened(peer, handshake: handshake, hints)))
        case .streamClosed(.votes, let peer): waiting.append(.gossip(.streamClosed(peer)))
        case .notification(.votes, let peer, let bytes):
            waiting.append(.gossip(.notification(peer, bytes)))
        case .streamOpened(.blocks, let peer, let handshake, let hints):
            conduct.arrived(
                peer, isReserved: hints.isReserved, earlierBans: hints.earlierBans)
            waiting.append(.sync(.streamOpened(peer, handshake: handshake)))
        case .streamClosed(.blocks, let peer): waiting.append(.sync(.streamClosed(peer)))
        case .notification(.blocks, let peer, let bytes):
            waiting.append(.sync(.announcement(peer, bytes)))
        case .notification(.transactions, let peer, let bytes):
            waiting.append(.sync(.transactions(peer, bytes)))
        default: break
        }
    }
}
