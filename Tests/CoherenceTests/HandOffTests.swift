import Chain
import Coherence
import Primitives
import SCALE
import Testing

/// Rule 7: a set votes on nothing above its hand-off block, and what becomes of a gadget whose set is
/// over.
@Suite struct HandOffTests {
    /// The chain A, B, C, D with the fork X, Y, Z, W on A; B and Y hand over.
    private let chain: LetterChain

    init() throws {
        var chain = LetterChain("A B C D", "A X Y Z W")
        chain.handOver(at: "B", to: try Self.state(without: 3))
        chain.handOver(at: "Y", to: try Self.state(without: 2))
        self.chain = chain
    }

    /// The state after a hand-off block of four validators of whom one leaves.
    private static func state(without leaver: Int) throws -> ChainState {
        let constants = try ChainConstants(
            specVersion: 1, chainID: "hand-off", slotDurationMilliseconds: 6_000,
            policy: .moreThanTwoThirds, sessionLength: 1)
        var (state, _) = try ChainState.genesis(
            constants: constants, validators: (0..<4).map(Fixture.identity))
        let leaving = try #require(
            Extrinsic(
                call: .leave, signer: Fixture.identity(leaver).account, nonce: 0,
                signature: [UInt8](repeating: 0, count: SignatureFormat.byteCount)))
        try state.apply([leaving], at: BlockNumber(1), evidence: .noEvidence)
        return state
    }

    private func hasNote(_ bench: GadgetBench, _ name: String) -> Bool {
        bench.notes.contains(.beyondHandOff(chain.target(name)))
    }

    // MARK: What is voted for

    @Test func `the own choice is lowered to the hand-off block of its branch`() {
        let bench = GadgetBench(chain, known: "A B C D")
        #expect(bench.unsigned.map(\.target) == [chain.target("B")])
        // The longer branch is chosen, and has a hand-off block of its own.
        let forked = GadgetBench(chain, known: "A B C X Y Z W")
        #expect(forked.unsigned.map(\.target) == [chain.target("Y")])
    }

    @Test func `without rule 7 the set votes on blocks of the next one`() {
        let bench = GadgetBench(
            chain, known: "A B C D", rules: .broken { $0.staysWithinSet = false })
        #expect(bench.unsigned.map(\.target) == [chain.target("D")])
    }

    @Test func `a depth cap counts from the head and never goes above the hand-off block`() {
        let capped = CoherenceGadget.Configuration(targetCap: .init(depth: 1))
        #expect(
            GadgetBench(chain, known: "A B C D", configuration: capped).unsigned.map(\.target)
                == [chain.target("B")])
        #expect(
            GadgetBench(chain, known: "A B", configuration: capped).unsigned.map(\.target)
                == [chain.target("A")])
    }

    @Test func `a quorum above the hand-off block locks nobody`() {
        var bench = GadgetBench(chain, known: "A B C D")
        bench.sign()
        let lines = bench.receives(.prevote, round: 0, "C", from: 1, 2, 3)
        #expect(!lines.contains { $0.contains("lock") || $0.contains("precommit") })
        #expect(bench.fires(.prevote(RoundNumber(0))).first == "sign precommit 0 nil")
    }

    @Test func `a hint above the hand-off block is not followed`() {
        var bench = GadgetBench(chain, local: 0, known: "A B C D")
        bench.sign()
        bench.failRound(withPrecommitsFrom: 1, 2, 3)
        let round = bench.gadget.round
        let primary = Int(bench.gadget.primary(of: round).rawValue)
        guard primary != 0 else {
            // We are the primary: our own choice is the hand-off block.
            return #expect(bench.sent.last?.target == chain.target("B"))
        }
        let before = bench.sent.count
        bench.receives(.prevote, round: round.rawValue, "C", from: primary)
        bench.sign()
        #expect(bench.sent.count == before)
        bench.fires(.half(round))
        #expect(bench.unsigned.map(\.target) == [chain.target("B")])
    }

    // MARK: Certificates

    @Test func `a certificate of the set for a block of the next one finalises nothing`() {
        var bench = GadgetBench(chain, known: "A B C")
        bench.sign()
        #expect(bench.receivesCertificate(round: 0, "C", from: 1, 2, 3) == [])
        #expect(hasNote(bench, "C") && bench.view.finalised == chain.genesis.ref)
        #expect(bench.gadget.round == RoundNumber(0) && bench.view.halt == nil)
        // Of an unknown block it waits for the block, and then finalises nothing either.
        bench.receivesCertificate(round: 0, "D", from: 1, 2, 3)
        bench.imports("D")
        #expect(hasNote(bench, "D") && bench.view.finalised == chain.genesis.ref)
        #expect(bench.gadget.successor == nil)
    }

    @Test func `the hand-off block's certificate ends the set's gadget`() throws {
        var bench = GadgetBench(chain, known: "A B C D")
        bench.sign()
        let lines = bench.receivesCertificate(round: 2, "B", from: 1, 2, 3)
        #expect(lines.prefix(2) == ["persist certificate 2 B", "finalised B in 2"])
        #expect(lines.dropFirst(2).allSatisfy { $0.hasPrefix("cancel") })
        #expect(bench.timers.isEmpty)
        let next = try #require(bench.gadget.successor)
        #expect(next.id == SetID(1) && next.count == 3)
        // Nothing moves it any more.
        #expect(bench.receives(.prevote, round: 3, "B", from: 1, 2, 3) == [])
        #expect(bench.receivesCertificate(round: 3, "B", from: 1, 2, 3) == [])
        #expect(bench.receivesQuorum(round: 3, "B", from: 1, 2, 3) == [])
        #expect(bench.handle(.measurement(.usable(Fixture.state))) == [])
        #expect(bench.unsigned.isEmpty)
    }

    @Test func `a certificate of an ordinary block ends nothing`() {
        var bench = GadgetBench(chain, known: "A B C D")
        bench.sign()
        bench.receivesCertificate(round: 0, "A", from: 1, 2, 3)
        #expect(bench.gadget.successor == nil && bench.gadget.round == RoundNumber(1))
        #expect(bench.unsigned.map(\.target) == [chain.target("B")])
    }

    @Test func `a tallied quorum for the hand-off block ends the set too`() {
        var bench = GadgetBench(chain, known: "A B C D")
        bench.sign()
        bench.receives(.prevote, round: 0, "B", from: 1, 2)
        bench.sign()
        bench.receives(.precommit, round: 0, "B", from: 1, 2)
        #expect(bench.view.finalised == chain.ref("B") && bench.gadget.successor != nil)
        #expect(bench.unsigned.isEmpty && bench.timers.isEmpty)
    }

    @Test func `a crash between certificate and finalised block ends in the same place`() throws {
        var bench = GadgetBench(chain, known: "A B C D")
        bench.sign()
        let certificate = bench.finality(round: 0, "B", from: [1, 2, 3]).certificate
        var recovered = bench.disk.recovered
        recovered.certificate = certificate
        var again = try CoherenceGadget(
            configuration: .init(), domain: bench.domain, local: ValidatorIndex(0),
            recovered: recovered, verifier: ToySignatures())
        let effects = again.handle(.start, tree: chain.tree("A B C D"), now: .zero)
        #expect(
            effects.contains {
                if case .finalised(_, let block) = $0 { block == chain.ref("B") } else { false }
            })
        #expect(
            !effects.contains { if case .persist(.certificate) = $0 { true } else { false } })
        #expect(again.successor?.id == SetID(1))
        #expect(!effects.contains { if case .sign = $0 { true } else { false } })
    }

    // MARK: The next gadget

    /// The bench's gadget, its set over, and the one that follows.
    private func handedOver(
        local: Int?, next: Int?, prepare: (inout GadgetBench) -> Void = { _ in }
    ) -> (bench: GadgetBench, next: CoherenceGadget) {
        var bench = GadgetBench(chain, local: local, known: "A B C D")
        bench.sign()
        prepare(&bench)
        bench.receivesCertificate(round: 5, "B", from: 1, 2, 3)
        return (bench, CoherenceGadget(after: bench.gadget, local: next.map(Fixture.index)))
    }

    @Test func `the next set begins at round 0 without lock, quorums or votes`() {
        var (bench, next) = handedOver(local: 0, next: 0)
        #expect(next.round == RoundNumber(0) && next.domain.set.id == SetID(1))
        let effects = next.handle(.start, tree: bench.tree, now: bench.now)
        let signed = effects.compactMap { effect -> UnsignedVote? in
            if case .sign(let vote) = effect { vote } else { nil }
        }
        #expect(signed.map(\.slot.setID) == [SetID(1)] && signed.map(\.slot.round.rawValue) == [0])
        #expect(signed.map(\.target) == [chain.target("D")])
        let view = next.view(tree: bench.tree)
        #expect(view.certificate == nil && view.lockRound == nil && view.ownVotes.isEmpty)
        #expect(view.finalised == chain.ref("B") && view.halt == nil)
    }

    @Test func `what belongs to the old set does nothing in the new one`() {
        var (bench, next) = handedOver(local: 0, next: 0)
        let old = bench.domain
        _ = next.handle(.start, tree: bench.tree, now: bench.now)
        func effects(_ input: CoherenceGadget.Input) -> [CoherenceGadget.Effect] {
            next.handle(input, tree: bench.tree, now: bench.now)
        }
        for kind in VotingTimer.Kind.allCases {
            let timer = VotingTimer(kind, setID: SetID(0), round: RoundNumber(0))
            #expect(effects(.timer(timer)) == [])
        }
        let slot = VoteSlot(
            setID: SetID(0), round: RoundNumber(0), phase: .precommit,
            validator: ValidatorIndex(0))
        #expect(
            effects(
                .signed(
                    slot,
                    Fixture.vote(old, 0, round: 0, .precommit, .nothing)
                        .signature.bytes)) == [])
        #expect(effects(.signingFailed(slot)) == [])
        for validator in 1...3 {
            let vote = Fixture.verified(old, validator, round: 0, .prevote, chain.target("D"))
            #expect(effects(.vote(vote)) == [])
        }
        #expect(effects(.quorumCertificate(bench.quorum(round: 0, "D", from: [1, 2, 3]))) == [])
        #expect(effects(.certificate(bench.finality(round: 0, "D", from: [1, 2, 3]))) == [])
        #expect(next.round == RoundNumber(0))
        // Its own timer does.
        let timer = VotingTimer(.prevote, setID: SetID(1), round: RoundNumber(0))
        #expect(!effects(.timer(timer)).isEmpty)
    }

    @Test func `somebody who left observes and signs nothing`() {
        var (bench, next) = handedOver(local: 3, next: nil)
        let effects = next.handle(.start, tree: bench.tree, now: bench.now)
        #expect(!effects.contains { if case .sign = $0 { true } else { false } })
        #expect(next.ownKey == nil)
    }

    // MARK: Halts

    /// Whether the next gadget is halted after an alarm of the old one.
    private func isHalted(
        next: Int?, _ alarm: (inout GadgetBench) -> Void
    ) -> Bool {
        var (bench, gadget) = handedOver(local: 0, next: next, prepare: alarm)
        #expect(bench.disk.recovered.halt != nil)
        let inherited = bench.gadget.inheritedHalt(local: next.map(Fixture.index))
        let effects = gadget.handle(.start, tree: bench.tree, now: bench.now)
        let halt = gadget.view(tree: bench.tree).halt
        #expect(inherited == halt)
        #expect(effects.contains { if case .alarm = $0 { true } else { false } } == (halt != nil))
        return halt != nil
    }

    private func secondVote(_ bench: inout GadgetBench) {
        bench.receives(.prevote, round: 0, "A", from: 0, nonce: 9)
    }

    @Test func `an alarm about the own key ends with the key`() throws {
        #expect(isHalted(next: 0) { secondVote(&$0) })
        // Our index in the next set is one whose key is another.
        #expect(!isHalted(next: 1) { secondVote(&$0) })
        // Not a member: the key may come back.
        #expect(isHalted(next: nil) { secondVote(&$0) })
    }

    @Test func `an alarm about the whole set stays`() throws {
        for next in [0, 1, nil] {
            let stays = isHalted(next: next) { bench in
                bench.receivesCertificate(round: 1, "A", from: 1, 2, 3)
                var other = LetterChain("Q")
                other.add("Q R")
                let target = VoteTarget(
                    BlockRef(hash: other.ref("Q").hash, number: BlockNumber(1)))
                let conflict = Fixture.certificate(bench.domain, [1, 2, 3], round: 3, target)
                if let verified = try? conflict.verify(
                    set: bench.domain.set, genesisHash: bench.domain.genesisHash,
                    verifier: ToySignatures())
                {
                    bench.handle(.certificate(verified))
                }
            }
            #expect(stays)
        }
    }

    // MARK: Evidence for the chain

    @Test func `a double vote charges its validator in the active and the previous set`() throws {
        let domain = Fixture.domain(4)
        let next = Fixture.set(4, id: 1)
        let rules = EvidenceRules.doubleVotes(genesisHash: domain.genesisHash)
        let evidence = DoubleVote(
            Fixture.vote(domain, 2, round: 1, .prevote, chain.target("A")),
            Fixture.vote(domain, 2, round: 1, .prevote, chain.target("B")))
        let payload = evidence.scaleBytes
        for (active, previous) in [(domain.set, nil), (next, domain.set)] {
            let charge = try #require(rules.charge(payload, active: active, previous: previous))
            #expect(
                charge.conviction
                    == Conviction(setID: SetID(0), account: Fixture.identity(2).account))
            #expect(charge.signatures.map { $0.run(using: ToySignatures()) } == [true, true])
        }
        #expect(rules.charge(payload, active: next, previous: nil) == nil)
        #expect(
            rules.charge(payload, active: Fixture.set(2), previous: nil) == nil, "no member")
        for length in payload.indices.reversed().prefix(5) {
            #expect(
                rules.charge(
                    Array(payload.prefix(length)), active: domain.set, previous: nil) == nil)
        }
        let harmless: [DoubleVote] = [
            DoubleVote(
                Fixture.vote(domain, 2, round: 1, .prevote, chain.target("A")),
                Fixture.vote(domain, 2, round: 1, .prevote, chain.target("A"), nonce: 7)),
            DoubleVote(
                Fixture.vote(domain, 2, round: 1, .prevote, chain.target("A")),
                Fixture.vote(domain, 2, round: 2, .prevote, chain.target("B"))),
            DoubleVote(
                Fixture.vote(domain, 2, round: 1, .prevote, chain.target("A")),
                Fixture.vote(domain, 2, round: 1, .precommit, chain.target("B"))),
            DoubleVote(
                Fixture.vote(domain, 2, round: 1, .prevote, chain.target("A")),
                Fixture.vote(domain, 1, round: 1, .prevote, chain.target("B"))),
        ]
        for pair in harmless {
            #expect(
                rules.charge(pair.scaleBytes, active: domain.set, previous: nil) == nil)
        }
    }
}
