internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

// The shell: what a core wants done is done, with the delays and failures of a real one.
extension Simulator {
    mutating func carryOut(_ effect: ValidatorCore.Effect, _ node: Int) {
        switch effect {
        case .signVote(let vote, let key): sign(vote, key, node)
        case .signSeal(let slot, let message, let key):
            give(
                .sealSigned(slot, signature(of: message, key, node)), to: node,
                after: nodes[node].random.duration(nodeConditions.signing))
        case .signExtrinsic(let message, let key):
            give(
                .extrinsicSigned(signature(of: message, key, node)), to: node,
                after: nodes[node].random.duration(nodeConditions.signing))
        case .check(let id, let checks):
            let verdicts = checks.map { $0.run(using: verifier) }
            give(.checked(id, verdicts), to: node, after: verificationTime(checks.count, node))
        case .verify(let jobs): verify(jobs, node)
        case .readBlocks(let id, let query):
            let blocks = nodes[node].disk.durable.blocks(query)
            give(.blocksRead(id, blocks), to: node, after: readingTime(node))
        case .loadCertificate(let id, let query):
            let certificate = nodes[node].disk.durable.certificate(query)
            give(.certificateLoaded(id, certificate), to: node, after: readingTime(node))
        case .setTimer(let id, let instant): setTimer(id, at: instant, node)
        case .cancelTimer(let id): nodes[node].timers.cancel(id)
        case .persist, .stage: preconditionFailure("the effect queue commits records")
        case .send(let channel, let peers, let message): send(message, channel, peers, node)
        case .publish, .judged: preconditionFailure("simulated nodes use streams only")
        case .request(let id, let peer, let bytes): request(id, of: peer, bytes, from: node)
        case .abandon(let id): abandon(id, from: node)
        case .respond(let id, let bytes):
            let isServed = nodes[node].attacker?.servesBlocks ?? true
            respond(id, isServed ? bytes : nil, from: node)
        case .handshakeChanged(let channel, let bytes):
            nodes[node].handshakes[Int(channel.rawValue)] = bytes
        case .ban(let peer, let duration): ban(peer, duration, by: node)
        case .disconnect(let channel, let peer):
            closeStream(links.index(node, place(of: peer)), channel)
        case .hangUp(let peer):
            for channel in Channel.allCases {
                closeStream(links.index(node, place(of: peer)), channel)
            }
        case .submitted: break
        case .event(let event): observe(event, node)
        }
    }

    /// The handle that every node has for a node.
    static func handle(_ node: Int) -> PeerHandle { PeerHandle(UInt64(node) + 1) }

    /// The node of a handle.
    func place(of peer: PeerHandle) -> Int { Int(peer.rawValue) - 1 }

    // MARK: Signatures

    private mutating func sign(_ vote: UnsignedVote, _ key: [UInt8], _ node: Int) {
        checkRequest(vote, key, node)
        let signature = signature(of: vote.signedBytes, key, node)
        var delay = nodes[node].random.duration(nodeConditions.signing)
        if nodes[node].random.chance(permille: nodeConditions.slowSigningPermille) {
            delay = delay + nodeConditions.slowSigning
        }
        give(.voteSigned(vote.slot, signature), to: node, after: delay)
    }

    /// A signature by a key that the node holds; nil by another one.
    private mutating func signature(
        of message: [UInt8], _ key: [UInt8], _ node: Int
    ) -> [UInt8]? {
        guard nodes[node].keys.contains(where: { $0.publicKey == key }) else { return nil }
        if nodes[node].isSignerDown
            || nodes[node].random.chance(permille: nodeConditions.signingFailurePermille)
        {
            return nil
        }
        return KeyedHashScheme.sign(
            options.signing.signedPart(of: message), key: key,
            nonce: nodes[node].random.next())
    }

    private mutating func result(of job: VerificationJob) -> VerificationResult {
        switch job.subject {
        case .certificate, .quorumCertificate:
            options.signing.trustsCertificates
                ? job.run(using: CredulousVerifier()) : job.run(using: verifier)
        case .vote(let vote):
            verdicts.result(of: vote, in: job.domain) { job.run(using: verifier) }
        case .doubleVote: job.run(using: verifier)
        }
    }

    private mutating func verify(_ jobs: [VerificationJob], _ node: Int) {
        var outcomes: [VerificationOutcome] = []
        outcomes.reserveCapacity(jobs.count)
        for job in jobs {
            outcomes.append(VerificationOutcome(id: job.id, result: result(of: job)))
        }
        let delay = verificationTime(jobs.reduce(0) { $0 + $1.signatureCount }, node)
        guard outcomes.count > 1, nodes[node].random.chance(permille: 300) else {
            return give(.verified(outcomes), to: node, after: delay)
        }
        // A pool of threads gives results in any order and grouping.
        for outcome in outcomes.shuffled(using: &nodes[node].random) {
            give(
                .verified([outcome]), to: node,
                after: delay + nodes[node].random.duration(.zero ... .milliseconds(2)))
        }
    }

    /// When the verifier, which takes one signature after the other, is done with some more.
    private mutating func verificationTime(_ count: Int, _ node: Int) -> Duration {
        let begin = max(now, nodes[node].verifierFreeAt)
        let end = begin + nodes[node].random.duration(nodeConditions.verification) * max(1, count)
        nodes[node].verifierFreeAt = end
        return end - now
    }

    private mutating func readingTime(_ node: Int) -> Duration {
        nodes[node].random.duration(nodeConditions.reading)
    }

    private mutating func setTimer(
        _ id: ValidatorCore.TimerID, at instant: Instant, _ node: Int
    ) {
        let it = nodes[node]
        let setting = it.timers.set(id)
        let time = max(now, it.clock.time(of: instant))
        heap.push(.timer(node: node, life: it.life, id, setting: setting), at: time)
    }

    // MARK: Sending

    private mutating func send(
        _ message: OutboundMessage, _ channel: Channel, _ peers: [PeerHandle], _ node: Int
    ) {
        guard nodes[node].isHonest else {
            return sendAltered(message, channel, peers, node)
        }
        if case .votes = channel { checkSending(message.bytes, node) }
        enqueue(message, channel, peers, node)
    }

    mutating func enqueue(
        _ message: OutboundMessage, _ channel: Channel, _ peers: [PeerHandle], _ node: Int
    ) {
        digest.record(
            60 + channel.rawValue, node: node, at: now, number: UInt64(peers.count),
            message.bytes)
        for peer in peers {
            let number = links.index(node, place(of: peer))
            let link = links[number]
            let end = link.end(of: node)
            let line = link.lines[end]
            guard link.isUp, line.isOpen[Int(channel.rawValue)] else { continue }
            line.enqueue(message, on: channel)
            statistics.messageCount += 1
            if case .votes = channel {
                meter.add(message.bytes.count, from: node, to: place(of: peer))
            }
            checkLine(line, node)
            transmit(number, end)
        }
    }
}
