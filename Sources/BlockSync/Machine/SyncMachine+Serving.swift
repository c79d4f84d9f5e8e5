internal import Chain
internal import Primitives

/// Answering peers: blocks above F from the tree, finalised ones from storage.
extension SyncMachine {
    /// A request that waits for storage.
    struct ServedRequest: Sendable {
        let id: InboundRequestID
        let peer: PeerHandle
        let request: BlockRequest
        /// Blocks of the tree that come before those of storage.
        let before: [BlockData]
        /// How many blocks are wanted from storage and the tree above it.
        let remaining: Int
        /// How many of them storage was asked for.
        let storedCount: Int
    }

    mutating func serve(
        _ id: InboundRequestID, _ peer: PeerHandle, _ bytes: [UInt8], tree: BlockTree,
        now: Instant
    ) {
        guard peers[peer] != nil else { return effects.append(.refuse(id)) }
        let isWithin = peers.update(peer) { $0.requests.take(now: now) } ?? false
        guard accept(isWithin, from: peer),
            (peers[peer]?.servedCount ?? 0) < configuration.maximumServedCountPerPeer,
            served.count < configuration.maximumServedCount
        else { return effects.append(.refuse(id)) }
        let request: BlockRequest
        do {
            request = try BlockRequest(decoding: bytes)
        } catch {
            report(peer, .malformed)
            return effects.append(.refuse(id))
        }
        let wanted =
            request.maximumCount == 0
            ? BlockResponse.maximumBlockCount : Int(clamping: request.maximumCount)
        let count = min(wanted, BlockResponse.maximumBlockCount)
        let plan = plan(request, count: count, tree: tree)
        guard let start = plan.storageStart else {
            return respond(id, request, plan.blocks, peer: peer)
        }
        let remaining = count - plan.blocks.count
        let stored = min(remaining, plan.storedCount)
        let read = ReadID(nextID())
        served[read] = ServedRequest(
            id: id, peer: peer, request: request, before: plan.blocks, remaining: remaining,
            storedCount: stored)
        peers.update(peer) { $0.servedCount += 1 }
        effects.append(
            .readBlocks(
                read,
                StoredBlockQuery(
                    start: start, direction: request.direction, maximumCount: stored,
                    maximumByteCount: configuration.maximumServedByteCount,
                    includesJustifications: request.fields.contains(.justification))))
    }

    /// What the tree contributes first, and where storage has to go on, if at all.
    private func plan(
        _ request: BlockRequest, count: Int, tree: BlockTree
    ) -> (blocks: [BlockData], storageStart: BlockStart?, storedCount: Int) {
        let finalised = tree.finalised.number
        let start: BlockRef
        switch request.start {
        case .hash(let hash):
            guard let ref = tree.ref(hash), ref.number > finalised else {
                return ([], .hash(hash), count)
            }
            start = ref
        case .number(let number):
            guard number > finalised else {
                let upToF = Int(finalised.rawValue - number.rawValue) + 1
                let most = request.direction == .ascending ? upToF : Int(number.rawValue) + 1
                return ([], .number(number), min(count, most))
            }
            guard let hash = tree.ancestor(of: tree.best.hash, at: number) else {
                return ([], nil, 0)
            }
            start = BlockRef(hash: hash, number: number)
        }
        switch request.direction {
        case .ascending:
            let head = tree.bestHead(descendingFrom: start.hash) ?? start
            return (ascending(from: start.number, through: head, count, request, tree), nil, 0)
        case .descending:
            let lowest = Int(start.number.rawValue) - count + 1
            let first = max(lowest, Int(finalised.rawValue) + 1)
            let blocks = ascending(
                from: BlockNumber(UInt32(first)), through: start, count, request, tree)
            guard blocks.count < count else { return (blocks.reversed(), nil, 0) }
            return (blocks.reversed(), .number(finalised), Int(finalised.rawValue) + 1)
        }
    }

    /// At most `count` blocks of the tree from a height up to a block.
    private func ascending(
        from first: BlockNumber, through last: BlockRef, _ count: Int, _ request: BlockRequest,
        _ tree: BlockTree
    ) -> [BlockData] {
        let highest = UInt64(first.rawValue) + UInt64(count) - 1
        let end = BlockNumber(UInt32(clamping: min(highest, UInt64(last.number.rawValue))))
        guard let hash = tree.ancestor(of: last.hash, at: end) else { return [] }
        return tree.chain(from: first, through: hash).compactMap { hash in
            tree.block(hash).map { Self.part($0, nil, fields: request.fields) }
        }
    }

    private static func part(
        _ block: Block, _ justification: [UInt8]?, fields: BlockFields
    ) -> BlockData {
        let proofs = justification.map { [Justification(engine: .coherence, bytes: $0)] } ?? []
        return BlockData(
            hash: block.hash, header: fields.contains(.header) ? block.header : nil,
            extrinsics: fields.contains(.body) ? block.extrinsics : [],
            justifications: fields.contains(.justification) ? proofs : [])
    }

    mutating func storedBlocks(_ id: ReadID, _ stored: [StoredBlock], tree: BlockTree) {
        guard let job = served.removeValue(forKey: id) else { return }
        peers.update(job.peer) { $0.servedCount -= 1 }
        var blocks = job.before
        blocks += stored.prefix(job.storedCount).map {
            Self.part($0.block, $0.justification, fields: job.request.fields)
        }
        // An ascending answer that reached F goes on in the tree.
        let remaining = job.remaining - stored.count
        if job.request.direction == .ascending, remaining > 0,
            stored.last?.block.hash == tree.finalised.hash,
            let first = tree.finalised.number.successor
        {
            blocks += ascending(from: first, through: tree.best, remaining, job.request, tree)
        }
        respond(job.id, job.request, blocks, peer: job.peer)
    }

    /// Sends as many blocks as the response may have bytes, at least one.
    private mutating func respond(
        _ id: InboundRequestID, _ request: BlockRequest, _ blocks: [BlockData], peer: PeerHandle
    ) {
        var room = configuration.maximumServedByteCount
        var parts: [BlockData] = []
        for block in blocks {
            room -= block.byteCount
            if room < 0 && !parts.isEmpty { break }
            parts.append(block)
        }
        guard let bytes = try? BlockResponse(blocks: parts).encoded() else {
            return effects.append(.refuse(id))
        }
        peers.update(peer) { peer in
            for block in parts { peer.knownBlocks.insert(block.hash) }
        }
        effects.append(.respond(id, bytes))
    }
}
