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
        /// The chain and the set that votes.
        package var domain: VotingDomain
        /// Our position in the set; nil for a follower.
        package var local: ValidatorIndex?
        /// Whether blocks are produced in our slots.
        package var producesBlocks: Bool
        /// The finality protocol's settings.
        package var voting: CoherenceGadget.Configuration
        /// The vote gossip's settings.
        package var gossip: GossipConfiguration
        /// The block sync's settings.
        package var sync: SyncConfiguration

        package init(
            domain: VotingDomain, local: ValidatorIndex?, producesBlocks: Bool,
            voting: CoherenceGadget.Configuration, gossip: GossipConfiguration,
            sync: SyncConfiguration
        ) {
            self.domain = domain
            self.local = local
            self.producesBlocks = producesBlocks
            self.voting = voting
            self.gossip = gossip
            self.sync = sync
        }
    }

    package let configuration: Configuration
    /// The finalised block and everything above it.
    package internal(set) var tree: BlockTree
    /// The finality protocol.
    package internal(set) var gadget: CoherenceGadget
    /// The dissemination of votes.
    package internal(set) var gossip: VoteGossipMachine
    /// The exchange of blocks and extrinsics.
    package internal(set) var sync: SyncMachine
    /// The slot that the wall clock is in.
    package internal(set) var currentSlot: SlotNumber
    var authoring: Authoring
    var justifications = JustificationChecks()
    var conduct = PeerConduct()

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
    }

    /// A core that goes on where its predecessor's durable state ends.
    ///
    /// - Parameters:
    ///   - tree: the recovered tree.
    ///   - recovered: what the finality protocol had made durable; checked with `verifier`.
    ///   - currentSlot: the slot that the wall clock is in. Blocks are produced from the next one
    ///     on: one that an earlier life made in this slot may have left the tree since.
    ///   - authoredSlot: the newest slot of an own block, as the sign log tells.
    ///   - rules: the voting rules; tests break them on purpose.
    /// - Throws: what is wrong with the stored state; nothing may be signed then.
    package init(
        configuration: Configuration, tree: BlockTree, recovered: RecoveredVoting,
        currentSlot: SlotNumber, authoredSlot: SlotNumber? = nil,
        verifier: some SignatureVerifier, rules: VotingRules = .production
    ) throws(RecoveryError) {
        self.configuration = configuration
        self.tree = tree
        self.currentSlot = currentSlot
        gadget = try CoherenceGadget(
            configuration: configuration.voting, domain: configuration.domain,
            local: configuration.local, recovered: recovered, verifier: verifier, rules: rules)
        gossip = VoteGossipMachine(
            configuration: configuration.gossip, domain: configuration.domain)
        sync = SyncMachine(configuration: configuration.sync, currentSlot: currentSlot)
        authoring = Authoring(
            local: configuration.producesBlocks ? configuration.local : nil, tree: tree,
            startedIn: currentSlot, newest: authoredSlot)
    }

    /// Takes one input and says what is to be done, in order.
    package mutating func handle(_ input: Input, now: Instant) -> [Effect] {
        effects = []
        switch input {
        case .start: start(now)
        case .slotStarted(let slot): enter(slot, now)
        case .streamOpened, .streamClosed, .notification: takeFromPeers(input)
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

    private mutating func enter(_ slot: SlotNumber, _ now: Instant) {
        guard slot > currentSlot else { return }
        currentSlot = slot
        waiting.append(.sync(.slotStarted(slot)))
        settle(now)
        produceBlock()
    }

    private mutating func takeFromPeers(_ input: Input) {
        switch input {
        case .streamOpened(.votes, let peer, let handshake, let hints):
            waiting.append(.gossip(.streamOpened(peer, handshake: handshake, hints)))
        case .streamClosed(.votes, let peer): waiting.append(.gossip(.streamClosed(peer)))
        case .notification(.votes, let peer, let bytes):
            waiting.append(.gossip(.notification(peer, bytes)))
        case .streamOpened(.blocks, let peer, let handshake, let hints):
            conduct.arrived(peer, isReserved: hints.isReserved)
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
