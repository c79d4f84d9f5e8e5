import Chain
import Coherence
import Primitives

/// A few benches whose messages the test carries by hand: validator 0 is A, 1 is B and so on.
struct Assembly {
    let chain: LetterChain
    private(set) var benches: [GadgetBench]

    init(_ chain: LetterChain, validators: Int, known: String..., rules: VotingRules) {
        self.chain = chain
        benches = (0..<validators).map { index in
            GadgetBench(
                chain, validators: validators, local: index,
                known: known.count == 1 ? known[0] : known[index], rules: rules)
        }
        for index in benches.indices { benches[index].sign() }
    }

    subscript(index: Int) -> GadgetBench {
        get { benches[index] }
        set { benches[index] = newValue }
    }

    /// Carries the votes of a phase and round that some have sent to others, who sign what they
    /// decide.
    mutating func carry(
        _ phase: VotePhase, _ round: UInt64, from senders: [Int], to receivers: [Int]
    ) {
        let votes = senders.flatMap { sender in
            benches[sender].sent.filter {
                $0.phase == phase && $0.round == RoundNumber(round)
            }
        }
        for receiver in receivers {
            for vote in votes where Int(vote.index.rawValue) != receiver {
                benches[receiver].handle(.vote(vote))
            }
            benches[receiver].sign()
        }
    }

    /// Rule 6: some send their stored votes to others again.
    mutating func sendAgain(from senders: [Int], to receivers: [Int]) {
        let votes = senders.flatMap { benches[$0].view.ownVotes }
        for receiver in receivers {
            for vote in votes where Int(vote.index.rawValue) != receiver {
                benches[receiver].handle(.vote(vote))
            }
            benches[receiver].sign()
        }
    }

    /// A timer of the round fires at some, if it runs there.
    mutating func fire(_ timer: (RoundNumber) -> VotingTimer, _ round: UInt64, at indices: [Int]) {
        for index in indices {
            benches[index].fires(timer(RoundNumber(round)))
            benches[index].sign()
        }
    }

    /// Some hear all of each other's stored votes, and their timers fire, for several rounds.
    mutating func carryOn(_ alive: [Int]) {
        for _ in 0..<6 {
            for timer in [VotingTimer.half, VotingTimer.prevote, VotingTimer.precommit] {
                for _ in 0..<3 { sendAgain(from: alive, to: alive) }
                for index in alive {
                    fire(timer, benches[index].gadget.round.rawValue, at: [index])
                }
            }
        }
    }

    /// A crash and a restart of some.
    mutating func restart(_ indices: [Int]) {
        for index in indices {
            benches[index].restart()
            benches[index].sign()
        }
    }

    /// The names of the blocks that are final at each.
    var finalised: [String] {
        benches.map { chain.name($0.view.finalised.hash) }
    }

    /// The targets that a validator has sent in a round and phase.
    func targets(of index: Int, _ phase: VotePhase, _ round: UInt64) -> [String] {
        benches[index].sent
            .filter { $0.phase == phase && $0.round == RoundNumber(round) }
            .map { chain.name($0.target.hash) }
    }
}
