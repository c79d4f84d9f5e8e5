internal import Chain
internal import Primitives

/// Following peers by height.
extension SyncMachine {
    /// Whether a peer claims to be far ahead: by a gap that single blocks do not fill, or above
    /// what the tree's depth lets in, where no single block would be taken.
    func isBehind(tree: BlockTree) -> Bool {
        guard let claim = peers.highestClaim else { return false }
        return UInt64(claim.rawValue)
            > UInt64(tree.best.number.rawValue) + UInt64(configuration.catchUpGap)
            || claim.rawValue > ceiling(of: tree)
    }

    /// The highest block that the tree's depth lets in.
    private func ceiling(of tree: BlockTree) -> UInt32 {
        UInt32(clamping: UInt64(tree.finalised.number.rawValue) + UInt64(tree.limits.maximumDepth))
    }

    /// The height to reach: the best claim of a peer that is not resting, within the tree's depth.
    private func goal(tree: BlockTree, now: Instant) -> UInt32 {
        let claim = peers.highestClaim { $0.request != nil || $0.notBefore <= now }
        return min(claim?.rawValue ?? 0, ceiling(of: tree))
    }

    mutating func startCatchUp(tree: BlockTree, now: Instant) {
        guard catchUp == nil, isBehind(tree: tree),
            goal(tree: tree, now: now) > tree.best.number.rawValue
        else { return }
        catchUp = CatchUp(next: tree.best.number.rawValue + 1)
        effects.append(
            .note(
                .catchingUp(
                    from: tree.best.number, to: BlockNumber(goal(tree: tree, now: now)))))
    }

    /// Begins anew from the best head; requests under way are forgotten.
    mutating func restartCatchUp() {
        guard let old = catchUp else { return }
        for window in old.windows {
            if let request = window.request { abandonRequest(request) }
        }
        catchUp = nil
    }

    /// Adds windows up to the goal and asks for those that wait.
    mutating func requestWindows(tree: BlockTree, now: Instant) {
        guard var session = catchUp else { return }
        let goal = goal(tree: tree, now: now)
        let mostWindows = session.isLinked ? configuration.maximumWindowCount : 1
        let room = configuration.maximumVerifyingCount - configuration.maximumBlocksPerRequest
        while session.windows.count < mostWindows, session.next <= goal,
            verification.count <= room
        {
            let count = min(
                UInt32(configuration.maximumBlocksPerRequest), goal - session.next + 1)
            session.windows.append(
                CatchUp.Window(id: nextID(), start: session.next, count: count))
            session.next += count
        }
        for index in session.windows.indices {
            let window = session.windows[index]
            guard window.request == nil, window.blocks == nil,
                let peer = source(of: window, now: now)
            else { continue }
            let request = BlockRequest(
                fields: .everything, start: .number(BlockNumber(window.start)),
                direction: .ascending, maximumCount: window.count)
            session.windows[index].request = send(
                request, to: peer, for: .window(window.id), now: now)
        }
        catchUp = session
        endCatchUpIfDone(goal: goal, tree: tree)
    }

    private func source(of window: CatchUp.Window, now: Instant) -> PeerHandle? {
        func claims(_ peer: SyncPeer) -> Bool { peer.best.number.rawValue >= window.start }
        if let pinned = window.pinned, let peer = peers[pinned], claims(peer) {
            return peers.next(at: now) { $0.handle == pinned }
        }
        // An exclusion holds as long as there is somebody else to ask.
        let hasOthers = peers.highestClaim {
            claims($0) && !window.excluded.contains($0.handle)
        }
        return peers.next(at: now) { peer in
            claims(peer) && (hasOthers == nil || !window.excluded.contains(peer.handle))
        }
    }

    /// The session is over when everything up to the goal was taken and checked, or when nobody
    /// is left who claims more.
    private mutating func endCatchUpIfDone(goal: UInt32, tree: BlockTree) {
        guard let session = catchUp, verification.followedCount == 0 else { return }
        if let first = session.windows.first {
            // The claims that the windows were made for do not hold.
            if first.start > goal { restartCatchUp() }
        } else if session.next > goal {
            catchUp = nil
            guard session.isLinked, !isBehind(tree: tree) else { return }
            effects.append(.note(.caughtUp(tree.best)))
            if let header = tree.header(tree.best.hash) { announce(header, tree: tree) }
        }
    }

    mutating func windowReceived(
        _ id: UInt64, _ items: [CollectedBlock], _ peer: PeerHandle, tree: BlockTree, now: Instant
    ) {
        guard let index = catchUp?.windows.firstIndex(where: { $0.id == id }),
            let window = catchUp?.windows[index]
        else { return }
        catchUp?.windows[index].request = nil
        guard !items.isEmpty else {
            // It does not have what it claimed to have.
            report(peer, .unserved)
            blame(peer, now: now)
            peers.update(peer) { peer in
                guard peer.best.number.rawValue >= window.start else { return }
                peer.best = BlockRef(hash: peer.best.hash, number: BlockNumber(window.start - 1))
            }
            catchUp?.windows[index].pinned = nil
            return
        }
        catchUp?.windows[index].blocks = items
        takeWindows(tree: tree, now: now)
    }

    mutating func windowFailed(_ id: UInt64, _ peer: PeerHandle) {
        guard let index = catchUp?.windows.firstIndex(where: { $0.id == id }) else { return }
        catchUp?.windows[index].request = nil
        // One lost message does not end a search; several do.
        if peers[peer].map({ $0.failureCount >= 3 }) ?? true {
            catchUp?.windows[index].pinned = nil
        }
    }

    /// Takes the windows at the front whose blocks are there.
    private mutating func takeWindows(tree: BlockTree, now: Instant) {
        while let window = catchUp?.windows.first, let items = window.blocks,
            let first = items.first
        {
            guard isKnown(first.block.header.parentHash, tree: tree) else {
                return unlinked(window, first, tree: tree, now: now)
            }
            catchUp?.isLinked = true
            catchUp?.step = 1
            catchUp?.lastSource = first.source
            // The highest certificate makes the blocks below final as well, but each set is needed
            // to check the next one's: so those of hand-off blocks matter too.
            let highest = items.lastIndex { $0.justification != nil }
            for (position, item) in items.enumerated() {
                let isNeeded = position == highest || item.block.header.handOff != nil
                let kept = CollectedBlock(
                    block: item.block, justification: isNeeded ? item.justification : nil,
                    source: item.source)
                let outcome = offer(kept, origin: .followed, tree: tree)
                guard outcome == .taken || outcome == .known else {
                    // Bad, or of a slot that has not begun: what follows has to wait.
                    blame(item.source, now: now, isFault: outcome == .invalid)
                    return restartCatchUp()
                }
            }
            shorten(window, by: UInt32(items.count))
        }
    }

    /// Removes what was taken from the first window; a rest that did not come is asked for next.
    private mutating func shorten(_ window: CatchUp.Window, by count: UInt32) {
        if count >= window.count {
            catchUp?.windows.removeFirst()
        } else {
            catchUp?.windows[0].start += count
            catchUp?.windows[0].count -= count
            catchUp?.windows[0].blocks = nil
        }
    }

    /// The first window does not link to a known block.
    private mutating func unlinked(
        _ window: CatchUp.Window, _ first: CollectedBlock, tree: BlockTree, now: Instant
    ) {
        if let source = catchUp?.lastSource, source != first.source, peers[source] != nil,
            !window.isDisputed
        {
            // Two peers disagree: the range is taken from the one whose blocks came before, if it
            // goes on at all.
            catchUp?.windows[0].isDisputed = true
            catchUp?.windows[0].blocks = nil
            catchUp?.windows[0].pinned = source
            catchUp?.windows[0].excluded.append(first.source)
            return
        }
        let lowest = tree.finalised.number.rawValue + 1
        guard window.start > lowest else {
            report(first.source, .conflictsWithFinality)
            blame(first.source, now: now, isFault: true)
            return restartCatchUp()
        }
        // Step back with the same peer until its chain meets ours.
        let step = catchUp?.step ?? 1
        restartCatchUp()
        let start = window.start - lowest > step ? window.start - step : lowest
        let count = min(
            UInt32(configuration.maximumBlocksPerRequest), ceiling(of: tree) - start + 1)
        catchUp = CatchUp(
            windows: [
                CatchUp.Window(id: nextID(), start: start, count: count, pinned: first.source)
            ], next: start + count, step: step * 2)
    }

    // MARK: Finality

    /// Whether peers have blocks that the tree's depth keeps out until finality moves.
    func isHeldUpByFinality(tree: BlockTree) -> Bool {
        guard tree.isAtMaximumDepth, let claim = peers.highestClaim else {
            return false
        }
        return claim > tree.best.number
    }

    /// Asks peers for the certificates of their final blocks, by height from above F, in turns. Our
    /// best chain may be a fork that is as deep as the tree allows, and the final blocks another
    /// one: so the heights are asked for and not our blocks, and what is missing of theirs is
    /// fetched, which the depth has room for.
    mutating func requestJustifications(tree: BlockTree, now: Instant) {
        guard isHeldUpByFinality(tree: tree) else {
            stall.isNoted = false
            return
        }
        if !stall.isNoted {
            stall.isNoted = true
            stall.next = nil
            stall.notBefore = now + configuration.justificationInterval
            effects.append(.note(.waitingForFinality(tree.best)))
        }
        guard stall.request == nil, stall.notBefore <= now else { return }
        guard let peer = peers.next(at: now, where: { $0.best.number > tree.finalised.number })
        else { return }
        let lowest = tree.finalised.number.rawValue + 1
        var start = max(stall.next?.rawValue ?? lowest, lowest)
        if start > ceiling(of: tree) { start = lowest }
        let count = min(
            UInt32(configuration.maximumBlocksPerRequest), ceiling(of: tree) - start + 1)
        let request = BlockRequest(
            fields: [.header, .justification], start: .number(BlockNumber(start)),
            direction: .ascending, maximumCount: count)
        stall.request = send(request, to: peer, for: .justifications, now: now)
        stall.notBefore = now + configuration.justificationInterval
        stall.next = BlockNumber(start + count)
    }

    mutating func justificationsReceived(
        _ items: [CollectedBlock], from peer: PeerHandle, tree: BlockTree, now: Instant
    ) {
        stall.request = nil
        if items.isEmpty { stall.next = nil }
        let found = items.filter { $0.justification != nil && tree.contains($0.block.hash) }
        if let highest = found.last?.block.hash {
            for item in found where item.block.hash == highest || item.block.header.handOff != nil {
                guard let justification = item.justification else { continue }
                effects.append(.justification(justification, item.source))
            }
            return
        }
        // Without the blocks no certificate helps. The next time round they are there.
        guard let missing = items.last, !isKnown(missing.block.hash, tree: tree) else { return }
        addTarget(missing.block.ref, isWanted: false, sources: [peer], now: now)
        stall.next = nil
    }
}
