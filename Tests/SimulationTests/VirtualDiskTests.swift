import Chain
import Coherence
import Primitives
import Simulation
import Testing
import Validator

struct VirtualDiskTests {
    private struct Fixture {
        let domain: VotingDomain
        let image: DiskImage
        let block: Block

        init() throws {
            let validators = (0..<4).compactMap { index in
                ValidatorIdentity(
                    account: KeyedHashScheme.account(of: index),
                    falconPublicKey: KeyedHashScheme.publicKey(of: index))
            }
            let constants = try ChainConstants(
                specVersion: 1, chainID: "disk", slotDurationMilliseconds: 1_000,
                policy: .moreThanTwoThirds)
            let genesis = try ChainState.genesis(constants: constants, validators: validators)
            domain = VotingDomain(genesisHash: genesis.header.hash, set: genesis.state.activeSet)
            image = DiskImage(genesisHeader: genesis.header, state: genesis.state)
            let builder = try BlockBuilder(
                parent: genesis.header, parentState: genesis.state, slot: SlotNumber(8),
                extrinsics: [], evidence: .noEvidence)
            block = builder.seal(
                KeyedHashScheme.sign(
                    builder.message, key: KeyedHashScheme.publicKey(of: 0), nonce: 1))
        }

        func vote(for target: VoteTarget, nonce: UInt64) throws -> SignRecord {
            let measured = QuantumState(
                validProofs: 1, rejectedProofs: 0, averageQBER: 50, entropyPoolHash: .zero,
                reporterCount: 1, minimumQBER: 50, maximumQBER: 50)
            let state = target.isNil ? QuantumState.zero : measured
            let score: UInt64 = target.isNil ? 0 : 95
            let account = KeyedHashScheme.account(of: 0)
            let message = domain.signedBytes(
                round: RoundNumber(3), phase: .prevote, validator: account, target: target,
                coherenceScore: score, quantumState: state)
            let signature = try #require(
                VoteSignature(
                    KeyedHashScheme.sign(
                        message, key: KeyedHashScheme.publicKey(of: 0), nonce: nonce)))
            let vote = CoherenceVote(
                validator: account, target: target, coherenceScore: score, quantumState: state,
                signature: signature, phase: .prevote, round: RoundNumber(3),
                setID: domain.set.id)
            return SignRecord(try vote.verify(in: domain, using: KeyedHashVerifier()))
        }
    }

    @Test(arguments: VirtualDisk.Remains.allCases)
    func `A crash leaves of a commit under way nothing, the chain's part, or all of it`(
        remains: VirtualDisk.Remains
    ) throws {
        let fixture = try Fixture()
        var disk = VirtualDisk(fixture.image, faults: PersistenceFaults())
        let record = try fixture.vote(for: VoteTarget(fixture.block.ref), nonce: 1)
        disk.beginCommit([.block(fixture.block), .voting(.vote(record))])
        #expect(disk.durable.signedTarget(in: record.slot) == nil)
        try disk.crash(leaving: remains)
        let found = try disk.durable.recover(limits: .standard)
        // Torn at the very beginning nothing is left.
        #expect(found.tree.contains(fixture.block.hash) == (remains == .chain || remains == .all))
        #expect(found.voting.signRecords == (remains == .all ? [record] : []))
        // What was lost does not come back.
        try disk.endCommit()
        #expect((disk.durable.signedTarget(in: record.slot) != nil) == (remains == .all))
    }

    @Test(arguments: UInt64(0)...4)
    func `Of a torn commit the records before the torn one are left, the chain's file first`(
        point: UInt64
    ) throws {
        let fixture = try Fixture()
        var disk = VirtualDisk(fixture.image, faults: PersistenceFaults())
        let record = try fixture.vote(for: VoteTarget(fixture.block.ref), nonce: 1)
        disk.beginCommit([.block(fixture.block), .voting(.vote(record))])
        try disk.crash(leaving: .torn, tornAt: point)
        let found = try disk.durable.recover(limits: .standard)
        #expect(found.tree.contains(fixture.block.hash) == (point >= 1))
        #expect(found.voting.signRecords == (point == 4 ? [record] : []))
    }

    @Test func `What was committed is there after a crash`() throws {
        let fixture = try Fixture()
        var disk = VirtualDisk(fixture.image, faults: PersistenceFaults())
        let record = try fixture.vote(for: VoteTarget(fixture.block.ref), nonce: 1)
        disk.beginCommit([
            .block(fixture.block), .voting(.vote(record)),
            .finalised([fixture.block.ref], pruned: []),
        ])
        try disk.endCommit()
        try disk.crash(leaving: .nothing)
        let found = try disk.durable.recover(limits: .standard)
        #expect(found.tree.finalised == fixture.block.ref)
        #expect(found.voting.finalised == fixture.block.ref)
        #expect(found.voting.signRecords == [record])
    }

    @Test func `A slot that is signed twice is noticed by the disk itself`() throws {
        let fixture = try Fixture()
        var disk = VirtualDisk(fixture.image, faults: PersistenceFaults())
        let target = VoteTarget(fixture.block.ref)
        let first = try fixture.vote(for: target, nonce: 1)
        disk.beginCommit([.voting(.vote(first))])
        try disk.endCommit()
        disk.beginCommit([.voting(.vote(try fixture.vote(for: .nothing, nonce: 2)))])
        #expect(throws: DiskFault.slotSignedTwice(first.slot, target, .nothing)) {
            try disk.endCommit()
        }
    }

    @Test func `Finality that does not link to what is final is refused`() throws {
        let fixture = try Fixture()
        var disk = VirtualDisk(fixture.image, faults: PersistenceFaults())
        disk.beginCommit([.finalised([fixture.block.ref], pruned: [])])
        #expect(throws: DiskFault.finalisedBlockMissing(fixture.block.ref)) {
            try disk.endCommit()
        }
    }
}
