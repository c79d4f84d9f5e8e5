import Chain
import Coherence
import Metrics
import Node
import Primitives
import Testing
import Validator

/// What is counted of votes, rounds and blocks, from transcripts of events.
@Suite struct VotingMetricsTests {
    /// Believes every signature: what is counted here is not about them.
    private struct Believer: SignatureVerifier {
        func verify(
            _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
        ) -> Bool { true }

        func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool { true }
    }

    private let constants: ChainConstants
    private let set: ValidatorSet
    private let domain: VotingDomain
    private var metrics: VotingMetrics
    private var now = Instant(nanoseconds: 1_000_000_000)

    init() throws {
        constants = try ChainConstants(
            specVersion: 1, chainID: "test", slotDurationMilliseconds: 1_000, policy: .twoThirds,
            sessionLength: 0)
        set = try ValidatorSet(
            id: SetID(0),
            validators: (UInt8(0)..<3).map { number in
                try #require(
                    ValidatorIdentity(
                        account: Self.account(number),
                        falconPublicKey: [UInt8](repeating: number, count: 1_793)))
            }, policy: .twoThirds)
        domain = VotingDomain(genesisHash: .zero, set: set)
        metrics = VotingMetrics(constants: constants)
    }

    private static func account(_ number: UInt8) -> AccountID {
        guard let account = AccountID([UInt8](repeating: number, count: 32)) else {
            preconditionFailure("an account has 32 bytes")
        }
        return account
    }

    /// Validator 0 looks on.
    private mutating func note(_ event: ValidatorEvent, after milliseconds: Int64 = 0) {
        now = now + .milliseconds(milliseconds)
        metrics.note(
            event, from: .init(local: ValidatorIndex(0), domain: domain), now: now,
            unixMilliseconds: now.nanoseconds / 1_000_000)
    }

    private mutating func count(
        _ phase: VotePhase, of validator: UInt16, round: UInt64, votes: Int,
        target: VoteTarget = VoteTarget(
            BlockRef(hash: BLAKE2b256.hash([1]), number: BlockNumber(1))),
        after milliseconds: Int64 = 0
    ) {
        let slot = VoteSlot(
            setID: SetID(0), round: RoundNumber(round), phase: phase,
            validator: ValidatorIndex(validator))
        note(
            .voting(.counted(slot, target, votes: votes, quorum: set.quorum)), after: milliseconds)
    }

    private func header(_ number: UInt32, on parent: Hash256, slot: UInt64) -> Header {
        Header(
            parentHash: parent, number: BlockNumber(number), stateRoot: .zero,
            extrinsicsRoot: .zero,
            digest: HandOff.digest(slot: SlotNumber(slot), announcing: nil))
    }

    private mutating func imports(
        _ header: Header, by author: UInt8, after milliseconds: Int64 = 0
    ) {
        note(
            .imported(
                Block(header: header, extrinsics: []), author: Self.account(author), isBest: true,
                isOwn: author == 0), after: milliseconds)
    }

    @Test mutating func `votes are counted by whose they are, phase and kind of target`() {
        count(.prevote, of: 0, round: 1, votes: 1)
        count(.prevote, of: 1, round: 1, votes: 2)
        count(.precommit, of: 2, round: 1, votes: 1, target: .nothing)
        #expect(metrics.votes[.prevote]?[.init(isOwn: true, isForBlock: true)] == 1)
        #expect(metrics.votes[.prevote]?[.init(isOwn: false, isForBlock: true)] == 1)
        #expect(metrics.votes[.precommit]?[.init(isOwn: false, isForBlock: false)] == 1)
        #expect(metrics.votes[.precommit]?[.init(isOwn: true, isForBlock: true)] == nil)
    }

    @Test mutating func `a quorum's time runs from the round's first prevote, and counts once`() {
        count(.prevote, of: 0, round: 1, votes: 1)
        count(.prevote, of: 1, round: 1, votes: 2, after: 100)
        count(.prevote, of: 2, round: 1, votes: 3, after: 100)
        count(.precommit, of: 0, round: 1, votes: 1, after: 10)
        count(.precommit, of: 1, round: 1, votes: 2, after: 40)
        #expect(metrics.prevoteQuorum.count == 1)
        #expect(metrics.prevoteQuorum.sum == 0.1)
        #expect(metrics.precommitQuorum.count == 1)
        #expect(metrics.precommitQuorum.sum == 0.25)
    }

    @Test mutating func `a nil vote makes no quorum for a block`() {
        count(.prevote, of: 0, round: 1, votes: 1)
        count(.prevote, of: 1, round: 1, votes: 2, target: .nothing)
        #expect(metrics.prevoteQuorum.count == 0)
    }

    @Test mutating func `who has no vote in a round misses it when late votes are over`() {
        note(.roundEntered(RoundNumber(4)))
        count(.prevote, of: 1, round: 4, votes: 1)
        note(.roundEntered(RoundNumber(5)))
        count(.prevote, of: 0, round: 5, votes: 1)
        count(.prevote, of: 1, round: 5, votes: 2)
        note(.roundEntered(RoundNumber(6)))
        #expect(metrics.roundsEnded == 0, "votes of round 5 may still come")
        count(.prevote, of: 1, round: 6, votes: 1)
        note(.roundEntered(RoundNumber(7)))
        // Round 4 was entered first: it may have begun before the node did.
        #expect(metrics.roundsEnded == 1)
        #expect(metrics.missedRounds == [ValidatorIndex(2): 1])
        #expect(metrics.ownMissedRounds == 0)
        count(.precommit, of: 2, round: 6, votes: 1)
        note(.roundEntered(RoundNumber(9)))
        #expect(metrics.roundsEnded == 2)
        #expect(metrics.missedRounds == [ValidatorIndex(0): 1, ValidatorIndex(2): 1])
        #expect(metrics.ownMissedRounds == 1)
    }

    @Test
    mutating func `a block and its ancestors have waited since their imports; forks do not count`()
        throws
    {
        let first = header(1, on: .zero, slot: 1)
        let second = header(2, on: first.hash, slot: 2)
        let fork = header(2, on: first.hash, slot: 3)
        imports(first, by: 0)
        imports(fork, by: 1, after: 500)
        imports(second, by: 0, after: 500)
        let entries = (UInt16(0)..<2).map { index in
            VoteEntry(
                validator: ValidatorIndex(index), coherenceScore: 81,
                quantumState: QuantumState(
                    validProofs: 1, rejectedProofs: 0, averageQBER: 200, entropyPoolHash: .zero,
                    reporterCount: 1, minimumQBER: 200, maximumQBER: 200),
                signature: signature)
        }
        let certificate = try FinalityCertificate(
            setID: set.id, setHash: set.hash, round: RoundNumber(1),
            target: VoteTarget(second.ref), policy: set.policy, precommits: entries
        ).verify(set: set, genesisHash: .zero, verifier: Believer())
        note(.finalised(certificate, second.ref), after: 1_000)
        #expect(metrics.finalisedBlocks == 2)
        #expect(metrics.finality.count == 2)
        #expect(metrics.finality.sum == 3)
        #expect(metrics.lastVoters == [ValidatorIndex(0), ValidatorIndex(1)])
        #expect(metrics.measured[ValidatorIndex(1)]?.averageQBER == 200)
        #expect(metrics.measured[ValidatorIndex(1)]?.score == 81)
        #expect(metrics.measured[ValidatorIndex(2)] == nil)
    }

    private var signature: VoteSignature {
        let bytes = [SignatureFormat.firstByte] + [UInt8](repeating: 0, count: 1_279)
        guard let signature = VoteSignature(bytes) else {
            preconditionFailure("the bytes have the right form")
        }
        return signature
    }

    @Test mutating func `clock skew is the median of the authors' shortest delays`() {
        #expect(metrics.clockSkewMilliseconds == nil)
        // The clock stands at 1,000 ms, the start of slot 1.
        imports(header(1, on: .zero, slot: 1), by: 1, after: 300)
        imports(header(2, on: .zero, slot: 1), by: 1, after: 100)
        imports(header(3, on: .zero, slot: 1), by: 2, after: 500)
        #expect(metrics.blockDelayMilliseconds(of: Self.account(1)) == 300)
        #expect(metrics.blockDelayMilliseconds(of: Self.account(2)) == 900)
        #expect(metrics.clockSkewMilliseconds == 900)
        // Own blocks and old ones say nothing.
        imports(header(4, on: .zero, slot: 1), by: 0)
        #expect(metrics.blockDelayMilliseconds(of: Self.account(0)) == nil)
        imports(header(5, on: .zero, slot: 1), by: 2, after: 60_000)
        #expect(metrics.blockDelayMilliseconds(of: Self.account(2)) == 900)
        // Eight newer blocks of the author push the shortest delay out.
        for slot in UInt64(62)..<70 {
            imports(header(UInt32(slot), on: .zero, slot: slot), by: 1, after: 1_000)
        }
        #expect(metrics.blockDelayMilliseconds(of: Self.account(1)) == 900)
    }

    @Test mutating func `a lock's time and double votes are kept`() {
        let block = BlockRef(hash: .zero, number: BlockNumber(1))
        note(.voting(.locked(block, RoundNumber(1))), after: 5)
        #expect(metrics.lockedSince == now)
        note(.voting(.lockDropped(block, RoundNumber(1))))
        #expect(metrics.lockedSince == nil)
    }
}
