internal import Chain
internal import Primitives
internal import SCALE

/// Streams, announcements and the choice between fetching by hash and following by height.
extension SyncMachine {
    mutating func streamOpened(
        _ peer: PeerHandle, _ bytes: [UInt8], tree: BlockTree, now: Instant
    ) {
        guard let handshake = try? SCALEDecoder.decode(BlockAnnouncesHandshake.self, from: bytes)
        else { return report(peer, .malformed) }
        guard handshake.genesisHash == configuration.genesisHash else {
            return report(peer, .wrongGenesis)
        }
        if peers[peer] != nil { streamClosed(peer, now: now) }
        peers.insert(
            SyncPeer(
                handle: peer, best: handshake.best, configuration: configuration, now: now))
        learn(handshake.best, from: peer, tree: tree, now: now)
    }

    mutating func streamClosed(_ peer: PeerHandle, now: Instant) {
        for id in requestOrder where requests[id]?.peer == peer {
            if let request = abandonRequest(id) { requestFailed(request, now: now) }
        }
        peers.remove(peer)
        parked.removeAll { $0.source == peer }
        for index in targets.indices { targets[index].sources.removeAll { $0 == peer } }
        for target in targets where target.sources.isEmpty && !target.isWanted {
            dropTarget(target.ref.hash)
        }
    }

    mutating func announcement(
        _ peer: PeerHandle, _ bytes: [UInt8], tree: BlockTree, now: Instant
    ) {
        guard peers[peer] != nil else { return }
        let isWithin = peers.update(peer) { $0.announcements.take(now: now) } ?? false
        guard accept(isWithin, from: peer) else { return }
        guard let message = announcements.decode(bytes) else {
            return report(peer, .malformed)
        }
        announced(message.header, by: peer, tree: tree, now: now)
    }

    /// Notes whether a peer keeps to its budget; reported once until it does again.
    mutating func accept(_ isWithin: Bool, from peer: PeerHandle) -> Bool {
        let isFirst =
            peers.update(peer) { peer in
                defer { peer.reportedFlood = !isWithin }
                return !isWithin && !peer.reportedFlood
            } ?? false
        if isFirst { report(peer, .flooded) }
        return isWithin
    }

    /// Takes a header that a peer announced.
    mutating func announced(
        _ header: Header, by peer: PeerHandle, tree: BlockTree, now: Instant
    ) {
        peers.update(peer) { $0.knownBlocks.insert(header.hash) }
        guard header.number > tree.finalised.number else { return }
        if isKnown(header.hash, tree: tree) {
            peers.update(peer) { $0.best = max($0.best, header.ref) }
            return
        }
        let form: (slot: SlotNumber, seal: [UInt8])
        do {
            form = try BlockChecker.checkForm(header)
        } catch {
            return report(peer, .invalidBlock(header.hash, error))
        }
        switch form.slot.timing(at: currentSlot) {
        case .begun: break
        case .next: return park(header, from: peer)
        case .farAhead:
            effects.append(.note(.farAhead(header.ref, form.slot, peer)))
            return
        }
        if let set = tree.state(of: header.parentHash)?.setInForce,
            tree.isSlotTaken(form.slot, author: set.author(of: form.slot), in: set)
        {
            return
        }
        // An empty body need not be fetched.
        if header.extrinsicsRoot == Block.emptyExtrinsicsRoot,
            isKnown(header.parentHash, tree: tree),
            verification.count < configuration.maximumVerifyingCount
        {
            let block = Block(header: header, extrinsics: [])
            let item = CollectedBlock(block: block, justification: nil, source: peer)
            if offer(item, origin: .announced, tree: tree) != .invalid {
                peers.update(peer) { $0.best = max($0.best, header.ref) }
            }
            return
        }
        learn(header.ref, parent: header.parentHash, from: peer, tree: tree, now: now)
    }

    mutating func park(_ header: Header, from peer: PeerHandle) {
        guard parked.count < configuration.maximumParkedCount,
            !parked.contains(where: { $0.header == header && $0.source == peer }),
            parked.filter({ $0.source == peer }).count < configuration.maximumParkedCountPerPeer
        else { return }
        parked.append(ParkedHeader(header: header, source: peer))
    }

    /// Takes note of a block that a peer has; decides how to get it.
    private mutating func learn(
        _ ref: BlockRef, parent: Hash256? = nil, from peer: PeerHandle, tree: BlockTree,
        now: Instant
    ) {
        peers.update(peer) {
            $0.best = max($0.best, ref)
            $0.knownBlocks.insert(ref.hash)
        }
        guard !isKnown(ref.hash, tree: tree), ref.number > tree.finalised.number,
            !isFollowed(ref.number, tree: tree), isWithinDepth(ref.number, tree: tree)
        else { return }
        addTarget(ref, parent: parent, isWanted: false, sources: [peer], now: now)
    }

    /// Whether a height is reached by following peers rather than by hash.
    func isFollowed(_ number: BlockNumber, tree: BlockTree) -> Bool {
        if let catchUp { return number.rawValue >= catchUp.next }
        return UInt64(number.rawValue)
            > UInt64(tree.best.number.rawValue) + UInt64(configuration.catchUpGap)
    }

    mutating func wanted(
        _ ref: BlockRef, _ sources: [PeerHandle], tree: BlockTree, now: Instant
    ) {
        guard !isKnown(ref.hash, tree: tree), ref.number > tree.finalised.number else { return }
        for peer in sources {
            peers.update(peer) { $0.best = max($0.best, ref) }
        }
        addTarget(ref, isWanted: true, sources: sources, now: now)
    }

    // MARK: Announcing

    /// Tells the peers that are not known to have a block about it.
    mutating func announce(_ header: Header, tree: BlockTree) {
        let recipients = peers.handles.filter { handle in
            peers.update(handle) { $0.knownBlocks.insert(header.hash) } ?? false
        }
        guard !recipients.isEmpty else { return }
        let message = BlockAnnouncement(header: header, isBest: tree.best.hash == header.hash)
        effects.append(.announce(recipients, message.scaleBytes))
    }

    /// Tells the peers that did not show our best head, or a higher one, about it once more.
    mutating func announceAgain(tree: BlockTree) {
        let recipients = peers.handles.filter { handle in
            peers[handle].map { $0.best.number < tree.best.number } ?? false
        }
        guard !recipients.isEmpty, let header = tree.header(tree.best.hash) else { return }
        let message = BlockAnnouncement(header: header, isBest: true)
        effects.append(.announce(recipients, message.scaleBytes))
    }
}

/// The higher of two claims; the earlier one of two equally high ones.
private func max(_ old: BlockRef, _ new: BlockRef) -> BlockRef {
    new.number > old.number ? new : old
}
