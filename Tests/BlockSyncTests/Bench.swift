import BlockSync
import Chain
import Primitives
import SCALE

/// One machine with its tree, fed by hand: for transcripts.
struct Bench {
    let chain: TestChain
    var machine: SyncMachine
    var tree: BlockTree
    var now = Instant(nanoseconds: 1_000_000_000)

    init(
        chain: TestChain, currentSlot: UInt64 = 1_000, limits: TreeLimits = .standard,
        configure: (inout SyncConfiguration) -> Void = { _ in }
    ) {
        self.chain = chain
        var configuration = SyncConfiguration(
            genesisHash: chain.genesis.hash, roles: .authority)
        configure(&configuration)
        machine = SyncMachine(
            configuration: configuration, currentSlot: SlotNumber(currentSlot),
            evidence: .noEvidence)
        tree = chain.tree(limits: limits)
        // The first input shows the handshake; tests begin after it.
        _ = machine.handle(.timer(.wake), tree: &tree, now: now)
    }

    mutating func send(_ input: SyncMachine.Input) -> [SyncMachine.Effect] {
        machine.handle(input, tree: &tree, now: now)
    }

    mutating func wait(_ duration: Duration) -> [SyncMachine.Effect] {
        now = now + duration
        return send(.timer(.wake))
    }

    /// Opens a stream to a peer with a best block, genesis if nil.
    @discardableResult
    mutating func connect(_ peer: PeerHandle, best: BlockRef? = nil) -> [SyncMachine.Effect] {
        send(.streamOpened(peer, handshake: handshake(best: best ?? chain.genesis.ref)))
    }

    func handshake(best: BlockRef) -> [UInt8] {
        BlockAnnouncesHandshake(
            roles: .authority, best: best, genesisHash: chain.genesis.hash
        ).scaleBytes
    }

    @discardableResult
    mutating func announce(_ block: Block, by peer: PeerHandle) -> [SyncMachine.Effect] {
        send(.announcement(peer, announcement(block)))
    }

    func announcement(_ block: Block, isBest: Bool = true) -> [UInt8] {
        BlockAnnouncement(header: block.header, isBest: isBest).scaleBytes
    }

    /// Runs signature checks, and those that follow from them; returns the other effects.
    mutating func settle(_ effects: [SyncMachine.Effect]) -> [SyncMachine.Effect] {
        var others: [SyncMachine.Effect] = []
        var pending = effects
        while !pending.isEmpty {
            let effect = pending.removeFirst()
            if case .check(let id, let checks) = effect {
                pending += send(.checked(id, checks.map { $0.run(using: TagScheme()) }))
            } else {
                others.append(effect)
            }
        }
        return others
    }

    /// Puts a chain into the tree as if it had been stored.
    mutating func load(_ blocks: [Block]) throws {
        for block in blocks {
            guard var state = tree.state(of: block.header.parentHash) else {
                throw BlockTree.ImportError.unknownParent(block.header.parentHash)
            }
            try state.apply(block.extrinsics)
            _ = try tree.insert(block, state: state)
        }
        _ = machine.handle(.timer(.wake), tree: &tree, now: now)
    }
}

/// A request as the machine sent it.
struct SentRequest: Equatable {
    let id: RequestID
    let peer: PeerHandle
    let request: BlockRequest
}

extension [SyncMachine.Effect] {
    /// The requests among the effects.
    var requests: [SentRequest] {
        compactMap { effect in
            guard case .request(let id, let peer, let bytes) = effect,
                let request = try? BlockRequest(decoding: bytes)
            else { return nil }
            return SentRequest(id: id, peer: peer, request: request)
        }
    }

    /// The offences reported.
    var offences: [SyncOffence] {
        compactMap { if case .report(_, let offence) = $0 { offence } else { nil } }
    }

    /// The blocks imported.
    var imported: [Block] {
        compactMap { if case .imported(let block) = $0 { block } else { nil } }
    }

    /// The notes.
    var notes: [SyncNote] {
        compactMap { if case .note(let note) = $0 { note } else { nil } }
    }

    /// The effects without timers and handshakes.
    var essential: [SyncMachine.Effect] {
        filter {
            switch $0 {
            case .setTimer, .handshakeChanged: false
            default: true
            }
        }
    }
}

/// The bytes of a response with whole blocks.
func responseBytes(_ blocks: [Block], certificates: [Hash256: [UInt8]] = [:]) throws -> [UInt8] {
    try BlockResponse(
        blocks: blocks.map { block in
            BlockData(
                hash: block.hash, header: block.header, extrinsics: block.extrinsics,
                justifications: certificates[block.hash].map {
                    [Justification(engine: .coherence, bytes: $0)]
                } ?? [])
        }
    ).encoded()
}

let peerA = PeerHandle(1)
let peerB = PeerHandle(2)
let peerC = PeerHandle(3)
