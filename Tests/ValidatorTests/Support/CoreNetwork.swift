import BlockSync
import Chain
import Coherence
import Primitives
import SCALE
import Simulation
import Validator
import VoteGossip

/// A few validator cores that talk to each other without delay, in virtual time: slots of one
/// second, timers when they are due, commits that end when nothing else is to be done.
struct CoreNetwork {
    let genesis: (state: ChainState, header: Header)
    var nodes: [CoreNode] = []
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var slot = SlotNumber(1)
    /// Nodes that nobody hears and that hear nobody.
    var offline: Set<Int> = []
    private var inputs: [(node: Int, input: ValidatorCore.Input)] = []
    private var requests: [InboundRequestID: (node: Int, id: RequestID)] = [:]
    private var nextRequest: UInt64 = 0
    /// Where a node's power fails: after so many more steps of its effect queue.
    var cut: Cut?
    /// What a disk refused to write.
    private(set) var fault: String?
    /// The steps that each node has taken.
    private(set) var stepCounts: [Int] = []

    /// A crash to come.
    struct Cut {
        let node: Int
        var steps: Int
        let remains: VirtualDisk.Remains
    }

    /// - Parameters:
    ///   - validators: the first set: keys 0 to n - 1, one node each.
    ///   - extra: nodes of further keys.
    init(validators: Int, session: UInt32, extra: [[TestKey]] = []) throws {
        let constants = try ChainConstants(
            specVersion: 1, chainID: "network", slotDurationMilliseconds: 1_000,
            policy: .standard(validatorCount: validators), sessionLength: session)
        genesis = try ChainState.genesis(
            constants: constants, validators: (0..<validators).map { TestKey($0).identity })
        for keys in (0..<validators).map({ [TestKey($0)] }) + extra {
            nodes.append(try CoreNode(genesis: genesis, keys: keys, slot: slot))
        }
        stepCounts = nodes.map { _ in 0 }
        for node in nodes.indices { start(node) }
        connectAll()
        run()
    }

    // MARK: Inputs

    mutating func give(_ input: ValidatorCore.Input, to node: Int) { inputs.append((node, input)) }

    mutating func start(_ node: Int) {
        give(.measurement(CoreNode.measurement), to: node)
        give(.start, to: node)
    }

    static func handle(_ node: Int) -> PeerHandle { PeerHandle(UInt64(node) + 1) }

    private mutating func connectAll() {
        run()
        for one in nodes.indices {
            for other in nodes.indices where one < other { connect(one, other) }
        }
    }

    /// Opens all streams between two nodes.
    mutating func connect(_ one: Int, _ other: Int) {
        for (from, to) in [(one, other), (other, one)] {
            let core = nodes[from].core
            let votes = core.gossip.handshake(of: core.gadget.view(tree: core.tree)).scaleBytes
            let blocks = core.sync.handshake(best: core.tree.best)
            for (channel, handshake) in [
                (Channel.votes, votes), (.blocks, blocks), (.transactions, [1]),
            ] {
                give(
                    .streamOpened(
                        channel, Self.handle(from), handshake: handshake, PeerHints()), to: to)
            }
        }
    }

    /// Closes all streams between two nodes.
    mutating func disconnect(_ one: Int, _ other: Int) {
        for (from, to) in [(one, other), (other, one)] {
            for channel in Channel.allCases {
                give(.streamClosed(channel, Self.handle(from)), to: to)
            }
        }
    }

    /// An extrinsic of a call, signed with a key, handed in at a node.
    mutating func submit(_ call: Extrinsic.Call, signedBy key: TestKey, at node: Int) {
        let core = nodes[node].core
        guard let state = core.tree.state(of: core.tree.best.hash) else { return }
        let nonce = state.nonces[key.account]
        let message = Extrinsic.signingBytes(
            call: call, signer: key.account, nonce: nonce, genesisHash: genesis.header.hash)
        guard
            let extrinsic = Extrinsic(
                call: call, signer: key.account, nonce: nonce, signature: key.sign(message))
        else { preconditionFailure("the lengths are right") }
        give(.submit(extrinsic), to: node)
        run()
    }

    // MARK: Running

    /// Does what is to be done now; commits end at once.
    mutating func run() {
        var busy = true
        while busy {
            busy = false
            while !inputs.isEmpty {
                let (node, input) = inputs.removeFirst()
                nodes[node].queue.append(nodes[node].core.handle(input, now: now))
                busy = true
            }
            for node in nodes.indices { while step(node) { busy = true } }
        }
    }

    /// Takes one step of a node's effect queue; false when there is none.
    @discardableResult
    mutating func step(_ node: Int) -> Bool {
        guard let step = nodes[node].queue.next() else { return false }
        stepCounts[node] += 1
        if case .commit(let records) = step { nodes[node].disk.beginCommit(records) }
        if cut?.node == node {
            cut?.steps -= 1
            if let cut, cut.steps < 0 {
                self.cut = nil
                crash(node, leaving: cut.remains)
                return true
            }
        }
        switch step {
        case .commit:
            do {
                try nodes[node].disk.endCommit()
            } catch {
                fault = "node \(node): \(error)"
            }
            nodes[node].queue.committed()
        case .run(let effect): carryOut(effect, node)
        }
        return true
    }

    /// A node's power fails, and it comes back at once.
    mutating func crash(_ node: Int, leaving remains: VirtualDisk.Remains) {
        inputs.removeAll { $0.node == node }
        do {
            try nodes[node].restart(leaving: remains, slot: slot)
        } catch {
            fault = "node \(node) does not start: \(error)"
        }
        for other in nodes.indices where other != node {
            for channel in Channel.allCases {
                give(.streamClosed(channel, Self.handle(node)), to: other)
            }
        }
        start(node)
        for other in nodes.indices where other != node { connect(node, other) }
    }

    private mutating func carryOut(_ effect: ValidatorCore.Effect, _ node: Int) {
        switch effect {
        case .signVote(let vote, let key):
            nodes[node].signed.append((key, vote.slot))
            give(.voteSigned(vote.slot, nodes[node].signature(vote.signedBytes, key)), to: node)
        case .signSeal(let slot, let message, let key):
            give(.sealSigned(slot, nodes[node].signature(message, key)), to: node)
        case .signExtrinsic(let message, let key):
            give(.extrinsicSigned(nodes[node].signature(message, key)), to: node)
        case .check(let id, let checks):
            give(.checked(id, checks.map { $0.run(using: KeyedHashVerifier()) }), to: node)
        case .verify(let jobs):
            let outcomes = jobs.map {
                VerificationOutcome(id: $0.id, result: $0.run(using: KeyedHashVerifier()))
            }
            give(.verified(outcomes), to: node)
        case .readBlocks(let id, let query):
            give(.blocksRead(id, nodes[node].disk.durable.blocks(query)), to: node)
        case .loadCertificate(let id, let query):
            give(.certificateLoaded(id, nodes[node].disk.durable.certificate(query)), to: node)
        case .setTimer(let id, let instant):
            nodes[node].timers.removeAll { $0.id == id }
            nodes[node].timers.append((id, instant))
        case .cancelTimer(let id): nodes[node].timers.removeAll { $0.id == id }
        case .persist, .stage: preconditionFailure("the effect queue commits records")
        case .send(let channel, let peers, let message):
            for peer in peers { deliver(message.bytes, channel, from: node, to: place(peer)) }
        case .request(let id, let peer, let bytes): request(id, bytes, from: node, to: place(peer))
        case .respond(let id, let bytes): respond(id, bytes)
        case .event(let event): note(event, node)
        case .abandon, .handshakeChanged, .ban, .disconnect, .hangUp, .submitted, .publish, .judged:
            break
        }
    }

    private func place(_ peer: PeerHandle) -> Int { Int(peer.rawValue) - 1 }

    private func isCut(_ one: Int, _ other: Int) -> Bool {
        offline.contains(one) || offline.contains(other)
    }

    private mutating func deliver(_ bytes: [UInt8], _ channel: Channel, from: Int, to: Int) {
        guard !isCut(from, to) else { return }
        give(.notification(channel, Self.handle(from), bytes), to: to)
    }

    private mutating func request(_ id: RequestID, _ bytes: [UInt8], from: Int, to: Int) {
        guard !isCut(from, to) else { return give(.response(id, .failure(.timedOut)), to: from) }
        nextRequest += 1
        requests[InboundRequestID(nextRequest)] = (from, id)
        give(.request(InboundRequestID(nextRequest), Self.handle(from), bytes), to: to)
    }

    private mutating func respond(_ id: InboundRequestID, _ bytes: [UInt8]?) {
        guard let (node, request) = requests.removeValue(forKey: id) else { return }
        give(.response(request, bytes.map { .success($0) } ?? .failure(.refused)), to: node)
    }

    private mutating func note(_ event: ValidatorEvent, _ node: Int) {
        switch event {
        case .setActivated(let set, _): nodes[node].activated.append(set)
        case .doubleVote(let evidence): nodes[node].doubleVotes.append(evidence.slot)
        case .finalised(_, let block): nodes[node].finalised.append(block)
        case .alarm(let alarm): nodes[node].alarms.append(alarm)
        default: break
        }
    }

    // MARK: Time

    /// Fires the timers that are due until the next slot, and begins it.
    mutating func nextSlot() {
        let end = Instant(nanoseconds: (slot.rawValue + 1) * 1_000_000_000)
        while let (node, index) = nextTimer(before: end) {
            let timer = nodes[node].timers.remove(at: index)
            now = max(now, timer.at)
            give(.timer(timer.id), to: node)
            run()
        }
        now = end
        slot = SlotNumber(slot.rawValue + 1)
        for node in nodes.indices { give(.slotStarted(slot), to: node) }
        run()
    }

    private func nextTimer(before end: Instant) -> (node: Int, index: Int)? {
        var best: (node: Int, index: Int, at: Instant)?
        for node in nodes.indices {
            for (index, timer) in nodes[node].timers.enumerated()
            where timer.at < end && best.map({ timer.at < $0.at }) ?? true {
                best = (node, index, timer.at)
            }
        }
        return best.map { ($0.node, $0.index) }
    }

    /// Lets slots pass until a condition holds; false when it does not within a number of slots.
    mutating func advance(
        atMost slots: Int = 60, until isDone: (CoreNetwork) -> Bool
    ) -> Bool {
        for _ in 0..<slots {
            if isDone(self) { return true }
            nextSlot()
        }
        return isDone(self)
    }

    /// The finalised heights, by node.
    var heights: [UInt32] { nodes.map { $0.core.tree.finalised.number.rawValue } }
    /// The sets that are active, by node.
    var sets: [UInt64] { nodes.map { $0.core.domain.set.id.rawValue } }
}
