import Chain
import Coherence
import Primitives
import Testing

/// What a restart brings back.
@Suite struct RecoveryTests {
    let chain = LetterChain("A B C", "A X Y")

    func recovered(_ change: (inout RecoveredVoting) -> Void) throws(RecoveryError)
        -> CoherenceGadget
    {
        var recovered = RecoveredVoting(finalised: chain.genesis.ref)
        change(&recovered)
        return try CoherenceGadget(
            configuration: .init(), domain: Fixture.domain(4), local: Fixture.index(0),
            recovered: recovered, verifier: ToySignatures())
    }

    @Test func `a slot that was signed before the crash is never signed again`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        bench.imports("X Y B C")
        bench.restart()
        #expect(bench.unsigned.isEmpty)
        #expect(bench.view.ownVotes.map(\.target) == [chain.target("A")])
        #expect(bench.view.held(RoundNumber(0), .prevote) == [1])
    }

    @Test func `a decision whose signature was lost may be made anew`() {
        var bench = GadgetBench(chain, known: "A")
        bench.imports("B")
        #expect(bench.restart().contains("sign prevote 0 B"))
    }

    @Test func `the lock and its precommit survive`() {
        var bench = GadgetBench(chain, known: "A X")
        bench.sign()
        bench.receivesQuorum(round: 0, "A", from: 1, 2, 3)
        // The lock is on disk, the precommit was never signed.
        bench.restart()
        #expect(bench.view.lockRound == RoundNumber(0))
        #expect(bench.unsigned.map(\.target) == [chain.target("A")])
        #expect(bench.unsigned.map(\.slot.phase) == [.precommit])
    }

    @Test func `the round is the highest of the sign log and the certificate's successor`() throws {
        let domain = Fixture.domain(4)
        let record = SignRecord(Fixture.verified(domain, 0, round: 5, .prevote, .nothing))
        var gadget = try recovered { $0.signRecords = [record] }
        #expect(gadget.round == RoundNumber(5))
        gadget = try recovered {
            $0.signRecords = [record]
            $0.certificate = Fixture.certificate(domain, [0, 1, 2], round: 5, chain.target("A"))
        }
        #expect(gadget.round == RoundNumber(6))
        gadget = try recovered { _ in }
        #expect(gadget.round == RoundNumber(0))
    }

    @Test func `a certificate that was stored but not announced is announced at the start`() throws
    {
        var gadget = try recovered {
            $0.certificate = Fixture.certificate(
                Fixture.domain(4), [1, 2, 3], round: 2, chain.target("B"))
        }
        let effects = gadget.handle(.start, tree: chain.tree("A B C"), now: .zero)
        let finalised = effects.compactMap { effect -> BlockRef? in
            if case .finalised(_, let block) = effect { block } else { nil }
        }
        #expect(finalised == [chain.ref("B")])
        #expect(!effects.contains { if case .persist = $0 { true } else { false } })
        #expect(gadget.round == RoundNumber(3))
    }

    @Test func `a precommit that only the stored certificate tells of is our own all the same`()
        throws
    {
        // The certificate's file was committed, the sign log was not when the power failed.
        let domain = Fixture.domain(4)
        var gadget = try recovered {
            $0.signRecords = [
                SignRecord(Fixture.verified(domain, 0, round: 2, .prevote, chain.target("B")))
            ]
            $0.certificate = Fixture.certificate(domain, [0, 1, 2], round: 2, chain.target("B"))
        }
        let tree = chain.tree("A B C")
        let effects = gadget.handle(.start, tree: tree, now: .zero)
        guard case .persist(.vote(let record))? = effects.first else {
            Issue.record("the sign log is completed first: \(effects)")
            return
        }
        #expect(record.slot.phase == .precommit && record.slot.round == RoundNumber(2))
        #expect(record.target == chain.target("B"))
        // A peer that has read the certificate sends the vote back: no stranger has our key.
        let echo = try record.vote.verify(in: domain, using: ToySignatures())
        let answer = gadget.handle(.vote(echo), tree: tree, now: .zero)
        #expect(!answer.contains { if case .alarm = $0 { true } else { false } })
    }

    @Test func `a certificate above which we have signed adds nothing to the sign log`() throws {
        let domain = Fixture.domain(4)
        var gadget = try recovered {
            $0.signRecords = [SignRecord(Fixture.verified(domain, 0, round: 3, .prevote, .nothing))]
            $0.certificate = Fixture.certificate(domain, [0, 1, 2], round: 2, chain.target("B"))
        }
        let effects = gadget.handle(.start, tree: chain.tree("A B C"), now: .zero)
        #expect(!effects.contains { if case .persist(.vote) = $0 { true } else { false } })
    }

    @Test func `a loaded lock meets the rule of finality`() throws {
        let domain = Fixture.domain(4)
        let lock = Lock(Fixture.quorumCertificate(domain, [0, 1, 2], round: 1, chain.target("B")))
        func start(certificate name: String, round: UInt64) throws -> CoherenceGadget {
            var gadget = try recovered {
                $0.lock = lock
                $0.certificate = Fixture.certificate(
                    domain, [0, 1, 2], round: round, chain.target(name))
            }
            _ = gadget.handle(.start, tree: chain.tree("A B C X Y"), now: .zero)
            return gadget
        }
        let tree = chain.tree("A B C X Y")
        #expect(try start(certificate: "C", round: 2).view(tree: tree).lockRound == nil)
        #expect(
            try start(certificate: "A", round: 2).view(tree: tree).lockRound == RoundNumber(1))
        #expect(try start(certificate: "Y", round: 2).view(tree: tree).lockRound == nil)
        #expect(try start(certificate: "Y", round: 1).view(tree: tree).halt != nil)
    }

    /// A crash between the commits of the chain's file, which prunes what conflicts with F, and of
    /// the sign log, which drops the lock.
    @Test(arguments: [(UInt64(0), true), (1, true), (2, false)])
    func `a lock on a block that is gone is dropped if finality is newer`(
        _ certificateRound: UInt64, _ isKept: Bool
    ) throws {
        let domain = Fixture.domain(4)
        var gadget = try recovered {
            $0.lock = Lock(
                Fixture.quorumCertificate(domain, [0, 1, 2], round: 1, chain.target("C")))
            $0.finalised = chain.ref("X")
            $0.certificate = Fixture.certificate(
                domain, [0, 1, 2], round: certificateRound, chain.target("X"))
        }
        var tree = chain.tree("A X Y")
        _ = tree.finalise(chain.ref("X").hash)
        _ = gadget.handle(.start, tree: tree, now: .zero)
        #expect(gadget.view(tree: tree).lockRound == (isKept ? RoundNumber(1) : nil))
    }

    @Test func `a lock whose block is lost is kept and its block fetched`() throws {
        let lock = Lock(
            Fixture.quorumCertificate(Fixture.domain(4), [0, 1, 2], round: 1, chain.target("B")))
        var gadget = try recovered { $0.lock = lock }
        let effects = gadget.handle(.start, tree: chain.tree("A X Y"), now: .zero)
        #expect(effects.contains(.wantBlock(chain.ref("B"))))
        #expect(gadget.pinnedBlocks.contains(chain.ref("B").hash))
        let measured = gadget.handle(
            .measurement(.usable(Fixture.state)), tree: chain.tree("A X Y"), now: .zero)
        let targets = measured.compactMap { effect -> VoteTarget? in
            if case .sign(let vote) = effect { vote.target } else { nil }
        }
        #expect(targets == [chain.target("B")])
    }

    @Test func `stored state that does not verify is not believed`() {
        let domain = Fixture.domain(4)
        let elsewhere = VotingDomain(genesisHash: .zero, set: domain.set)
        let other = Fixture.verified(elsewhere, 0, round: 0, .prevote, chain.target("A"))
        #expect(throws: RecoveryError.invalidSignRecord(other.slot, .badSignature)) {
            try recovered { $0.signRecords = [SignRecord(other)] }
        }
        let foreign = Fixture.verified(domain, 1, round: 0, .prevote, chain.target("A"))
        #expect(throws: RecoveryError.foreignSignRecord(foreign.slot)) {
            try recovered { $0.signRecords = [SignRecord(foreign)] }
        }
        let own = Fixture.verified(domain, 0, round: 0, .prevote, chain.target("A"))
        let again = Fixture.verified(domain, 0, round: 0, .prevote, chain.target("X"))
        #expect(throws: RecoveryError.duplicateSignRecord(own.slot)) {
            try recovered { $0.signRecords = [SignRecord(own), SignRecord(again)] }
        }
        let short = Fixture.quorumCertificate(domain, [0, 1], round: 1, chain.target("B"))
        let tooFew = CertificateInvalid.tooFewVotes(found: 2, needed: 3)
        #expect(throws: RecoveryError.invalidLock(tooFew)) {
            try recovered { $0.lock = Lock(short) }
        }
        #expect(throws: RecoveryError.invalidQuorumCertificate(tooFew)) {
            try recovered { $0.highestQuorumCertificate = short }
        }
        #expect(throws: RecoveryError.invalidCertificate(tooFew)) {
            try recovered {
                $0.certificate = Fixture.certificate(domain, [0, 1], round: 1, chain.target("B"))
            }
        }
    }

    @Test func `nothing is decided before the start`() throws {
        var gadget = try recovered { _ in }
        #expect(
            gadget.handle(
                .measurement(.usable(Fixture.state)), tree: chain.tree("A"), now: .zero
            )
            .allSatisfy { if case .note = $0 { true } else { false } })
        let vote = Fixture.verified(Fixture.domain(4), 1, round: 0, .prevote, chain.target("A"))
        let effects = gadget.handle(.vote(vote), tree: chain.tree("A"), now: .zero)
        #expect(effects.allSatisfy { if case .note = $0 { true } else { false } })
    }
}
