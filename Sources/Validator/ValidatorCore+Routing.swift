internal import BlockSync
internal import Chain
package import Coherence
internal import Primitives
internal import VoteGossip

// What the machines want of each other and of the shell.
extension ValidatorCore {
    /// Tells the machines what waits for them, until nothing does.
    mutating func settle(_ now: Instant) {
        var next = 0
        while next < waiting.count {
            let input = waiting[next]
            next += 1
            switch input {
            case .gadget(let input):
                view = nil
                for effect in gadget.handle(input, tree: tree, now: now) { route(effect) }
                tree.pinned = gadget.pinnedBlocks
            case .gossip(let input):
                let some = gossip.handle(input, view: votingView(), tree: tree, now: now)
                for effect in some { route(effect) }
            case .sync(let input):
                view = nil
                for effect in sync.handle(input, tree: &tree, now: now) { route(effect) }
            case .activateNextSet(let certificate): activateNextSet(by: certificate)
            }
        }
        waiting.removeAll(keepingCapacity: true)
    }

    /// The gadget as the vote gossip sees it now, made anew only after something changed.
    package mutating func votingView() -> VotingView {
        if let view { return view }
        let made = gadget.view(tree: tree)
        view = made
        return made
    }

    // MARK: The gadget

    private mutating func route(_ effect: CoherenceGadget.Effect) {
        switch effect {
        case .sign(let vote): effects.append(.signVote(vote, key: gadget.ownKey ?? []))
        case .persist(let record): effects.append(.persist(.voting(record)))
        case .broadcast(let vote): waiting.append(.gossip(.ownVote(vote)))
        case .broadcastQuorumCertificate(let quorum):
            waiting.append(.gossip(.quorumCertificate(quorum)))
        case .finalised(let certificate, let block): finalise(block, by: certificate)
        case .wantBlock(let block): waiting.append(.sync(.wanted(block, from: [])))
        case .setTimer(let timer, let at): effects.append(.setTimer(.voting(timer), at))
        case .cancelTimer(let timer): effects.append(.cancelTimer(.voting(timer)))
        case .roundEntered(let round):
            effects.append(.event(.roundEntered(round)))
            waiting.append(.gossip(.roundEntered(round)))
        case .doubleVote(let evidence):
            waiting.append(.gossip(.doubleVote(evidence)))
            report(evidence)
        case .alarm(let alarm): effects.append(.event(.alarm(alarm)))
        case .note(let note): effects.append(.event(.voting(note)))
        }
    }

    /// Moves F: the certificate is on its way to the disk, the tree follows.
    private mutating func finalise(
        _ block: BlockRef, by certificate: VerifiedCertificate
    ) {
        guard let outcome = tree.finalise(block.hash) else {
            preconditionFailure("the gadget finalises blocks of the tree only")
        }
        let next = successor(after: block)
        if let next,
            let halt = gadget.inheritedHalt(local: keys.local(in: next))
        {
            // Before the root moves: a crash in between must not make the key free.
            effects.append(.persist(.voting(.halt(setID: next.id, halt))))
        }
        effects.append(
            .persist(.finalised(outcome.finalised.map(\.ref), pruned: outcome.pruned)))
        effects.append(.event(.finalised(certificate, block)))
        waiting.append(.sync(.finalised(block)))
        waiting.append(.gossip(.finalised(certificate)))
        // Peers of the old set hear of its last block before this node leaves it.
        if next != nil { waiting.append(.activateNextSet(certificate)) }
    }

    /// The set that a block hands over to; nil for ordinary blocks. One input may finalise several
    /// blocks, and only the last of them ends the set.
    private func successor(after block: BlockRef) -> ValidatorSet? {
        gadget.successor.flatMap { next in
            tree.state(of: block.hash)?.setInForce.id == next.id ? next : nil
        }
    }

    /// The hand-off block is final: certificate and finalised blocks are on their way to the disk,
    /// and everything of the next set comes after them.
    private mutating func activateNextSet(by certificate: VerifiedCertificate) {
        guard let set = gadget.successor else { return }
        view = nil
        gadget = CoherenceGadget(after: gadget, local: keys.local(in: set))
        effects.append(.event(.setActivated(set, by: certificate)))
        own.forget(before: certificate.certificate.setID)
        waiting.append(.gadget(.start))
        takeWaitingJustifications()
    }

    // MARK: The vote gossip

    private mutating func route(_ effect: GossipEffect) {
        switch effect {
        case .send(let peers, let message): effects.append(.send(.votes, peers, message))
        case .publish(let bytes): effects.append(.publish(bytes))
        case .judged(let id, let verdict): effects.append(.judged(id, verdict))
        case .verify(let jobs): effects.append(.verify(jobs))
        case .deliver(let vote): waiting.append(.gadget(.vote(vote)))
        case .deliverQuorumCertificate(let quorum):
            waiting.append(.gadget(.quorumCertificate(quorum)))
        case .deliverCertificate(let certificate):
            waiting.append(.gadget(.certificate(certificate)))
        case .deliverEvidence(let evidence):
            effects.append(.persist(.voting(.evidence(evidence.evidence))))
            report(evidence)
        case .wantBlock(let block, let peers): waiting.append(.sync(.wanted(block, from: peers)))
        case .loadCertificate(let id, let query): effects.append(.loadCertificate(id, query))
        case .punish: break
        case .ban(let peer, let duration): effects.append(.ban(peer, duration))
        case .disconnect(let peer, .tooManyPeers): effects.append(.disconnect(.votes, peer))
        case .disconnect(let peer, _): effects.append(.hangUp(peer))
        case .setTimer(let timer, let at): effects.append(.setTimer(.gossip(timer), at))
        case .handshakeChanged(let bytes): effects.append(.handshakeChanged(.votes, bytes))
        case .note(let note): effects.append(.event(.gossip(note)))
        }
    }

    // MARK: The block sync

    private mutating func route(_ effect: SyncMachine.Effect) {
        switch effect {
        case .announce(let peers, let bytes):
            effects.append(.send(.blocks, peers, OutboundMessage(bytes: bytes)))
        case .sendTransactions(let peers, let bytes):
            effects.append(.send(.transactions, peers, OutboundMessage(bytes: bytes)))
        case .request(let id, let peer, let bytes): effects.append(.request(id, peer, bytes))
        case .abandon(let id): effects.append(.abandon(id))
        case .respond(let id, let bytes): effects.append(.respond(id, bytes))
        case .refuse(let id): effects.append(.respond(id, nil))
        case .readBlocks(let id, let query): effects.append(.readBlocks(id, query))
        case .check(let id, let checks): effects.append(.check(id, checks))
        case .imported(let block): imported(block)
        case .justification(let bytes, _): takeJustification(bytes)
        case .report(let peer, let offence): judge(peer, offence)
        case .setTimer(let timer, let at): effects.append(.setTimer(.sync(timer), at))
        case .authorEquivocation(let evidence):
            effects.append(.event(.authorEquivocation(evidence)))
        case .handshakeChanged(let bytes): effects.append(.handshakeChanged(.blocks, bytes))
        case .submitted(let hash, let outcome):
            own.noteOutcome(hash, outcome)
            effects.append(.submitted(hash, outcome))
        case .note(let note): effects.append(.event(.sync(note)))
        }
    }

    /// A block is in the tree. Ours must be durable before anybody sees it, so that no slot is used
    /// twice; others' are written with the next record that has to be.
    private mutating func imported(_ block: Block) {
        let ref = block.header.ref
        let isOwn = authoring.isOwn(ref.hash)
        if isOwn, let slot = block.header.slot {
            effects.append(.stage(.authored(slot, ref.hash)))
        }
        effects.append(isOwn ? .persist(.block(block)) : .stage(.block(block)))
        let set = tree.votingSet(of: ref.hash) ?? domain.set
        let place = set.author(of: block.header.slot ?? currentSlot)
        let author = set.validators[Int(place.rawValue)].account
        effects.append(
            .event(
                .imported(block, author: author, isBest: tree.best == ref, isOwn: isOwn)))
        waiting.append(.gadget(.blockImported(ref)))
        waiting.append(.gossip(.blockImported(ref)))
    }

    private mutating func judge(_ peer: PeerHandle, _ offence: SyncOffence) {
        effects.append(.event(.syncOffence(peer, offence)))
        switch conduct.judge(peer, offence.weight) {
        case .tolerate: break
        case .disconnect: effects.append(.hangUp(peer))
        case .ban(let duration): effects.append(.ban(peer, duration))
        }
    }
}
