import BlockSync
import Chain
import Foundation
import Primitives
import SCALE

/// A network of sync machines in memory: virtual time, seeded latency and loss, storage and
/// signature checks that take time. One seed decides everything.
struct MemoryNetwork {
    /// What a node does to others, beyond the protocol.
    enum Behaviour: Sendable {
        case honest
        /// Answers no request.
        case silent
        /// Answers every request with nothing.
        case empty
        /// Serves blocks without their bodies.
        case withholding
        /// Serves other blocks than asked for.
        case wrongBlocks
        /// Serves blocks with seals that do not hold.
        case forging
    }

    /// One node: machine, tree and what it has stored.
    struct Node {
        var machine: SyncMachine
        var tree: BlockTree
        var behaviour: Behaviour
        var stored: [Hash256: Block] = [:]
        /// The finalised chain by height.
        var canonical: [Hash256]
        var offences: [(peer: PeerHandle, offence: SyncOffence)] = []
        var equivocations: [AuthorEquivocation] = []
        var peers: [PeerHandle] = []
        var receivedBlocks = 0

        mutating func handle(_ input: SyncMachine.Input, now: Instant) -> [SyncMachine.Effect] {
            machine.handle(input, tree: &tree, now: now)
        }
    }

    struct Event {
        let time: Instant
        let order: UInt64
        let node: Int
        let input: SyncMachine.Input
    }

    let chain: TestChain
    var nodes: [Node] = []
    var now = Instant(nanoseconds: 1_000_000_000)
    var random: SeededGenerator
    /// Of 1,000 messages so many are lost.
    var lossPerMille = 0
    /// Blocks that have a certificate: every so many heights.
    var certificateInterval: UInt32 = 10
    private var queue: [Event] = []
    private var order: UInt64 = 0
    private var asked: [InboundRequestID: (node: Int, id: RequestID)] = [:]
    /// The largest number of events that waited at once.
    var mostEvents = 0

    init(chain: TestChain, seed: UInt64) {
        self.chain = chain
        random = SeededGenerator(seed: seed)
    }

    @discardableResult
    mutating func addNode(
        _ behaviour: Behaviour = .honest, currentSlot: UInt64, limits: TreeLimits = .standard,
        blocks: [Block] = [], finalisedCount: Int = 0
    ) throws -> Int {
        let configuration = SyncConfiguration(
            genesisHash: chain.genesis.hash, roles: .authority)
        var node = Node(
            machine: SyncMachine(
                configuration: configuration, currentSlot: SlotNumber(currentSlot),
                evidence: .noEvidence),
            tree: chain.tree(limits: limits), behaviour: behaviour,
            canonical: [chain.genesis.hash])
        node.stored[chain.genesis.hash] = Block(header: chain.genesis, extrinsics: [])
        var state = chain.state
        for (position, block) in blocks.enumerated() {
            try state.apply(block.extrinsics)
            _ = try node.tree.insert(block, state: state)
            node.stored[block.hash] = block
            if position < finalisedCount {
                _ = node.tree.finalise(block.hash)
                node.canonical.append(block.hash)
            }
        }
        nodes.append(node)
        feed(nodes.count - 1, .timer(.wake))
        return nodes.count - 1
    }

    mutating func connect(_ left: Int, _ right: Int) {
        for (node, other) in [(left, right), (right, left)] {
            let peer = PeerHandle(UInt64(other))
            nodes[node].peers.append(peer)
            let handshake = nodes[other].machine.handshake(best: nodes[other].tree.best)
            enqueue(node, .streamOpened(peer, handshake: handshake), mayBeLost: false)
        }
    }

    mutating func disconnect(_ left: Int, _ right: Int) {
        for (node, other) in [(left, right), (right, left)] {
            let peer = PeerHandle(UInt64(other))
            nodes[node].peers.removeAll { $0 == peer }
            feed(node, .streamClosed(peer))
        }
    }

    mutating func enqueue(_ node: Int, _ input: SyncMachine.Input, mayBeLost: Bool = true) {
        if mayBeLost, Int.random(in: 0..<1_000, using: &random) < lossPerMille { return }
        schedule(node, input, at: now + .milliseconds(Int.random(in: 5...60, using: &random)))
    }

    /// A binary heap by time, then by order.
    private mutating func schedule(_ node: Int, _ input: SyncMachine.Input, at time: Instant) {
        order += 1
        queue.append(Event(time: time, order: order, node: node, input: input))
        var child = queue.count - 1
        while child > 0, Self.precedes(queue[child], queue[(child - 1) / 2]) {
            queue.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        mostEvents = max(mostEvents, queue.count)
    }

    private static func precedes(_ left: Event, _ right: Event) -> Bool {
        (left.time, left.order) < (right.time, right.order)
    }

    private mutating func nextEvent() -> Event? {
        guard let first = queue.first, let last = queue.popLast() else { return nil }
        guard !queue.isEmpty else { return first }
        queue[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < queue.count {
                if Self.precedes(queue[child], queue[least]) { least = child }
            }
            if least == parent { return first }
            queue.swapAt(parent, least)
            parent = least
        }
    }

    /// Runs until a condition holds or the time is over; returns whether it holds.
    mutating func run(
        for duration: Duration, until isDone: (MemoryNetwork) -> Bool = { _ in false }
    ) -> Bool {
        let end = now + duration
        while let event = queue.first, event.time <= end {
            guard let event = nextEvent() else { break }
            now = event.time
            feed(event.node, event.input)
            if isDone(self) { return true }
        }
        now = end
        return isDone(self)
    }

    mutating func feed(_ node: Int, _ input: SyncMachine.Input) {
        if case .response(_, .success(let bytes)) = input,
            let response = try? BlockResponse(decoding: bytes, limit: 128)
        {
            nodes[node].receivedBlocks += response.blocks.count
        }
        let effects = nodes[node].handle(input, now: now)
        for effect in effects { perform(effect, of: node) }
    }

    private mutating func perform(_ effect: SyncMachine.Effect, of node: Int) {
        let own = PeerHandle(UInt64(node))
        switch effect {
        case .announce(let peers, let bytes):
            for peer in peers where nodes[node].peers.contains(peer) {
                enqueue(Int(peer.rawValue), .announcement(own, bytes))
            }
        case .sendTransactions(let peers, let bytes):
            for peer in peers where nodes[node].peers.contains(peer) {
                enqueue(Int(peer.rawValue), .transactions(own, bytes))
            }
        case .request(let id, let peer, let bytes):
            order += 1
            let inbound = InboundRequestID(order)
            asked[inbound] = (node, id)
            guard nodes[node].peers.contains(peer),
                nodes[Int(peer.rawValue)].behaviour != .silent
            else { return }
            enqueue(Int(peer.rawValue), .request(inbound, own, bytes))
        case .respond(let id, let bytes): respond(id, bytes, from: node)
        case .refuse(let id):
            guard let asker = asked.removeValue(forKey: id) else { return }
            enqueue(asker.node, .response(asker.id, .failure(.refused)))
        case .readBlocks(let id, let query):
            schedule(node, .storedBlocks(id, read(query, of: node)), at: now + .milliseconds(1))
        case .check(let id, let checks):
            let verdicts = checks.map { $0.run(using: TagScheme()) }
            let delay = Duration.microseconds(Int.random(in: 50...900, using: &random))
            schedule(node, .checked(id, verdicts), at: now + delay)
        case .imported(let block): nodes[node].stored[block.hash] = block
        case .justification(let bytes, _): finalise(bytes, node)
        case .report(let peer, let offence): nodes[node].offences.append((peer, offence))
        case .setTimer(let timer, let time): schedule(node, .timer(timer), at: time)
        case .authorEquivocation(let proof): nodes[node].equivocations.append(proof)
        // A response that comes all the same is ignored.
        case .abandon, .handshakeChanged, .submitted, .note: break
        }
    }

    private mutating func respond(_ id: InboundRequestID, _ bytes: [UInt8], from node: Int) {
        guard let asker = asked.removeValue(forKey: id) else { return }
        var answer = bytes
        if nodes[node].behaviour != .honest,
            let response = try? BlockResponse(decoding: bytes, limit: 128)
        {
            let changed: [BlockData]
            switch nodes[node].behaviour {
            case .withholding:
                changed = response.blocks.map { BlockData(hash: $0.hash, header: $0.header) }
            case .wrongBlocks: changed = Array(response.blocks.dropFirst())
            case .forging:
                changed = response.blocks.map { data in
                    guard let header = data.header, header.digest.count == 2 else { return data }
                    let block = Block(header: header, extrinsics: data.extrinsics)
                    let forged = chain.badlySealed(block)
                    return BlockData(
                        hash: forged.hash, header: forged.header, extrinsics: forged.extrinsics)
                }
            case .empty, .honest, .silent: changed = []
            }
            answer = (try? BlockResponse(blocks: changed).encoded()) ?? []
        }
        enqueue(asker.node, .response(asker.id, .success(answer)))
    }

    /// Certificates of the test: the block's reference.
    private func certificate(of block: Block) -> [UInt8]? {
        block.number.rawValue % certificateInterval == 0 ? block.ref.scaleBytes : nil
    }

    private mutating func finalise(_ certificate: [UInt8], _ node: Int) {
        guard let ref = try? SCALEDecoder.decode(BlockRef.self, from: certificate) else { return }
        finalise(ref, at: node)
    }

    /// Finalises a block at a node, if it is in its tree.
    mutating func finalise(_ ref: BlockRef, at node: Int) {
        guard ref.number > nodes[node].tree.finalised.number,
            let outcome = nodes[node].tree.finalise(ref.hash)
        else { return }
        nodes[node].canonical += outcome.finalised.map(\.hash)
        feed(node, .finalised(ref))
    }

    private func read(_ query: StoredBlockQuery, of node: Int) -> [StoredBlock] {
        let canonical = nodes[node].canonical
        let start: Int
        switch query.start {
        case .number(let number): start = Int(number.rawValue)
        case .hash(let hash):
            guard let block = nodes[node].stored[hash] else { return [] }
            start = Int(block.number.rawValue)
            guard start < canonical.count, canonical[start] == hash else {
                return [StoredBlock(block: block)]
            }
        }
        guard start < canonical.count else { return [] }
        let range =
            query.direction == .ascending
            ? canonical[start..<min(start + query.maximumCount, canonical.count)]
            : canonical[max(0, start - query.maximumCount + 1)...start]
        let blocks = range.compactMap { nodes[node].stored[$0] }
        return (query.direction == .ascending ? blocks : blocks.reversed()).map {
            StoredBlock(
                block: $0, justification: query.includesJustifications ? certificate(of: $0) : nil)
        }
    }
}

/// The seeds of a test: a few, or as many as `SYNC_SEEDS` asks for in a soak.
func seeds(_ count: UInt64) -> ClosedRange<UInt64> {
    let asked = ProcessInfo.processInfo.environment["SYNC_SEEDS"].flatMap { UInt64($0) }
    return 1...max(1, asked ?? count)
}
