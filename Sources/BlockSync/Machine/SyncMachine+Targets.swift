internal import Chain
internal import Primitives

/// Fetching blocks by hash, with their missing ancestors.
extension SyncMachine {
    mutating func addTarget(
        _ ref: BlockRef, parent: Hash256? = nil, isWanted: Bool, sources: [PeerHandle],
        now: Instant
    ) {
        if let index = targets.firstIndex(where: { $0.ref.hash == ref.hash }) {
            for peer in sources { targets[index].addSource(peer) }
            if isWanted { targets[index].isWanted = true }
            return
        }
        let announcer = isWanted ? nil : sources.first
        if let announcer {
            let own = targets.filter { $0.announcer == announcer }.count
            guard own < configuration.maximumTargetCountPerPeer else { return }
        }
        if targets.count >= configuration.maximumTargetCount {
            // What votes name goes before what was merely announced.
            let announced = targets.last { !$0.isWanted }
            guard isWanted, let victim = announced ?? targets.first else { return }
            dropTarget(victim.ref.hash)
        }
        targets.append(
            BlockTarget(
                ref: ref, parent: parent, isWanted: isWanted, announcer: announcer,
                sources: sources, now: now))
    }

    /// Makes targets of heads that peers claim and that nothing else brings.
    mutating func chaseClaims(tree: BlockTree, now: Instant) {
        guard catchUp == nil, hasHigherClaim(tree: tree) else { return }
        for place in peers.handles.indices {
            guard let best = peers.idleClaim(at: place, above: tree.best.number, now),
                !isKnown(best.hash, tree: tree), !isFollowed(best.number, tree: tree),
                isWithinDepth(best.number, tree: tree)
            else { continue }
            let handle = peers.handles[place]
            addTarget(best, isWanted: false, sources: [handle], now: now)
        }
    }

    /// Whether a peer claims a higher head than ours.
    func hasHigherClaim(tree: BlockTree) -> Bool {
        peers.highestClaim.map { $0 > tree.best.number } ?? false
    }

    /// A peer does not serve a block: its claim to have it is void.
    mutating func voidClaim(_ hash: Hash256, of handle: PeerHandle) {
        peers.update(handle) { peer in
            guard peer.best.hash == hash else { return }
            peer.best = BlockRef(hash: hash, number: BlockNumber(0))
        }
    }

    mutating func dropTarget(_ hash: Hash256) {
        guard let index = targets.firstIndex(where: { $0.ref.hash == hash }) else { return }
        let target = targets.remove(at: index)
        if let request = target.request { abandonRequest(request) }
    }

    /// Asks for targets, oldest first, as far as peers are free.
    mutating func requestTargets(tree: BlockTree, now: Instant) {
        var done: [Hash256] = []
        for index in targets.indices {
            let target = targets[index]
            guard target.request == nil, target.notBefore <= now else { continue }
            if isKnown(target.ref.hash, tree: tree) {
                done.append(target.ref.hash)
                continue
            }
            guard target.next.number > tree.finalised.number else {
                done.append(target.ref.hash)
                continue
            }
            guard verification.count < configuration.maximumVerifyingCount,
                !isFollowed(target.ref.number, tree: tree),
                isWithinDepth(target.ref.number, tree: tree),
                let peer = source(of: target, now: now)
            else { continue }
            let request = BlockRequest(
                fields: .everything, start: .hash(target.next.hash), direction: .descending,
                maximumCount: count(for: target, tree: tree))
            targets[index].request = send(
                request, to: peer, for: .target(target.ref.hash), now: now)
        }
        for hash in done { dropTarget(hash) }
    }

    /// How many blocks to ask for: the one if its parent is known; else what seems to be missing,
    /// at least four; from the second request on as many as allowed.
    private func count(for target: BlockTarget, tree: BlockTree) -> UInt32 {
        if let parent = target.parent, isKnown(parent, tree: tree) { return 1 }
        let above = target.next.number.rawValue - tree.finalised.number.rawValue
        let most = min(above, UInt32(configuration.maximumBlocksPerRequest))
        guard target.next == target.ref else { return most }
        let best = tree.best.number.rawValue
        let gap = target.ref.number.rawValue > best ? target.ref.number.rawValue - best : 0
        return min(most, max(gap, 4))
    }

    /// The peer to ask for a target: a source; for what votes name, any peer that is high enough.
    private func source(of target: BlockTarget, now: Instant) -> PeerHandle? {
        if let peer = peers.next(at: now, where: { target.sources.contains($0.handle) }) {
            return peer
        }
        guard target.isWanted else { return nil }
        return peers.next(at: now) { $0.best.number >= target.ref.number }
    }

    mutating func targetReceived(
        _ hash: Hash256, _ items: [CollectedBlock], _ peer: PeerHandle, tree: BlockTree,
        now: Instant
    ) {
        guard let index = targets.firstIndex(where: { $0.ref.hash == hash }) else { return }
        targets[index].request = nil
        guard let last = items.last else {
            report(peer, .unserved)
            voidClaim(hash, of: peer)
            return targetFailed(hash, peer, now: now)
        }
        // The number that was claimed for the block may be wrong: what counts is the header's.
        targets[index].collected += items
        targets[index].byteCount += items.reduce(0) { $0 + $1.block.encodedByteCount }
        trimCollected(at: index)
        let below = last.block.header
        if isKnown(below.parentHash, tree: tree) {
            return complete(index, tree: tree, now: now)
        }
        guard below.number.rawValue > tree.finalised.number.rawValue + 1 else {
            // It links to no known block though it reaches down to F's height.
            report(peer, .conflictsWithFinality)
            voidClaim(hash, of: peer)
            return dropTarget(hash)
        }
        targets[index].next = BlockRef(
            hash: below.parentHash, number: BlockNumber(below.number.rawValue - 1))
    }

    /// Keeps the blocks fetched by hash within their bound: the highest go first, since the lowest
    /// link up first and the others can be asked for again.
    private mutating func trimCollected(at index: Int) {
        let total = targets.reduce(0) { $0 + $1.byteCount }
        var excess = total - configuration.maximumCollectedByteCount
        var count = 0
        while excess > 0 && count < targets[index].collected.count - 1 {
            let size = targets[index].collected[count].block.encodedByteCount
            excess -= size
            targets[index].byteCount -= size
            count += 1
        }
        targets[index].collected.removeFirst(count)
    }

    /// Offers a target's blocks for import, the lowest first.
    private mutating func complete(_ index: Int, tree: BlockTree, now: Instant) {
        let target = targets[index]
        let isWhole = target.collected.first?.block.hash == target.ref.hash
        for item in target.collected.reversed() {
            let isHead = item.block.hash == target.ref.hash
            let origin: BlockOrigin =
                isHead ? (target.isWanted ? .wanted : .announced) : .ancestor
            let outcome = offer(item, origin: origin, tree: tree)
            if outcome == .taken || outcome == .known { continue }
            voidClaim(target.ref.hash, of: item.source)
            if outcome == .invalid { blame(item.source, now: now, isFault: true) }
            guard target.isWanted, outcome == .postponed else {
                return dropTarget(target.ref.hash)
            }
            // What votes name is tried again.
            return resetTarget(at: index, notBefore: now + configuration.maximumRetryDelay)
        }
        if isWhole {
            dropTarget(target.ref.hash)
        } else {
            // The upper part was not kept: it is fetched anew and links to what was taken.
            resetTarget(at: index, notBefore: now)
        }
    }

    private mutating func resetTarget(at index: Int, notBefore: Instant) {
        targets[index].collected = []
        targets[index].byteCount = 0
        targets[index].next = targets[index].ref
        targets[index].notBefore = notBefore
    }

    mutating func targetFailed(_ hash: Hash256, _ peer: PeerHandle, now: Instant) {
        guard let index = targets.firstIndex(where: { $0.ref.hash == hash }) else { return }
        targets[index].request = nil
        targets[index].failureCount += 1
        // Other sources come first. The last one is kept for another try, unless votes name the
        // block: then whoever is high enough may have it, and one that withholds it must not be
        // asked for ever.
        let wasSource = targets[index].sources.contains(peer)
        let hasOthers = targets[index].sources.contains { $0 != peer }
        if hasOthers || targets[index].isWanted { targets[index].sources.removeAll { $0 == peer } }
        let attempts = targets[index].failureCount
        if attempts >= configuration.maximumAttemptCount && !targets[index].isWanted {
            for source in targets[index].sources { voidClaim(hash, of: source) }
            return dropTarget(hash)
        }
        let delay = min(
            configuration.retryDelay * (1 << min(attempts - 1, 8)),
            configuration.maximumRetryDelay)
        // At once only as long as each time there is a source less: whoever was asked without being
        // one would be asked again and again, and nothing else of him.
        targets[index].notBefore = wasSource && hasOthers ? now : now + delay
    }
}
