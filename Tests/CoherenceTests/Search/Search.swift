import Chain
import Coherence
import Primitives
import SCALE

/// A world of n gadgets with virtual time, network and disks, driven by one seed. After every step
/// it is checked that no two final blocks conflict, that finality moves up only, and that no honest
/// key fills a slot twice; at the end, that finality moves once the trouble is over.
struct Search {
    let profile: SearchProfile
    let domain: VotingDomain
    let genesis: Header
    let state: ChainState
    var random: SeededGenerator
    var now: UInt64 = 0
    var queue = EventQueue()
    var nodes: [SearchNode] = []
    var isHealed = false
    /// By sender and receiver: whether messages get through.
    var links: [[Bool]]
    /// What honest validators have voted for lately.
    var honestVotes: [VerifiedVote] = []
    var outcome = SearchOutcome()
    /// All blocks ever made.
    var allBlocks: [Hash256: Block] = [:]
    var blockOrder: [Block] = []
    /// The final block of every height, by the first who said so.
    var final: [UInt32: Hash256] = [:]
    /// What honest keys filled their slots with.
    var slots: [VoteSlot: VoteTarget] = [:]

    init(_ profile: SearchProfile, seed: UInt64) {
        self.profile = profile
        domain = Fixture.domain(profile.validators, policy: profile.policy)
        random = SeededGenerator(seed: seed)
        links = Array(
            repeating: Array(repeating: true, count: profile.validators),
            count: profile.validators)
        let chain = LetterChain()
        (genesis, state) = (chain.genesis, chain.state)
        for _ in 0..<profile.validators {
            nodes.append(
                SearchNode(
                    tree: BlockTree(finalisedHeader: genesis, state: state),
                    disk: Disk(finalised: genesis.ref)))
        }
    }

    var honest: Range<Int> { 0..<profile.validators - profile.byzantine }

    static func run(_ profile: SearchProfile, seed: UInt64) -> SearchOutcome {
        var search = Search(profile, seed: seed)
        return search.run()
    }

    mutating func run() -> SearchOutcome {
        for node in honest { start(node) }
        queue.schedule(.makeBlock, at: 1_000)
        schedule(.changePartition, about: profile.partitionMilliseconds)
        schedule(.crash, about: profile.crashMilliseconds)
        schedule(.noise, about: profile.noiseMilliseconds)
        if profile.byzantine > 0 { queue.schedule(.byzantineVotes, at: 100_000) }
        let chaosEnd = profile.chaosMilliseconds * 1_000
        let end = chaosEnd + profile.healMilliseconds * 1_000
        var goal: UInt32 = 0
        while outcome.violation == nil, let (at, event) = queue.next(), at <= end {
            now = at
            if !isHealed, now >= chaosEnd {
                heal()
                goal = (honest.map { nodes[$0].finalisedHeight }.max() ?? 0) + 2
            }
            happen(event)
            if isHealed,
                honest.allSatisfy({ nodes[$0].isLost || nodes[$0].finalisedHeight >= goal })
            {
                outcome.healedAfter = (now - chaosEnd) / 1_000
                break
            }
        }
        if outcome.violation == nil, outcome.healedAfter == nil {
            outcome.violation = "finality does not move after healing"
        }
        outcome.height = honest.map { nodes[$0].finalisedHeight }.max() ?? 0
        outcome.round =
            honest.compactMap { nodes[$0].gadget?.round.rawValue }.max() ?? 0
        return outcome
    }

    /// Microseconds from a range of milliseconds.
    mutating func pick(_ low: UInt64, _ high: UInt64) -> UInt64 {
        UInt64.random(in: low * 1_000...max(low, high) * 1_000, using: &random)
    }

    mutating func chance(percent: UInt64) -> Bool {
        UInt64.random(in: 0..<100, using: &random) < percent
    }

    private mutating func schedule(_ event: Event, about milliseconds: UInt64) {
        guard milliseconds > 0, !isHealed else { return }
        queue.schedule(event, at: now + pick(milliseconds / 4, milliseconds * 2))
    }

    private mutating func happen(_ event: Event) {
        mix(now)
        switch event {
        case .deliver(let to, let from, let message): receive(message, at: to, from: from)
        case .timer(let node, let life, let timer, let deadline):
            guard nodes[node].life == life, nodes[node].timers[timer] == deadline else { return }
            nodes[node].timers[timer] = nil
            handle(.timer(timer), at: node)
        case .signed(let node, let life, let vote):
            guard nodes[node].life == life else { return }
            handle(.signed(vote.slot, Self.signature), at: node)
        case .persisted(let node, let life):
            guard nodes[node].life == life else { return }
            written(node)
        case .tick(let node, let life):
            guard nodes[node].life == life else { return }
            sendAgain(node)
            queue.schedule(.tick(node, life: life), at: now + pick(800, 1_200))
        case .makeBlock: makeBlock()
        case .changePartition:
            guard !isHealed else { return }
            changeLinks()
            schedule(.changePartition, about: profile.partitionMilliseconds)
        case .crash:
            guard !isHealed else { return }
            crash(Int.random(in: honest, using: &random))
            if chance(percent: 20) { for node in honest { crash(node) } }
            schedule(.crash, about: profile.crashMilliseconds)
        case .restart(let node): start(node)
        case .noise:
            guard !isHealed else { return }
            let node = Int.random(in: honest, using: &random)
            handle(.measurement(.unusable(.stale)), at: node)
            if chance(percent: 50) {
                handle(
                    .measurement(.usable(Fixture.state)),
                    at: Int.random(in: honest, using: &random))
            }
            schedule(.noise, about: profile.noiseMilliseconds)
        case .byzantineVotes: byzantineVotes()
        }
    }

    private mutating func heal() {
        isHealed = true
        for row in links.indices { links[row] = links[row].map { _ in true } }
        for node in honest.shuffled(using: &random).prefix(profile.lost) {
            crash(node)
            nodes[node].isLost = true
        }
        for node in honest where !nodes[node].isLost {
            if nodes[node].gadget == nil { start(node) }
            handle(.measurement(.usable(Fixture.state)), at: node)
        }
    }

    /// Two sides that do not hear each other, some links that are down one way, or no trouble.
    private mutating func changeLinks() {
        let kind = UInt64.random(in: 0..<5, using: &random)
        let percent = UInt64.random(in: 20..<80, using: &random)
        let sides = links.indices.map { _ in chance(percent: 60) }
        for sender in links.indices {
            for receiver in links.indices {
                links[sender][receiver] =
                    switch kind {
                    case 0: true
                    case 1: sides[sender] == sides[receiver]
                    default: !chance(percent: percent)
                    }
            }
        }
    }

    mutating func mix(_ value: UInt64) {
        outcome.digest = (outcome.digest ^ value) &* 0x0000_0100_0000_01B3
    }

    mutating func violate(_ what: String) {
        if outcome.violation == nil { outcome.violation = "\(what), at \(now / 1_000) ms" }
    }

    static let signature =
        [SignatureFormat.firstByte] + [UInt8](repeating: 0, count: SignatureFormat.byteCount - 1)

    // MARK: Blocks

    private mutating func makeBlock() {
        let alive = honest.filter { nodes[$0].gadget != nil }
        if let author = alive.randomElement(using: &random) {
            let count = chance(percent: 10) ? 2 : 1
            for _ in 0..<count {
                let tree = nodes[author].tree
                // Mostly on the best head, sometimes on another one.
                let heads = tree.heads.count
                let parent =
                    chance(percent: 85)
                    ? tree.best : tree.heads[Int.random(in: 0..<heads, using: &random)]
                let block = block(on: parent)
                allBlocks[block.hash] = block
                blockOrder.append(block)
                take([block], at: author)
                for other in honest where other != author {
                    send(.blocks([block]), from: author, to: other)
                }
            }
        }
        queue.schedule(
            .makeBlock, at: now + pick(profile.blockMilliseconds / 2, profile.blockMilliseconds * 2)
        )
    }

    private func block(on parent: BlockRef) -> Block {
        let number = UInt64(blockOrder.count + 1)
        return Block(
            header: Header(
                parentHash: parent.hash, number: BlockNumber(parent.number.rawValue + 1),
                stateRoot: .zero, extrinsicsRoot: .zero,
                digest: [.preRuntime(.aura, SlotNumber(number).scaleBytes)]),
            extrinsics: [])
    }

    /// Imports blocks, parks those whose parents are missing, and tells the gadget.
    mutating func take(_ blocks: [Block], at node: Int) {
        nodes[node].parked += blocks
        var isProgress = true
        while isProgress {
            isProgress = false
            let parked = nodes[node].parked
            nodes[node].parked = []
            for block in parked {
                do {
                    _ = try nodes[node].tree.insert(block, state: state, waivingSlotLimit: true)
                    nodes[node].blocks.append(block)
                    nodes[node].wanted.removeAll { $0 == block.ref }
                    isProgress = true
                    handle(.blockImported(block.ref), at: node)
                } catch .unknownParent where block.number > nodes[node].tree.finalised.number {
                    if nodes[node].parked.count < 64 { nodes[node].parked.append(block) }
                } catch {}
            }
        }
        if let block = nodes[node].parked.first, let number = block.number.rawValue.predecessor {
            want(BlockRef(hash: block.header.parentHash, number: BlockNumber(number)), at: node)
        }
    }

    mutating func want(_ block: BlockRef, at node: Int) {
        guard !nodes[node].tree.contains(block.hash) else { return }
        if !nodes[node].wanted.contains(block), nodes[node].wanted.count < 16 {
            nodes[node].wanted.append(block)
        }
        for other in honest where other != node {
            send(.blockRequest(block), from: node, to: other)
        }
    }
}

extension UInt32 {
    fileprivate var predecessor: UInt32? { self == 0 ? nil : self - 1 }
}
