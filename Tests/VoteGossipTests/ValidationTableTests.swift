import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Every row of the validation table, in the order of the checks.
@Suite struct ValidationTableTests {
    /// Four validators, we are observing; blocks 1 to 3 are known, peers 1 and 2 connected.
    static func host(validators: Int = 4) throws -> (host: Host, chain: ToyChain, blocks: [Block]) {
        let chain = try ToyChain(validators: validators)
        var host = try Host(chain)
        let blocks = try chain.blocks(4)
        for block in blocks.prefix(3) { _ = try host.add(block) }
        for peer in [1, 2] as [UInt64] { _ = host.open(peer) }
        return (host, chain, blocks)
    }

    /// A host that is in round 3, by certificates of rounds 0, 1 and 2.
    static func hostInRoundThree() throws -> (host: Host, chain: ToyChain, blocks: [Block]) {
        var (host, chain, blocks) = try host()
        for (round, block) in blocks.prefix(3).enumerated() {
            let certificate = try chain.certificate(
                [0, 1, 2], round: UInt64(round), for: block.header.ref)
            #expect(host.verdicts(on: .certificate(certificate), from: 2) == [.accept])
        }
        _ = try host.add(blocks[3])
        #expect(host.view.round == RoundNumber(3) && host.tree.finalised.number == BlockNumber(3))
        return (host, chain, blocks)
    }

    // MARK: Accept

    @Test func `a valid vote for a known block is accepted and counted`() throws {
        var (host, chain, blocks) = try Self.host()
        let vote = try chain.vote(1, .prevote, round: 0, for: blocks[2].header.ref)
        let effects = host.receive(.vote(vote), from: 1)
        #expect(effects.delivered.map(\.vote) == [vote])
        #expect(host.gossip.counters.accepted == 1)
        #expect(host.view.heldCount(RoundNumber(0), .prevote) == 1)
        #expect(
            effects.contains(
                .note(
                    .voteReceived(
                        try chain.verified(vote).slot, vote.target, from: Host.peer(1)))))
    }

    @Test func `nil votes and votes of the previous and next round are accepted`() throws {
        var (host, chain, blocks) = try Self.hostInRoundThree()
        let block = blocks[3].header.ref
        for round in [2, 3, 4] as [UInt64] {
            let vote = try chain.vote(1, .prevote, round: round, for: block)
            #expect(host.verdicts(on: .vote(vote), from: 1) == [.accept])
            let nothing = try chain.vote(2, .precommit, round: round, for: nil)
            #expect(host.verdicts(on: .vote(nothing), from: 1) == [.accept])
        }
    }

    @Test func `a bundle's entries are accepted one by one`() throws {
        var (host, chain, blocks) = try Self.host()
        let bundle = try chain.bundle([0, 1], .prevote, round: 0, for: blocks[0].header.ref)
        let effects = host.receive(.voteBundle(bundle), from: 1)
        #expect(effects.delivered.map(\.index.rawValue) == [0, 1])
        #expect(effects.jobs.count == 2)
        #expect(host.verdicts(on: .voteBundle(bundle), from: 2).count == 2)
    }

    @Test func `quorum certificates and certificates are accepted`() throws {
        var (host, chain, blocks) = try Self.host()
        let quorum = try chain.quorumCertificate([1, 2, 3], round: 0, for: blocks[0].header.ref)
        #expect(host.verdicts(on: .quorumCertificate(quorum), from: 1) == [.accept])
        #expect(host.view.highestQuorum?.certificate == quorum)
        let certificate = try chain.certificate([0, 1, 3], round: 0, for: blocks[0].header.ref)
        #expect(host.verdicts(on: .certificate(certificate), from: 1) == [.accept])
        #expect(host.tree.finalised == blocks[0].header.ref)
    }

    @Test func `statuses and requests are accepted and earn nothing`() throws {
        var (host, _, blocks) = try Self.host()
        let messages: [GossipMessage] = [
            host.status(), .voteRequest(blockHash: blocks[0].header.hash),
            .roundRequest(
                RoundRequest(
                    setID: host.chain.set.id, round: RoundNumber(0), phase: .prevote,
                    missing: Bits(validatorCount: 4))),
            .certificateRequest(number: BlockNumber(1)),
        ]
        for message in messages { #expect(host.verdicts(on: message, from: 1) == [.accept]) }
    }

    // MARK: Reject: form

    @Test func `undecodable, oversized and overlong messages are rejected`() throws {
        var (host, chain, blocks) = try Self.host()
        let vote = try chain.vote(1, .prevote, round: 0, for: blocks[0].header.ref)
        let bytes = GossipMessage.vote(vote).scaleBytes
        #expect(host.verdicts(on: [], from: 1) == [.reject(.undecodable)])
        #expect(host.verdicts(on: Array(bytes.dropLast()), from: 1) == [.reject(.undecodable)])
        #expect(host.verdicts(on: bytes + [0], from: 1) == [.reject(.trailingBytes)])
        let large = bytes + [UInt8](repeating: 0, count: 4_096)
        #expect(host.verdicts(on: large, from: 1) == [.reject(.oversize)])
        #expect(host.gossip.counters.signaturesChecked == 0)
    }

    @Test func `an unknown index is ignored and counted, not punished`() throws {
        var (host, _, _) = try Self.host()
        for index in [9, 10, 255] as [UInt8] {
            let effects = host.receive([index, 1, 2, 3], from: 1)
            #expect(effects.punished.isEmpty)
        }
        #expect(host.gossip.counters.ignored(.unknownIndex) == 3)
    }

    @Test func `a nil target with a height cannot be decoded`() throws {
        var (host, chain, blocks) = try Self.host()
        let vote = try chain.vote(1, .prevote, round: 0, for: blocks[0].header.ref)
        var bytes = GossipMessage.vote(vote).scaleBytes
        for place in 33..<65 { bytes[place] = 0 }
        #expect(host.verdicts(on: bytes, from: 1) == [.reject(.undecodable)])
    }

    // MARK: Set and validator

    @Test func `a vote of an older set is ignored and answered with the hand-off certificate`()
        throws
    {
        let chain = try ToyChain(validators: 4)
        let domain = try VotingDomain(
            genesisHash: chain.genesis.hash,
            set: ValidatorSet(
                id: SetID(3), validators: chain.set.validators, policy: chain.set.policy))
        let gadget = try CoherenceGadget(
            configuration: .init(), domain: domain, local: nil,
            recovered: RecoveredVoting(finalised: chain.genesis.ref), verifier: ToyScheme())
        var host = try Host(chain)
        host.gadget = gadget
        host.gossip = VoteGossipMachine(configuration: .init(), domain: domain)
        _ = host.open(1, set: SetID(3))
        let vote = try chain.vote(1, .prevote, round: 0, for: nil, set: SetID(2))
        let effects = host.receive(.vote(vote), from: 1)
        #expect(host.gossip.counters.ignored(.olderSet) == 1 && effects.punished.isEmpty)
        #expect(host.loads.map(\.query) == [.handOff(of: SetID(2))])
        // The certificate goes to whoever showed the older set.
        let certificate = try chain.certificate(
            [0, 1, 2], round: 0, for: try chain.blocks(1)[0].header.ref)
        let answer = host.handle(.certificateLoaded(host.loads[0].id, certificate))
        #expect(answer.sent(to: 1) == [.certificate(certificate)])
        // Again, but not more often than the interval says.
        _ = host.receive(.vote(vote), from: 1)
        #expect(host.loads.count == 1)
        _ = host.advance(.milliseconds(201))
        _ = host.receive(.vote(vote), from: 1)
        #expect(host.loads.count == 2)
    }

    @Test func `a vote of a newer set is ignored and starts catching up`() throws {
        var (host, chain, _) = try Self.host()
        let vote = try chain.vote(1, .prevote, round: 0, for: nil, set: SetID(1))
        let effects = host.receive(.vote(vote), from: 1)
        #expect(host.gossip.counters.ignored(.newerSet) == 1 && effects.punished.isEmpty)
        #expect(effects.contains(.note(.newerSetSeen(Host.peer(1), SetID(1)))))
        let later = host.advance(.milliseconds(301))
        #expect(
            later.sent(.certificateRequest).map(\.message) == [
                .certificateRequest(number: BlockNumber(1))
            ])
    }

    @Test func `a validator that is not in the set is rejected`() throws {
        var (host, _, blocks) = try Self.host()
        let stranger = try ToyChain(validators: 5, policy: .moreThanTwoThirds)
        let vote = try stranger.vote(4, .prevote, round: 0, for: blocks[0].header.ref)
        #expect(host.verdicts(on: .vote(vote), from: 1) == [.reject(.unknownValidator)])
        let bundle = try stranger.bundle([0, 4], .prevote, round: 0, for: blocks[0].header.ref)
        let effects = host.receive(.voteBundle(bundle), from: 1)
        #expect(effects.punished.map(\.offence) == [.unknownValidator])
        #expect(effects.jobs.isEmpty)
    }

    // MARK: Round

    @Test func `rounds outside the window are ignored, impossible ones rejected`() throws {
        var (host, chain, blocks) = try Self.hostInRoundThree()
        let block = blocks[3].header.ref
        func verdict(_ round: UInt64) throws -> [GossipVerdict] {
            host.verdicts(
                on: .vote(try chain.vote(1, .prevote, round: round, for: block)), from: 1)
        }
        #expect(try verdict(1) == [.ignore(.oldRound)])
        #expect(try verdict(2 + (1 << 20) + 1) == [.ignore(.roundTooNew)])
        #expect(try verdict(1 << 63) == [.reject(.roundOutOfRange)])
        #expect(try verdict(.max) == [.reject(.roundOutOfRange)])
        #expect(try verdict(2 + (1 << 20)) == [.accept])
    }

    @Test func `of rounds far ahead only the newest vote of each validator is verified`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[2].header.ref
        func verdict(_ round: UInt64, _ phase: VotePhase) throws -> [GossipVerdict] {
            host.verdicts(
                on: .vote(try chain.vote(1, phase, round: round, for: block)), from: 1)
        }
        #expect(try verdict(9, .prevote) == [.accept])
        #expect(try verdict(8, .precommit) == [.ignore(.duplicate)])
        #expect(try verdict(9, .prevote) == [.ignore(.duplicate)])
        #expect(try verdict(9, .precommit) == [.accept])
        #expect(host.gossip.counters.signaturesChecked == 2)
        // A second validator ahead makes f+1: the gadget goes there.
        _ = host.receive(
            .vote(try chain.vote(2, .prevote, round: 9, for: block)), from: 1)
        #expect(host.view.round == RoundNumber(9))
    }

    // MARK: Score and state

    @Test func `scores and error rates that no vote may have are rejected`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        func state(_ average: UInt32, _ low: UInt32, _ high: UInt32) -> QuantumState {
            QuantumState(
                validProofs: 1, rejectedProofs: 0, averageQBER: average, entropyPoolHash: .zero,
                reporterCount: 1, minimumQBER: low, maximumQBER: high)
        }
        let votes = [
            try chain.vote(1, .prevote, round: 0, for: block, score: 94),
            try chain.vote(1, .prevote, round: 0, for: block, score: .max),
            try chain.vote(1, .prevote, round: 0, for: block, state: state(1_101, 0, 2_000)),
            try chain.vote(1, .prevote, round: 0, for: block, state: state(50, 51, 60)),
            try chain.vote(1, .prevote, round: 0, for: block, state: state(50, 40, 49)),
            try chain.vote(1, .prevote, round: 0, for: block, state: state(50, 40, 10_001)),
            try chain.vote(1, .prevote, round: 0, for: nil, score: 1),
        ]
        for vote in votes {
            #expect(host.verdicts(on: .vote(vote), from: 1) == [.reject(.invalidState)])
            _ = host.advance(.seconds(60))
        }
        #expect(host.gossip.counters.signaturesChecked == 0)
    }

    // MARK: Duplicates

    @Test func `a held vote is ignored without a signature check, whatever its signature`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        #expect(
            host.verdicts(on: .vote(try chain.vote(1, .prevote, round: 0, for: block)), from: 1)
                == [.accept])
        let checked = host.gossip.counters.signaturesChecked
        for salt in 1...5 as ClosedRange<UInt64> {
            let other = try chain.vote(1, .prevote, round: 0, for: block, salt: salt)
            #expect(host.verdicts(on: .vote(other), from: 2) == [.ignore(.duplicate)])
            let bad = try chain.vote(
                1, .prevote, round: 0, for: block, salt: salt, badSignature: true)
            #expect(host.verdicts(on: .vote(bad), from: 2) == [.ignore(.duplicate)])
        }
        #expect(host.gossip.counters.signaturesChecked == checked)
        #expect(host.gossip.counters.entriesReceived == 11)
        #expect(host.gossip.counters.entriesDistinct == 1)
    }

    @Test func `another target of the same slot is no duplicate`() throws {
        var (host, chain, blocks) = try Self.host()
        for block in blocks.prefix(2) {
            let vote = try chain.vote(1, .prevote, round: 0, for: block.header.ref)
            #expect(host.verdicts(on: .vote(vote), from: 1) == [.accept])
        }
    }

    // MARK: Signature, block and height

    @Test func `a bad signature is rejected`() throws {
        var (host, chain, blocks) = try Self.host()
        let vote = try chain.vote(
            1, .prevote, round: 0, for: blocks[0].header.ref, badSignature: true)
        let effects = host.receive(.vote(vote), from: 1)
        #expect(effects.punished.map(\.offence) == [.badSignature])
        #expect(effects.punished.map(\.peer) == [1])
        #expect(effects.delivered.isEmpty)
    }

    @Test func `a height that is not the block's is rejected`() throws {
        var (host, chain, blocks) = try Self.host()
        let wrong = BlockRef(hash: blocks[0].header.hash, number: BlockNumber(2))
        let vote = try chain.vote(1, .prevote, round: 0, for: wrong)
        #expect(host.verdicts(on: .vote(vote), from: 1) == [.reject(.mismatchedNumber)])
    }

    @Test func `a block that can no longer become final is ignored`() throws {
        var (host, chain, _) = try Self.hostInRoundThree()
        let fork = try chain.block(on: chain.genesis, slot: 40).header.ref
        let vote = try chain.vote(1, .prevote, round: 3, for: fork)
        #expect(host.verdicts(on: .vote(vote), from: 1) == [.ignore(.staleBlock)])
        #expect(host.wanted.isEmpty)
    }

    // MARK: Certificates

    @Test func `malformed quorum certificates are rejected before any signature`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        let full = try chain.quorumCertificate([0, 1, 2, 3], round: 0, for: block)
        func with(_ entries: [VoteEntry], _ target: VoteTarget? = nil) -> GossipMessage {
            .quorumCertificate(
                QuorumCertificate(
                    setID: full.setID, round: full.round, target: target ?? full.target,
                    entries: entries))
        }
        let entries = full.entries
        let messages = [
            with([]), with(Array(entries.prefix(2))),
            with([entries[0], entries[0], entries[1]]),
            with([entries[1], entries[0], entries[2]]),
            with(entries + [entries[3]]),
            with(
                try [0, 1, 2].map { try chain.entry($0, .prevote, round: 0, for: nil) },
                .nothing),
        ]
        for message in messages {
            #expect(host.verdicts(on: message, from: 1) == [.reject(.malformedCertificate)])
            _ = host.advance(.seconds(180))
        }
        #expect(host.gossip.counters.signaturesChecked == 0)
    }

    @Test func `malformed certificates are rejected before any signature`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        let good = try chain.certificate([0, 1, 2], round: 0, for: block)
        func with(
            hash: Hash256? = nil, policy: QuorumPolicy? = nil, _ precommits: [VoteEntry]? = nil
        ) -> GossipMessage {
            .certificate(
                FinalityCertificate(
                    setID: good.setID, setHash: hash ?? good.setHash, round: good.round,
                    target: good.target, policy: policy ?? good.policy,
                    precommits: precommits ?? good.precommits))
        }
        let messages = [
            with(hash: .zero), with(policy: .twoThirds),
            with(Array(good.precommits.prefix(2))), with(good.precommits.reversed()),
        ]
        for message in messages {
            #expect(host.verdicts(on: message, from: 1) == [.reject(.malformedCertificate)])
            _ = host.advance(.seconds(180))
        }
        #expect(host.gossip.counters.signaturesChecked == 0)
    }

    @Test func `one bad signature spoils a quorum certificate or certificate`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        let quorum = try chain.quorumCertificate([0, 1, 2], round: 0, for: block, bad: 2)
        #expect(
            host.verdicts(on: .quorumCertificate(quorum), from: 1)
                == [.reject(.badQuorumCertificate)])
        let certificate = try chain.certificate([0, 1, 2], round: 0, for: block, bad: 0)
        #expect(
            host.verdicts(on: .certificate(certificate), from: 1) == [.reject(.badCertificate)])
        #expect(host.tree.finalised == chain.genesis.ref)
    }

    @Test func `certificates that prove nothing new are ignored without a check`() throws {
        var (host, chain, blocks) = try Self.host()
        let block = blocks[0].header.ref
        let quorum = try chain.quorumCertificate([0, 1, 2], round: 0, for: block)
        _ = host.receive(.quorumCertificate(quorum), from: 1)
        let other = try chain.quorumCertificate([1, 2, 3], round: 0, for: block)
        #expect(
            host.verdicts(on: .quorumCertificate(other), from: 2)
                == [.ignore(.oldQuorumCertificate)])
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: block)), from: 1)
        let again = try chain.certificate([1, 2, 3], round: 0, for: block)
        #expect(host.verdicts(on: .certificate(again), from: 2) == [.ignore(.oldCertificate)])
        #expect(
            host.verdicts(on: .quorumCertificate(other), from: 2)
                == [.ignore(.oldQuorumCertificate)])
        #expect(host.gossip.counters.signaturesChecked == 6)
    }

    @Test func `a certificate that contradicts what is final reaches the gadget`() throws {
        var (host, chain, blocks) = try Self.host()
        _ = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: blocks[1].header.ref)),
            from: 1)
        let fork = try chain.block(on: chain.genesis, slot: 40).header.ref
        let conflict = try chain.certificate([1, 2, 3], round: 1, for: fork)
        #expect(host.verdicts(on: .certificate(conflict), from: 2) == [.accept])
        #expect(host.alarms.count == 1)
        // Once is enough.
        #expect(host.verdicts(on: .certificate(conflict), from: 1) == [.ignore(.duplicate)])
    }

    // MARK: Statuses and requests

    @Test func `bitmaps that do not fit the set and impossible rounds are rejected`() throws {
        var (host, chain, _) = try Self.host()
        func status(_ bits: Bits, round: UInt64 = 0, lock: UInt64? = nil) -> GossipMessage {
            .status(
                GossipStatus(
                    setID: chain.set.id, round: RoundNumber(0), finalisedNumber: BlockNumber(0),
                    finalisedHash: .zero, lockRound: lock.map { RoundNumber($0) },
                    have: [.init(round: RoundNumber(round), phase: .prevote, validators: bits)]))
        }
        for bits in [Bits(packed: []), Bits(packed: [0, 0]), Bits(packed: [0x10])] {
            #expect(host.verdicts(on: status(bits), from: 1) == [.reject(.malformedBits)])
            let request = RoundRequest(
                setID: chain.set.id, round: RoundNumber(0), phase: .prevote, missing: bits)
            #expect(
                host.verdicts(on: .roundRequest(request), from: 1) == [.reject(.malformedBits)])
            _ = host.advance(.seconds(300))
        }
        let bits = Bits(validatorCount: 4)
        #expect(
            host.verdicts(on: status(bits, round: 1 << 63), from: 1)
                == [.reject(.roundOutOfRange)])
        #expect(
            host.verdicts(on: status(bits, lock: 1 << 63), from: 1)
                == [.reject(.roundOutOfRange)])
    }

    @Test func `messages of peers without a stream are ignored`() throws {
        var (host, chain, blocks) = try Self.host()
        let vote = try chain.vote(1, .prevote, round: 0, for: blocks[0].header.ref)
        #expect(host.verdicts(on: .vote(vote), from: 9) == [.ignore(.unknownPeer)])
        _ = host.handle(.streamClosed(Host.peer(1)))
        #expect(host.verdicts(on: .vote(vote), from: 1) == [.ignore(.unknownPeer)])
    }
}
