import Chain
import Coherence
import Primitives
import Testing

/// Why validators do not simply vote again: each test breaks one rule and shows what goes wrong,
/// and that it does not with the rule.
@Suite struct RevoteTests {
    /// Two forks; Y is on the longer one.
    let chain = LetterChain("X", "V Y")
    let all = [0, 1, 2, 3]

    /// Names of two conflicting blocks at height 1, the first with the lower hash, each with a
    /// child.
    func twins() -> (chain: LetterChain, low: String, high: String) {
        let chain = LetterChain("P PP", "Q QQ")
        let isInOrder = chain.ref("P").hash < chain.ref("Q").hash
        return (chain, isInOrder ? "P" : "Q", isInOrder ? "Q" : "P")
    }

    @Test(arguments: [true, false])
    func `without round numbers a vote and its repetition add up to two quorums`(_ isSafe: Bool) {
        let (chain, low, high) = twins()
        // A and B know one fork, C and D the other.
        var four = Assembly(
            chain, validators: 4, known: high, high, low, low,
            rules: .broken { $0.separatesRounds = isSafe })
        #expect(four.targets(of: 0, .prevote, 0) == [high])
        #expect(four.targets(of: 3, .prevote, 0) == [low])
        // A and C learn of the other fork, which is longer, and keep one below its head.
        for (index, name) in [(0, low), (2, high)] {
            four[index].handle(.targetCap(.init(depth: 1)))
            four[index].imports("\(name) \(name)\(name)")
        }
        four.fire(VotingTimer.prevote, 0, at: all)
        // Time-out: A and C vote again, for the other block. Now three have voted for each.
        let again = isSafe ? 1 : 2
        #expect(four.targets(of: 0, .prevote, 0).count == again)
        #expect(four.targets(of: 2, .prevote, 0).count == again)
        guard !isSafe else {
            four.carry(.prevote, 0, from: all, to: all)
            return #expect(four.benches.allSatisfy { $0.view.highestQuorum == nil })
        }
        // B knows the high fork only, D the low one; both see three votes for theirs.
        four.carry(.prevote, 0, from: [0, 2], to: [1, 3])
        four.carry(.prevote, 0, from: all, to: [1, 3])
        #expect(four.targets(of: 1, .precommit, 0) == [high])
        #expect(four.targets(of: 3, .precommit, 0) == [low])
    }

    @Test(arguments: [true, false])
    func `with rounds but no lock the others finalise something else`(_ isSafe: Bool) {
        var four = Assembly(
            chain, validators: 4, known: "X", rules: .broken { $0.locks = isSafe })
        // D is the primary of round 1.
        let d = Int(four[0].gadget.primary(of: RoundNumber(1)).rawValue)
        let (a, b, c) = ((d + 1) % 4, (d + 2) % 4, (d + 3) % 4)
        // All prevote X; A, B and C precommit it; only A sees all three precommits.
        four.carry(.prevote, 0, from: all, to: [a, b, c])
        four.carry(.precommit, 0, from: [b, c], to: [a])
        #expect(four[a].view.finalised == chain.ref("X"))
        // A is silent. The others time out and meet a longer fork, which D proposes.
        four.fire(VotingTimer.prevote, 0, at: [d])
        for index in [b, c, d] { four[index].imports("V Y") }
        four.carry(.precommit, 0, from: [b, c, d], to: [b, c, d])
        four.fire(VotingTimer.precommit, 0, at: [b, c, d])
        #expect(four.targets(of: d, .prevote, 1) == ["Y"])
        four.carry(.prevote, 1, from: [d], to: [b, c])
        four.fire(VotingTimer.half, 1, at: isSafe ? [b, c] : [])
        #expect(four.targets(of: b, .prevote, 1) == [isSafe ? "X" : "Y"])
        four.carry(.prevote, 1, from: [b, c, d], to: [b, c, d])
        four.carry(.precommit, 1, from: [b, c, d], to: [b, c, d])
        #expect(four[b].view.finalised == (isSafe ? chain.genesis.ref : chain.ref("Y")))
        #expect(four[c].view.finalised == (isSafe ? chain.genesis.ref : chain.ref("Y")))
    }

    @Test(arguments: [true, false])
    func `after a restart without a record a validator votes for something else`(_ isSafe: Bool) {
        var three = Assembly(
            chain, validators: 3, known: "X", "X", "V Y",
            rules: .broken { ($0.remembersVotes, $0.remembersLock) = (isSafe, isSafe) })
        three.carry(.prevote, 0, from: [0, 1], to: [0, 1])
        three.carry(.precommit, 0, from: [1], to: [0])
        #expect(three.finalised == ["X", "genesis", "genesis"])
        three[1].imports("V Y")
        three.restart([1])
        #expect(three.targets(of: 1, .prevote, 0) == (isSafe ? ["X"] : ["X", "Y"]))
        three.carry(.prevote, 0, from: [2], to: [1])
        three.carry(.prevote, 0, from: [1], to: [2])
        three.carry(.precommit, 0, from: [1], to: [2])
        three.carry(.precommit, 0, from: [2], to: [1])
        #expect(three.finalised == (isSafe ? ["X", "genesis", "genesis"] : ["X", "Y", "Y"]))
    }

    @Test(arguments: [true, false])
    func `a vote for every imported fork is two votes at one height`(_ isSafe: Bool) {
        let (chain, low, high) = twins()
        var bench = GadgetBench(
            chain, rules: .broken { $0.prevotesOncePerRound = isSafe })
        bench.imports(low)
        bench.sign()
        bench.imports(high)
        bench.sign()
        let targets = bench.sent.map(\.target)
        #expect(targets.filter { $0 == chain.target(low) }.count >= 1)
        #expect(targets.contains(chain.target(high)) == !isSafe)
        #expect(Set(bench.sent.map(\.slot)).count == 1)
    }

    @Test(arguments: [true, false])
    func `remembering votes without sending them again stops a network that restarts`(
        _ isLive: Bool
    ) {
        var four = Assembly(
            chain, validators: 4, known: "X", rules: .broken { $0.resendsStoredVotes = isLive })
        four.carry(.prevote, 0, from: all, to: all)
        #expect(four.targets(of: 3, .precommit, 0) == ["X"])
        // All precommits are on disk and none was delivered when everybody restarts.
        four.restart(all)
        for _ in 0..<3 { four.sendAgain(from: all, to: all) }
        four.fire(VotingTimer.prevote, 0, at: all)
        four.sendAgain(from: all, to: all)
        #expect(four.finalised == Array(repeating: isLive ? "X" : "genesis", count: 4))
        if !isLive {
            // Nobody has anything to say, nobody can leave the round.
            #expect(four.benches.allSatisfy { $0.gadget.round == RoundNumber(0) })
            #expect(four.benches.allSatisfy { $0.view.ownVotes.isEmpty && $0.unsigned.isEmpty })
        }
    }

    @Test(arguments: [true, false])
    func `a late precommit of a round that was left forks the chain`(_ isSafe: Bool) {
        var four = Assembly(
            chain, validators: 4, known: "X", rules: .broken { $0.decidesInOrder = isSafe })
        // All prevote X in round 0, unheard. They leave the round by a certificate of it that never
        // was: here, by votes of round 1 that bring them along.
        for index in 1...3 {
            four[index].imports("V Y")
            four[index].receives(.prevote, round: 1, "nil", from: 0)
            four[index].receives(.prevote, round: 1, "Y", from: index == 1 ? 2 : 1)
            four[index].sign()
        }
        #expect(four.benches.dropFirst().allSatisfy { $0.gadget.round == RoundNumber(1) })
        four.fire(VotingTimer.half, 1, at: [1, 2, 3])
        four.carry(.prevote, 1, from: [1, 2, 3], to: [1, 2, 3])
        #expect(four.targets(of: 1, .precommit, 1) == ["Y"])
        // Now the prevotes of round 0 arrive: a quorum for X that is too late.
        four.carry(.prevote, 0, from: all, to: [1, 2, 3])
        #expect(four.targets(of: 1, .precommit, 0) == (isSafe ? ["nil"] : ["X"]))
        four.carry(.precommit, 0, from: [1, 2, 3], to: [0])
        four.carry(.precommit, 1, from: [1, 2, 3], to: [1, 2, 3])
        #expect(four.finalised == [isSafe ? "genesis" : "X", "Y", "Y", "Y"])
    }

    @Test(arguments: [true, false])
    func `who leaves a round without a precommit on record leaves the others in it for ever`(
        _ isLive: Bool
    ) {
        var four = Assembly(
            chain, validators: 4, known: "X", rules: .broken { $0.precommitsNilOnLeaving = isLive })
        // C sees a quorum for X and precommits it, A and D give up. B, who has not precommitted,
        // hears all three and enters round 1.
        four.carry(.prevote, 0, from: all, to: [2])
        four.fire(VotingTimer.prevote, 0, at: [0, 3])
        four.carry(.precommit, 0, from: [0, 2, 3], to: [1])
        #expect(four.targets(of: 1, .precommit, 0) == (isLive ? ["nil"] : []))
        four.fire(VotingTimer.half, 1, at: [1])
        #expect(four.targets(of: 1, .prevote, 1) == ["X"])
        // A is gone for ever, with its precommit; B restarts and forgets what it heard.
        four.restart([1])
        #expect(four[1].gadget.round == RoundNumber(1))
        let alive = [1, 2, 3]
        four.carryOn(alive)
        if isLive {
            #expect(four.finalised.dropFirst().allSatisfy { $0 == "X" })
        } else {
            #expect(alive.map { four[$0].gadget.round.rawValue } == [1, 0, 0])
        }
    }

    /// What the simulator found as seed 12 of the ground `strategist`.
    @Test(arguments: [true, false])
    func `who runs ahead of a quorum leaves the others behind for ever`(_ isLive: Bool) {
        var four = Assembly(
            chain, validators: 4, known: "X", rules: .broken { $0.awaitsPrecommits = isLive })
        // C and D precommit X, A and B give up; B and C hear three precommits and leave round 0.
        four.carry(.prevote, 0, from: all, to: [2, 3])
        four.fire(VotingTimer.prevote, 0, at: [0, 1])
        four.carry(.precommit, 0, from: [1, 2, 3], to: [1, 2])
        four.fire(VotingTimer.precommit, 0, at: [1, 2])
        // They hear only each other.
        for round: UInt64 in 1...2 {
            four.fire(VotingTimer.prevote, round, at: [1, 2])
            four.carry(.precommit, round, from: [1, 2], to: [1, 2])
        }
        #expect([1, 2].map { four[$0].gadget.round.rawValue } == (isLive ? [1, 1] : [3, 3]))
        // C is gone for ever, B restarts and sends the votes of its last two rounds again.
        four.restart([1])
        let alive = [0, 1, 3]
        four.carryOn(alive)
        if isLive {
            #expect(alive.allSatisfy { four.finalised[$0] == "X" })
        } else {
            #expect(alive.map { four[$0].gadget.round.rawValue } == [0, 2, 0])
        }
    }

    @Test(arguments: [true, false])
    func `a lost lock is not restored by listening`(_ isSafe: Bool) {
        var three = Assembly(
            chain, validators: 3, known: "X", "X", "V Y",
            rules: .broken { $0.remembersLock = isSafe })
        three.carry(.prevote, 0, from: [0, 1], to: [0, 1])
        three.carry(.precommit, 0, from: [1], to: [0])
        #expect(three.finalised == ["X", "genesis", "genesis"])
        // A is silent. B restarts and hears C only.
        three[1].imports("V Y")
        three.restart([1])
        three.fire(VotingTimer.prevote, 0, at: [2])
        three.sendAgain(from: [1, 2], to: [1, 2])
        three.fire(VotingTimer.precommit, 0, at: [1, 2])
        three.fire(VotingTimer.half, 1, at: [1, 2])
        three.carry(.prevote, 1, from: [1, 2], to: [1, 2])
        three.carry(.precommit, 1, from: [1, 2], to: [1, 2])
        if isSafe {
            #expect(three.targets(of: 1, .prevote, 1) == ["X"])
            #expect(three.finalised[2] != "Y")
        } else {
            #expect(three.finalised == ["X", "Y", "Y"])
        }
    }

    @Test(arguments: [true, false])
    func `a lock on a block that is not there binds to nothing`(_ isSafe: Bool) {
        var bench = GadgetBench(chain, rules: .broken { $0.locksOnlyKnownBlocks = isSafe })
        let lines = bench.receivesQuorum(round: 0, "Y", from: 1, 2, 3)
        #expect(lines.contains("want Y"))
        #expect(lines.contains("persist lock 0 Y") == !isSafe)
        #expect(bench.unsigned.contains { $0.target == chain.target("Y") } == !isSafe)
    }

    @Test(arguments: [true, false])
    func `a certificate that nobody is told of leaves the others behind`(_ isLive: Bool) {
        var four = Assembly(
            chain, validators: 4, known: "X", rules: .broken { $0.sharesCertificates = isLive })
        four.carry(.prevote, 0, from: all, to: [0, 1, 2])
        four.carry(.precommit, 0, from: [1, 2], to: [0])
        // D crashes, A has finished the round. B and C are two of three and cannot leave it.
        four.sendAgain(from: [1, 2], to: [1, 2])
        #expect(four[1].gadget.round == RoundNumber(0))
        #expect(four[1].timers[.precommit(RoundNumber(0))] == nil)
        guard let certificate = four[0].view.newestCertificate else {
            Issue.record("A holds a certificate")
            return
        }
        #expect(four[0].view.sharesCertificates == isLive)
        if four[0].view.sharesCertificates {
            for index in 1...2 { four[index].handle(.certificate(certificate)) }
        }
        #expect(
            four.finalised.prefix(3) == ["X", isLive ? "X" : "genesis", isLive ? "X" : "genesis"])
    }

    @Test(arguments: [true, false])
    func `a jump to the highest round seen lets one validator drive the others`(_ isSafe: Bool) {
        var bench = GadgetBench(chain, rules: .broken { $0.jumpsToSupportedRound = isSafe })
        bench.receives(.prevote, round: 900_000, "nil", from: 3)
        #expect(bench.gadget.round == RoundNumber(isSafe ? 0 : 900_000))
    }

    @Test(arguments: [true, false])
    func `a lock on a strict descendant of the final block must stay`(_ isSafe: Bool) {
        let chain = LetterChain("A B C", "A X Y Z")
        let primary = Int(
            GadgetBench(chain, local: nil).gadget.primary(of: RoundNumber(3)).rawValue)
        let others = (0..<4).filter { $0 != primary }
        var bench = GadgetBench(
            chain, local: others[0], known: "A B X Y Z",
            rules: .broken { $0.keepsLockAboveFinality = isSafe })
        bench.receivesQuorum(round: 2, "B", from: 1, 2, 3)
        bench.sign()
        // Precommits of an earlier round make A final late. A quorum for B may exist, and the
        // primary of the next round proposes something else.
        bench.receivesCertificate(round: 1, "A", from: 1, 2, 3)
        bench.receives(.precommit, round: 2, "nil", from: others[1], others[2])
        bench.receives(.prevote, round: 3, "Z", from: primary)
        bench.sign()
        let votesForZ = bench.sent.filter {
            $0.target == chain.target("Z") && $0.round == RoundNumber(3)
        }
        #expect(votesForZ.isEmpty == isSafe, "\(votesForZ.map(\.slot))")
    }

    @Test(arguments: [true, false])
    func `an older lock on a conflicting block must go`(_ isLive: Bool) {
        let chain = LetterChain("A B", "A X Y Z")
        var bench = GadgetBench(
            chain, known: "A B X Y", rules: .broken { $0.dropsConflictingLock = isLive })
        bench.receivesQuorum(round: 0, "B", from: 1, 2, 3)
        bench.sign()
        bench.receivesCertificate(round: 3, "Y", from: 1, 2, 3)
        bench.imports("Z")
        bench.sign()
        // Kept, it makes the validator vote for a block that can never be final.
        #expect(bench.sent.last?.target == chain.target(isLive ? "Z" : "B"))
    }
}
