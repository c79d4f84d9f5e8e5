import Chain
import Coherence
import Primitives
import SCALE
import Testing
import VoteGossip

/// Streams that open and close.
@Suite struct StreamTests {
    @Test func `a peer of another chain is sent away and noted once per chain`() throws {
        let chain = try ToyChain(validators: 4)
        let other = try ToyChain(validators: 4, name: "other")
        let third = try ToyChain(validators: 4, name: "third")
        var host = try Host(chain)
        let first = host.open(1, genesis: other.genesis.hash)
        #expect(
            first == [
                .note(.otherChain(Host.peer(1), genesisHash: other.genesis.hash)),
                .disconnect(Host.peer(1), .otherChain),
            ])
        #expect(
            host.open(2, genesis: other.genesis.hash) == [.disconnect(Host.peer(2), .otherChain)])
        #expect(host.open(3, genesis: third.genesis.hash).count == 2)
        #expect(host.gossip.gauges.peerCount == 0)
        // Being on another chain is no offence.
        #expect(first.punished.isEmpty)
    }

    @Test func `notes about other chains are bounded`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        var notes = 0
        for peer in 0..<100 as Range<UInt64> {
            let genesis = BLAKE2b256.hash(peer.scaleBytes)
            notes += host.open(peer, genesis: genesis).count - 1
        }
        #expect(notes == 16)
    }

    @Test(arguments: [0, 84, 86, 1_025]) func `a handshake that is none is an offence`(
        count: Int
    ) throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        let bytes = [UInt8](repeating: 1, count: count)
        let effects = host.handle(
            .streamOpened(Host.peer(1), handshake: bytes, PeerHints()))
        #expect(
            effects == [
                .punish(Host.peer(1), .badHandshake), .disconnect(Host.peer(1), .badHandshake),
            ])
    }

    @Test func `at most 64 peers are kept track of`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        for peer in 0..<64 as Range<UInt64> { #expect(host.open(peer).disconnected.isEmpty) }
        #expect(host.open(64).disconnected.map(\.reason) == [.tooManyPeers])
        #expect(host.gossip.gauges.peerCount == 64)
        _ = host.handle(.streamClosed(Host.peer(10)))
        #expect(host.open(64).disconnected.isEmpty)
        // A stream that opens again takes its own place.
        #expect(host.open(64).disconnected.isEmpty)
        #expect(host.gossip.gauges.peerCount == 64)
    }

    @Test func `peers that come and go are noted`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        let opened = host.open(5, round: 3)
        #expect(
            opened.contains(
                .note(
                    .peerJoined(
                        Host.peer(5), .authority, round: RoundNumber(3),
                        finalised: BlockNumber(0)))))
        #expect(host.handle(.streamClosed(Host.peer(5))) == [.note(.peerLeft(Host.peer(5)))])
        #expect(host.handle(.streamClosed(Host.peer(5))).isEmpty)
    }

    @Test func `the handshake follows round and finality`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        _ = host.open(1)
        let block = try chain.blocks(1)[0]
        _ = try host.add(block)
        let effects = host.receive(
            .certificate(try chain.certificate([0, 1, 2], round: 0, for: block.header.ref)),
            from: 1)
        let handshakes = effects.compactMap { effect in
            if case .handshakeChanged(let bytes) = effect { bytes } else { nil }
        }
        let last = try GossipHandshake.decode(try #require(handshakes.last))
        #expect(last == host.gossip.handshake(of: host.view))
        #expect(last.round == RoundNumber(1) && last.finalisedHash == block.header.hash)
    }

    @Test func `earlier bans known to the shell lengthen the next`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        let handshake = host.gossip.handshake(of: host.view).scaleBytes
        _ = host.handle(
            .streamOpened(Host.peer(1), handshake: handshake, PeerHints(earlierBans: 3)))
        var bans: [Duration] = []
        for _ in 0..<3 {
            let bad = try chain.vote(1, .prevote, round: 0, for: nil, badSignature: true)
            bans += host.receive(.vote(bad), from: 1).bans.map(\.duration)
        }
        #expect(bans == [.seconds(4_800)])
    }

    @Test func `a new set voids what was held of the old one`() throws {
        let chain = try ToyChain(validators: 4)
        var host = try Host(chain)
        let block = try chain.blocks(1)[0]
        _ = host.open(1)
        _ = host.open(2)
        _ = host.receive(
            .vote(try chain.vote(1, .prevote, round: 0, for: block.header.ref)), from: 1)
        host.holdsVerification = true
        _ = host.receive(.vote(try chain.vote(2, .prevote, round: 0, for: nil)), from: 1)
        #expect(host.gossip.gauges.parkedCount == 1 && host.gossip.gauges.verifyingCount == 1)
        let domain = try VotingDomain(
            genesisHash: chain.genesis.hash,
            set: ValidatorSet(
                id: SetID(1), validators: Array(chain.set.validators.prefix(3)),
                policy: chain.set.policy))
        host.gadget = try CoherenceGadget(
            configuration: .init(), domain: domain, local: nil,
            recovered: RecoveredVoting(finalised: chain.genesis.ref), verifier: ToyScheme())
        let effects = host.handle(.roundEntered(RoundNumber(0)))
        #expect(host.gossip.gauges.parkedCount == 0 && host.gossip.gauges.verifyingCount == 0)
        // The peers are still in the old set: they are offered its hand-off certificate.
        #expect(effects.punished.isEmpty)
        _ = host.receive(host.status(), from: 1)
        #expect(host.loads.map(\.query) == [.handOff(of: SetID(0))])
        // Results of the old set's verifications come too late.
        #expect(host.verifyHeld().delivered.isEmpty)
    }
}
