import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Votes and proofs over the topic: what is published, what is passed on, at whose cost.
@Suite struct TopicTests {
    private static func configuration(_ paths: GossipPaths) -> GossipConfiguration {
        var configuration = GossipConfiguration()
        configuration.paths = paths
        return configuration
    }

    private func host(
        _ paths: GossipPaths = .both, validators: Int = 4, local: Int? = nil,
        peers: ClosedRange<UInt64> = 1...4
    ) throws -> (host: Host, chain: ToyChain, block: BlockRef) {
        let chain = try ToyChain(validators: validators)
        var host = try Host(chain, local: local, configuration: Self.configuration(paths))
        let block = try chain.blocks(1)[0]
        for peer in peers { _ = host.open(peer) }
        _ = try host.add(block)
        return (host, chain, block.header.ref)
    }

    // MARK: Publishing

    @Test(arguments: GossipPaths.allCases)
    func `an own vote goes the ways that were asked for`(paths: GossipPaths) throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain, local: 0, configuration: Self.configuration(paths))
        for peer in 1...3 as ClosedRange<UInt64> { _ = host.open(peer) }
        let effects = try host.add(try chain.blocks(1)[0])
        #expect(effects.published.map(\.kind) == (paths == .notifications ? [] : [.vote]))
        #expect(effects.sent(.vote).map(\.to) == (paths == .gossipsub ? [] : [[1, 2, 3]]))
    }

    @Test func `a vote that went over the topic only is sent to whoever goes on lacking it`() throws
    {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain, local: 0, configuration: Self.configuration(.gossipsub))
        for peer in 1...2 as ClosedRange<UInt64> { _ = host.open(peer) }
        #expect(try host.add(try chain.blocks(1)[0]).sent(.vote).isEmpty)
        _ = host.receive(host.status(have: [(0, .prevote, [0])]), from: 1)
        _ = host.receive(host.status(), from: 2)
        let later = host.advance(.milliseconds(1_100))
        #expect(Set(later.sent(.vote).filter { $0.message.isForBlock }.flatMap(\.to)) == [2])
        #expect(!later.published.contains { $0.isForBlock })
    }

    @Test func `of all who make a certificate, the one whose turn it is publishes it at once`()
        throws
    {
        for local in 0..<4 {
            var (host, chain, block) = try host(local: local)
            let certificate = try chain.certificate([0, 1, 2], round: 0, for: block)
            let proof = try certificate.verify(
                set: chain.set, genesisHash: chain.genesis.hash, verifier: ToyScheme())
            var effects = host.tellGadget(.certificate(proof))
            var waited: Duration = .zero
            while !effects.published.contains(where: { $0.kind == .certificate }) {
                #expect(waited < .seconds(1), "validator \(local)")
                guard waited < .seconds(1) else { break }
                effects = host.advance(.milliseconds(10))
                waited = waited + .milliseconds(10)
            }
            // Round 0 is validator 0's turn.
            #expect(waited == .milliseconds(150) * local)
            #expect(!host.advance(.seconds(3)).published.contains { $0.kind == .certificate })
        }
    }

    @Test func `nobody publishes a certificate that went over the topic`() throws {
        var (host, chain, block) = try host(local: 3)
        let certificate = try chain.certificate([0, 1, 2], round: 0, for: block)
        let proof = try certificate.verify(
            set: chain.set, genesisHash: chain.genesis.hash, verifier: ToyScheme())
        _ = host.tellGadget(.certificate(proof))
        // It is known here; those behind may not know it.
        #expect(host.bring(1, .certificate(certificate), from: 1).judged == [1: .accept])
        let other = try chain.certificate([1, 2, 3], round: 0, for: block)
        #expect(host.bring(2, .certificate(other), from: 2).judged[2] == .ignore(.oldCertificate))
        #expect(!host.advance(.seconds(3)).published.contains { $0.kind == .certificate })
    }

    @Test func `evidence is published by who finds it, and passed on by the router only`() throws {
        var (host, chain, block) = try host()
        let votes = try [block, nil].map { try chain.vote(2, .prevote, round: 0, for: $0) }
        let evidence = DoubleVote(votes[0], votes[1])
        let effects = host.bring(1, .equivocation(evidence), from: 1)
        #expect(effects.judged == [1: .accept] && effects.published.isEmpty)
        #expect(effects.sent(.equivocation).flatMap(\.to) == [2, 3, 4])
        #expect(host.bring(2, .equivocation(evidence), from: 2).judged[2] == .ignore(.duplicate))

        var (finder, _, _) = try self.host()
        for vote in votes { _ = finder.receive(.vote(vote), from: 1) }
        #expect(finder.gossip.counters.published == 1)
    }

    // MARK: Verdicts

    @Test func `a vote is passed on when its signature was verified, not before`() throws {
        var (host, chain, block) = try host()
        host.holdsVerification = true
        let vote = try chain.vote(1, .prevote, round: 0, for: block)
        #expect(host.bring(1, .vote(vote), from: 1).judged.isEmpty)
        // The same bytes by another author and neighbour, and by a stream, wait for that result.
        #expect(host.bring(2, .vote(vote), from: 2, author: 9).judged.isEmpty)
        #expect(host.receive(.vote(vote), from: 3).jobs.isEmpty)
        let other = try chain.vote(1, .prevote, round: 0, for: block, salt: 1)
        _ = host.bring(3, .vote(other), from: 4)
        #expect(host.heldJobs.count == 1)
        let effects = host.verifyHeld()
        #expect(effects.judged == [1: .accept, 2: .accept, 3: .ignore(.duplicate)])
        #expect(effects.delivered.map(\.vote) == [vote])
        // Whoever comes later is passed on as well; another signature for the same is not.
        #expect(host.bring(4, .vote(vote), from: 4).judged == [4: .accept])
        #expect(host.bring(5, .vote(other), from: 4).judged == [5: .ignore(.duplicate)])
        #expect(host.view.heldCount(RoundNumber(0), .prevote) == 1)
        #expect(host.gossip.gauges.verifyingCount == 0)
    }

    @Test func `what comes by stream and topic is verified and counted once`() throws {
        var (host, chain, block) = try host()
        for index in 1...2 {
            let vote = try chain.vote(index, .prevote, round: 0, for: block)
            let peer = UInt64(index)
            if index == 1 { _ = host.receive(.vote(vote), from: peer) }
            #expect(host.bring(peer, .vote(vote), from: peer).judged == [peer: .accept])
            if index == 2 {
                #expect(host.verdicts(on: .vote(vote), from: peer) == [.ignore(.duplicate)])
            }
        }
        #expect(host.gossip.counters.signaturesChecked == 2)
        #expect(host.view.heldCount(RoundNumber(0), .prevote) == 2)
    }

    @Test func `a vote for an unknown block waits for it, and a wrong height is found out`() throws
    {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain, configuration: Self.configuration(.both))
        for peer in 1...2 as ClosedRange<UInt64> { _ = host.open(peer) }
        let block = try chain.blocks(1)[0]
        let vote = try chain.vote(1, .prevote, round: 0, for: block.header.ref)
        let wrong = try chain.vote(
            2, .prevote, round: 0,
            for: BlockRef(hash: block.header.hash, number: BlockNumber(7)))
        let effects = host.bring(1, .vote(vote), from: 1, author: 2)
        #expect(effects.judged.isEmpty)
        #expect(effects.wantedBlocks.map(\.from) == [[1]])
        #expect(host.bring(2, .vote(wrong), from: 1, author: 2).judged.isEmpty)
        let judged = try host.add(block).judged
        #expect(judged == [1: .accept, 2: .reject(.mismatchedNumber)])
    }

    @Test func `only what is for everybody may go over the topic`() throws {
        var (host, chain, block) = try host()
        let hash = block.hash
        let others: [GossipMessage] = [
            host.status(), .voteRequest(blockHash: hash),
            .voteBundle(try chain.bundle([0], .prevote, round: 0, for: block)),
            .roundRequest(
                RoundRequest(
                    setID: chain.set.id, round: RoundNumber(0), phase: .prevote,
                    missing: Bits(validatorCount: 4, members: []))),
            .certificateRequest(number: BlockNumber(1)),
        ]
        for (number, message) in others.enumerated() {
            let id = UInt64(number)
            let effects = host.bring(id, message, from: 1, author: 77)
            #expect(effects.judged == [id: .reject(.undecodable)])
            #expect(effects.sent.isEmpty && effects.punished.isEmpty)
        }
        #expect(host.bring(9, bytes: [200, 1], from: 1).judged == [9: .ignore(.unknownIndex)])
        #expect(host.bring(10, bytes: [], from: 1).judged == [10: .reject(.undecodable)])
        let long = [UInt8](repeating: 0, count: 4_097)
        #expect(host.bring(11, bytes: long, from: 2, author: 9).judged == [11: .reject(.oversize)])
    }

    // MARK: Who is to blame

    @Test func `who signs junk itself is banned as on its stream`() throws {
        var (host, chain, block) = try host()
        for number in 0..<3 {
            let bad = try chain.vote(
                number, .prevote, round: 0, for: block, badSignature: true)
            let effects = host.bring(UInt64(number), .vote(bad), from: 1)
            #expect(effects.judged[UInt64(number)] == .reject(.badSignature))
            #expect(effects.punished.map(\.peer) == [1])
            #expect(effects.bans.map(\.peer) == (number == 2 ? [1] : []))
        }
        let good = try chain.vote(3, .prevote, round: 0, for: block)
        #expect(host.bring(7, .vote(good), from: 1).judged == [7: .ignore(.cutOff)])
    }

    @Test func `a relay is not blamed, the author is if it is a peer`() throws {
        var (host, chain, block) = try host()
        for number in 0..<4 {
            let bad = try chain.vote(
                number, .prevote, round: 0, for: block, badSignature: true)
            let author: UInt64 = number == 3 ? 99 : 2
            let effects = host.bring(UInt64(number), .vote(bad), from: 1, author: author)
            #expect(effects.judged[UInt64(number)] == .reject(.badSignature))
            #expect(effects.punished.map(\.peer) == (number == 3 ? [] : [2]))
            #expect(effects.bans.map(\.peer) == (number == 2 ? [2] : []))
        }
        // Its stream has a budget and a reputation of its own.
        let good = try chain.vote(0, .prevote, round: 0, for: block)
        #expect(host.receive(.vote(good), from: 1).delivered.count == 1)
    }

    // MARK: Bounds

    @Test func `a relay has three signatures checked at a time, and a budget`() throws {
        var (host, chain, block) = try host()
        host.holdsVerification = true
        var ignored = 0
        for number in 0..<40 {
            let bad = try chain.vote(
                number % 4, number % 8 < 4 ? .prevote : .precommit, round: UInt64(number / 8),
                for: block, salt: UInt64(number), badSignature: true)
            let effects = host.bring(UInt64(number), .vote(bad), from: 1, author: 50)
            if effects.judged[UInt64(number)] == .ignore(.overVerificationBudget) { ignored += 1 }
        }
        #expect(host.heldJobs.count == 3)
        // 6n = 24 of them were paid for.
        #expect(ignored == 16)
    }

    @Test func `accounts of relays are bounded, and the longest silent one gives way`() throws {
        var (host, chain, block) = try host(peers: 1...1)
        let vote = try chain.vote(1, .prevote, round: 0, for: block)
        for source in 10..<200 as Range<UInt64> {
            host.now = host.now + .milliseconds(1)
            #expect(
                host.bring(source, .vote(vote), from: source, author: 5).judged[source] == .accept)
        }
        #expect(host.gossip.gauges.peerCount == 1)
        #expect(host.gossip.gauges.heldByteCount < 64 * 8_192)
        // While all 64 have something under verification, the next one finds no place.
        var (busy, _, _) = try self.host(validators: 100, peers: 1...1)
        busy.holdsVerification = true
        var last: GossipVerdict?
        for source in 0..<65 {
            let vote = try ToyChain(validators: 100).vote(source, .prevote, round: 0, for: block)
            last =
                busy.bring(UInt64(source), .vote(vote), from: UInt64(source + 10), author: 5)
                .judged[UInt64(source)]
        }
        #expect(last == .ignore(.verificationBusy))
    }

    @Test func `whatever comes over the topic, nothing is sent to a relay and all is in bounds`()
        throws
    {
        let seed: UInt64 = 90
        var random = SeededGenerator(seed: seed)
        var (host, chain, block) = try host(peers: 1...3)
        var open: Set<UInt64> = []
        for number in 0..<2_000 as Range<UInt64> {
            let round = UInt64.random(in: 0...6, using: &random)
            let index = Int.random(in: 0..<4, using: &random)
            let isBad = UInt64.random(in: 0..<3, using: &random) == 0
            let message: GossipMessage =
                switch UInt64.random(in: 0..<6, using: &random) {
                case 0:
                    .certificate(
                        try chain.certificate(
                            [0, 1, 2], round: round, for: block, bad: isBad ? 1 : nil))
                case 1:
                    .quorumCertificate(
                        try chain.quorumCertificate(
                            [0, 1, 2], round: round, for: block, bad: isBad ? 1 : nil))
                case 2:
                    .vote(
                        try chain.vote(
                            index, .prevote, round: round, for: block, set: SetID(round)))
                default:
                    .vote(
                        try chain.vote(
                            index, .precommit, round: round, for: block, salt: number % 7,
                            badSignature: isBad))
                }
            host.holdsVerification = number % 3 != 0
            open.insert(number)
            let source = UInt64.random(in: 1...6, using: &random)
            let author = UInt64.random(in: 1...9, using: &random)
            var effects = host.bring(number, message, from: source, author: author)
            if number % 5 == 0 { effects += host.verifyHeld() }
            if number % 11 == 0 { effects += host.advance(.milliseconds(200)) }
            #expect(effects.sent.allSatisfy { $0.to.allSatisfy { $0 <= 3 } }, "seed \(seed)")
            for id in effects.judged.keys.sorted() {
                #expect(open.remove(id) != nil, "judged once: seed \(seed)")
            }
            let gauges = host.gossip.gauges
            #expect(gauges.heldByteCount <= gauges.byteBudget, "seed \(seed)")
        }
        #expect(host.gossip.counters.accepted > 0 && open.count < 2_000)
    }

    // MARK: Networks

    @Test(arguments: [GossipPaths.gossipsub, .both])
    func `a full mesh finalises over the topic`(paths: GossipPaths) throws {
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(
            chain, configuration: Self.configuration(paths),
            latency: DisseminationTests.spread(5_000, 40_000))
        mesh.connectAll()
        for one in 0..<4 { for other in 0..<one { mesh.connectOnTopic(one, other) } }
        try mesh.run(for: .milliseconds(500))
        for (height, block) in try chain.blocks(10).enumerated() {
            mesh.author(block, at: height % 4)
            let isFinal = try mesh.run(atMost: .seconds(1)) {
                $0.commonFinalised == block.header.number
            }
            #expect(isFinal)
            try mesh.run(for: .seconds(5))
        }
        for host in mesh.hosts {
            // One certificate a block, whoever publishes it.
            #expect(host.gossip.counters.received[.certificate] <= 20)
            #expect(host.gossip.counters.rejected(.badSignature) == 0)
        }
    }

    @Test func `validators that hear each other through the topic only finalise`() throws {
        // A line on the topic, and no stream at all: 0 - 1 - 2 - 3.
        let chain = try ToyChain(validators: 4)
        var mesh = try Mesh(
            chain, configuration: Self.configuration(.gossipsub),
            latency: DisseminationTests.spread(5_000, 40_000))
        for one in 0..<3 { mesh.connectOnTopic(one, one + 1) }
        for (height, block) in try chain.blocks(6).enumerated() {
            mesh.author(block, at: height % 4)
            let isFinal = try mesh.run(atMost: .seconds(2)) {
                $0.commonFinalised == block.header.number
            }
            #expect(isFinal)
            try mesh.run(for: .seconds(1))
        }
    }
}

extension Host {
    /// The router brings a message; `author` is who signed it, nil for the neighbour itself.
    mutating func bring(
        _ id: UInt64, _ message: GossipMessage, from source: UInt64, author: UInt64? = nil
    ) -> [GossipEffect] {
        bring(id, bytes: message.scaleBytes, from: source, author: author)
    }

    mutating func bring(
        _ id: UInt64, bytes: [UInt8], from source: UInt64, author: UInt64? = nil
    ) -> [GossipEffect] {
        handle(
            .topicMessage(
                TopicMessage(
                    id: TopicMessageID(id.scaleBytes), bytes: bytes, source: Self.peer(source),
                    author: Self.peer(author ?? source))))
    }
}

extension GossipMessage {
    /// Whether it is a vote for a block.
    fileprivate var isForBlock: Bool {
        if case .vote(let vote) = self { !vote.target.isNil } else { false }
    }
}

extension [GossipEffect] {
    /// What was published, as messages.
    var published: [GossipMessage] {
        compactMap { effect in
            if case .publish(let bytes) = effect { try? GossipMessage.decode(bytes) } else { nil }
        }
    }

    /// The router's answers, by the number of the message.
    var judged: [UInt64: GossipVerdict] {
        var verdicts: [UInt64: GossipVerdict] = [:]
        for effect in self {
            guard case .judged(let id, let verdict) = effect,
                let number = try? SCALEDecoder.decode(UInt64.self, from: id.bytes)
            else { continue }
            verdicts[number] = verdict
        }
        return verdicts
    }
}
