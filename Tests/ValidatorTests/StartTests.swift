import BlockSync
import Chain
import Coherence
import Primitives
import Simulation
import Testing
import Validator
import VoteGossip

/// How a validator begins, and which slots it may use.
@Suite struct StartTests {
    /// The only validator of a chain, whose wall clock is in `slot`.
    private func validator(in slot: UInt64, authored: UInt64? = nil) throws -> ValidatorCore {
        let identity = try #require(
            ValidatorIdentity(
                account: KeyedHashScheme.account(of: 0),
                falconPublicKey: KeyedHashScheme.publicKey(of: 0)))
        let constants = try ChainConstants(
            specVersion: 1, chainID: "test", slotDurationMilliseconds: 1_000,
            policy: .standard(validatorCount: 1))
        let genesis = try ChainState.genesis(constants: constants, validators: [identity])
        let domain = VotingDomain(
            genesisHash: genesis.header.hash, set: genesis.state.activeSet)
        return try ValidatorCore(
            configuration: ValidatorCore.Configuration(
                genesisHash: domain.genesisHash, keys: [HeldKey(identity)], producesBlocks: true,
                voting: CoherenceGadget.Configuration(timings: constants.votingTimings),
                gossip: GossipConfiguration(),
                sync: SyncConfiguration(genesisHash: domain.genesisHash, roles: .authority)),
            tree: BlockTree(
                finalisedHeader: genesis.header, state: genesis.state, extrinsics: [],
                limits: .standard),
            recovered: RecoveredVoting(
                finalised: genesis.header.ref, certificate: nil, lock: nil,
                highestQuorumCertificate: nil, signRecords: [], halt: nil),
            currentSlot: SlotNumber(slot), authoredSlot: authored.map { SlotNumber($0) },
            verifier: KeyedHashVerifier())
    }

    private func begins(_ core: inout ValidatorCore, in slot: UInt64) -> Bool {
        core.handle(.slotStarted(SlotNumber(slot)), now: .zero).contains {
            if case .signSeal(SlotNumber(slot), _, _) = $0 { true } else { false }
        }
    }

    @Test func `the handshakes come first, before anything that has to be durable`() throws {
        var core = try validator(in: 10)
        let effects = core.handle(.start, now: .zero)
        let first = effects.prefix(2).compactMap { effect -> (Channel, Int)? in
            if case .handshakeChanged(let channel, let bytes) = effect {
                (channel, bytes.count)
            } else {
                nil
            }
        }
        #expect(first.map(\.0) == [.blocks, .votes])
        #expect(first.map(\.1) == [69, 85])
    }

    @Test func `a block is begun in the next slot, and once`() throws {
        var core = try validator(in: 10)
        _ = core.handle(.start, now: .zero)
        #expect(!begins(&core, in: 10))
        #expect(begins(&core, in: 11))
        #expect(!begins(&core, in: 11))
    }

    @Test func `a clock that was set back makes no slot free again`() throws {
        var core = try validator(in: 10, authored: 12)
        let events = core.handle(.start, now: .zero).compactMap { effect -> String? in
            guard case .event(.authoringFailed(_, let reason)) = effect else { return nil }
            return reason
        }
        #expect(events.count == 1 && events[0].contains("slot 12"))
        #expect(!begins(&core, in: 11))
        #expect(!begins(&core, in: 12))
        #expect(begins(&core, in: 13))
    }

    @Test func `an own block and its slot are written together, before anybody sees the block`()
        throws
    {
        var core = try validator(in: 10)
        var queue = EffectQueue()
        queue.append(core.handle(.start, now: .zero))
        while queue.next() != nil {}
        let effects = core.handle(.slotStarted(SlotNumber(11)), now: .zero)
        let message = effects.compactMap { effect -> [UInt8]? in
            if case .signSeal(_, let message, _) = effect { message } else { nil }
        }
        queue.append(effects)
        while queue.next() != nil {}
        let seal = KeyedHashScheme.sign(
            try #require(message.first), key: KeyedHashScheme.publicKey(of: 0), nonce: 1)
        var slots: [SlotNumber] = []
        var blocks = 0
        queue.append(core.handle(.sealSigned(SlotNumber(11), seal), now: .zero))
        steps: while let step = queue.next() {
            switch step {
            case .run(.check(let id, let checks)):
                queue.append(
                    core.handle(.checked(id, checks.map { _ in true }), now: .zero))
            case .commit(let records):
                for record in records {
                    switch record {
                    case .authored(let slot, _): slots.append(slot)
                    case .block: blocks += 1
                    default: break
                    }
                }
                break steps
            default: break
            }
        }
        #expect(slots == [SlotNumber(11)] && blocks == 1)
    }

    @Test(arguments: [(0, 600), (1, 1_200), (2, 2_400), (20, 86_400)] as [(UInt32, Int64)])
    func `the third fault on the block protocols bans, longer after earlier bans`(
        earlier: UInt32, seconds: Int64
    ) throws {
        var core = try validator(in: 10)
        _ = core.handle(.start, now: .zero)
        let peer = PeerHandle(4)
        let handshake = core.sync.handshake(best: core.tree.best)
        _ = core.handle(
            .streamOpened(
                .blocks, peer, handshake: handshake, PeerHints(earlierBans: earlier)), now: .zero)
        func bans() -> [Duration] {
            core.handle(.notification(.blocks, peer, [1, 2, 3]), now: .zero).compactMap {
                if case .ban(peer, let duration) = $0 { duration } else { nil }
            }
        }
        #expect(bans() == [] && bans() == [])
        #expect(bans() == [.seconds(seconds)])
        #expect(bans() == [] && bans() == [])
        #expect(bans() == [.seconds(min(seconds * 2, 86_400))])
    }
}
