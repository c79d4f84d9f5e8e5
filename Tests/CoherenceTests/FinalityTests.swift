import Chain
import Coherence
import Primitives
import Testing

/// Rules 4 and 6: certificates, and what becomes of the lock when finality moves.
@Suite struct FinalityTests {
    let chain = LetterChain("A B C D", "A X Y Z")

    /// A validator that locked `name` in round 0 and is in round 1 or later.
    func locked(on name: String, known: String, rules: VotingRules = .production) -> GadgetBench {
        var bench = GadgetBench(chain, known: known, rules: rules)
        bench.sign()
        bench.receivesQuorum(round: 0, name, from: 1, 2, 3)
        bench.sign()
        return bench
    }

    @Test func `a certificate is durable before finality is announced`() {
        var bench = GadgetBench(chain, local: nil, known: "A B")
        #expect(
            bench.receivesCertificate(round: 0, "B", from: 0, 1, 2).prefix(2) == [
                "persist certificate 0 B", "finalised B in 0",
            ])
    }

    @Test func `a certificate for an unknown block waits for the block`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        let lines = bench.receivesCertificate(round: 3, "C", from: 1, 2, 3)
        #expect(lines.prefix(2) == ["want C", "enter 4"])
        #expect(bench.view.finalised == chain.genesis.ref)
        #expect(bench.view.newestCertificate?.round == RoundNumber(3))
        #expect(bench.view.certificate == nil)
        #expect(bench.imports("B") == [])
        #expect(bench.imports("C").prefix(2) == ["persist certificate 3 C", "finalised C in 3"])
    }

    @Test func `nothing is prevoted while the final block is unknown`() {
        var bench = GadgetBench(chain, known: "A")
        bench.sign()
        bench.receivesCertificate(round: 3, "C", from: 1, 2, 3)
        #expect(bench.unsigned.isEmpty)
        #expect(bench.fires(.half(RoundNumber(4))) == ["sign prevote 4 nil"])
    }

    @Test func `certificates for unknown blocks are bounded and the highest are kept`() {
        let names = "a b c d e f g h"
        var long = chain
        long.add(names)
        var bench = GadgetBench(long, local: nil)
        for (round, name) in names.split(separator: " ").enumerated() {
            bench.receivesCertificate(round: UInt64(round), String(name), from: 0, 1, 2)
        }
        #expect(bench.view.newestCertificate?.round == RoundNumber(7))
        #expect(bench.imports("a b c d").allSatisfy { !$0.hasPrefix("finalised") })
        #expect(bench.imports("e").contains("finalised e in 4"))
        #expect(bench.imports("f g h").filter { $0.hasPrefix("finalised") }.count == 3)
    }

    @Test func `finality never moves back`() {
        var bench = GadgetBench(chain, local: nil, known: "A B C")
        bench.receivesCertificate(round: 4, "C", from: 0, 1, 2)
        #expect(bench.receivesCertificate(round: 2, "B", from: 0, 1, 2) == [])
        #expect(bench.receivesCertificate(round: 6, "A", from: 0, 1, 2) == ["enter 7"])
        #expect(bench.view.finalised == chain.ref("C"))
        #expect(bench.view.certificate?.round == RoundNumber(4))
        #expect(bench.view.halt == nil)
    }

    @Test func `a newer certificate for the same block replaces the older`() {
        var bench = GadgetBench(chain, local: nil, known: "A B")
        bench.receivesCertificate(round: 2, "A", from: 0, 1, 2)
        #expect(
            bench.receivesCertificate(round: 5, "A", from: 1, 2, 3).prefix(2) == [
                "persist certificate 5 A", "enter 6",
            ])
        #expect(bench.receivesCertificate(round: 3, "A", from: 1, 2, 3) == [])
        #expect(bench.view.certificate?.round == RoundNumber(5))
    }

    @Test func `the lock is dropped when finality reaches it`() {
        var bench = locked(on: "B", known: "A B C")
        let lines = bench.receivesCertificate(round: 1, "C", from: 1, 2, 3)
        #expect(
            lines.prefix(4) == [
                "persist certificate 1 C", "finalised C in 1", "persist no lock", "enter 2",
            ])
        #expect(bench.view.lockRound == nil)
    }

    @Test func `the lock is kept when it is on a strict descendant of the final block`() {
        var bench = locked(on: "C", known: "A B C X Y Z")
        bench.receivesCertificate(round: 4, "A", from: 1, 2, 3)
        #expect(bench.view.lockRound == RoundNumber(0))
        // The best head is on another fork, but the lock holds.
        #expect(bench.unsigned.map(\.target) == [chain.target("C")])
    }

    @Test func `a lock on a conflicting block of an earlier round is dropped`() {
        var bench = locked(on: "C", known: "A B C X Y")
        let lines = bench.receivesCertificate(round: 4, "Y", from: 1, 2, 3)
        #expect(
            lines.prefix(4) == [
                "persist certificate 4 Y", "finalised Y in 4", "persist no lock", "enter 5",
            ])
        #expect(bench.imports("Z").first == "sign prevote 5 Z")
    }

    @Test func `a conflicting lock of the same round or a later one is an alarm`() {
        var bench = locked(on: "C", known: "A B C X Y")
        let lines = bench.receivesCertificate(round: 0, "Y", from: 1, 2, 3)
        #expect(
            lines.prefix(4) == [
                "persist certificate 0 Y", "finalised Y in 0", "persist halt: conflicting lock",
                "alarm: conflicting lock",
            ])
        #expect(bench.imports("Z").allSatisfy { !$0.hasPrefix("sign") })
        #expect(bench.unsigned.isEmpty)
        #expect(bench.view.lockRound == RoundNumber(0))
    }

    @Test func `a certificate that conflicts with the final block is an alarm`() {
        var bench = GadgetBench(chain, known: "A B X")
        bench.sign()
        bench.receivesCertificate(round: 0, "B", from: 0, 1, 2)
        #expect(
            bench.receivesCertificate(round: 1, "X", from: 1, 2, 3).prefix(2) == [
                "persist halt: conflicting certificate", "alarm: conflicting certificate",
            ])
        #expect(bench.view.finalised == chain.ref("B"))
        // It follows the chain, signs no more, and does not repeat itself.
        #expect(bench.receivesCertificate(round: 3, "X", from: 1, 2, 3).first == "enter 4")
        #expect(bench.imports("C").allSatisfy { !$0.hasPrefix("sign") })
        #expect(
            bench.receivesCertificate(round: 9, "C", from: 0, 1, 2).contains("finalised C in 9"))
    }

    @Test func `an observer raises the alarm too`() {
        var bench = GadgetBench(chain, local: nil, known: "A B")
        bench.receivesCertificate(round: 0, "B", from: 0, 1, 2)
        #expect(
            bench.receivesCertificate(round: 0, "X", from: 1, 2, 3).contains(
                "alarm: conflicting certificate"))
    }

    @Test func `a conflict that is learned of only when its height is final is found then`() {
        var bench = GadgetBench(chain, local: nil, known: "A B")
        #expect(bench.receivesCertificate(round: 1, "Y", from: 0, 1, 2).first == "want Y")
        bench.receivesCertificate(round: 2, "B", from: 0, 1, 2)
        #expect(bench.view.halt == nil)
        bench.imports("C")
        #expect(
            bench.receivesCertificate(round: 3, "C", from: 0, 1, 2).contains(
                "alarm: conflicting certificate"))
    }

    @Test func `an alarm outlives a restart`() {
        var bench = GadgetBench(chain, known: "A B X")
        bench.sign()
        bench.receivesCertificate(round: 0, "B", from: 1, 2, 3)
        bench.receivesCertificate(round: 1, "X", from: 1, 2, 3)
        bench.imports("C")
        #expect(bench.restart().prefix(2) == ["alarm: conflicting certificate", "enter 1"])
        #expect(bench.unsigned.isEmpty)
    }

    @Test func `certificates of another set are ignored`() throws {
        var bench = GadgetBench(chain, local: nil, known: "A")
        for other in [Fixture.set(4, id: 1), Fixture.set(4, policy: .twoThirds)] {
            let domain = VotingDomain(genesisHash: bench.domain.genesisHash, set: other)
            let certificate = try Fixture.certificate(
                domain, [0, 1, 2], round: 0, chain.target("A")
            ).verify(set: other, genesisHash: domain.genesisHash, verifier: ToySignatures())
            #expect(bench.handle(.certificate(certificate)) == [])
        }
        #expect(bench.view.finalised == chain.genesis.ref)
    }

    @Test func `a certificate with the wrong height is not believed`() throws {
        var bench = GadgetBench(chain, local: nil, known: "A B")
        let target = try #require(
            VoteTarget(hash: chain.ref("B").hash, number: BlockNumber(7)))
        let certificate = try Fixture.certificate(bench.domain, [0, 1, 2], round: 0, target)
            .verify(
                set: bench.domain.set, genesisHash: bench.domain.genesisHash,
                verifier: ToySignatures())
        #expect(bench.handle(.certificate(certificate)) == [])
        #expect(bench.notes.last == .wrongHeight(target))
        #expect(bench.gadget.round == RoundNumber(0))
    }

    @Test func `certificates and quorums pin their blocks in the tree`() {
        let bench = locked(on: "B", known: "A B C X")
        #expect(bench.gadget.pinnedBlocks.contains(chain.ref("B").hash))
    }

    @Test func `long finality jumps are remembered by height`() {
        let names = (1...1_100).map { "n\($0)" }
        var long = LetterChain("A B", "A X")
        long.add(names.joined(separator: " "))
        var bench = GadgetBench(long, local: nil, known: names.joined(separator: " "))
        bench.receivesCertificate(round: 0, "n1100", from: 0, 1, 2)
        // Height 1 is further back than is remembered, height 1,000 is not.
        #expect(bench.receivesCertificate(round: 0, "A", from: 0, 1, 2) == [])
        #expect(bench.view.halt == nil)
        var fork = long
        fork.add((1...1_000).map { "m\($0)" }.joined(separator: " "))
        let other = GadgetBench(fork, local: nil).finality(round: 1, "m1000", from: [0, 1, 2])
        bench.handle(.certificate(other))
        #expect(bench.view.halt != nil)
    }
}
