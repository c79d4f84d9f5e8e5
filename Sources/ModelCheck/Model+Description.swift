internal import Coherence
internal import Primitives

/// Models, steps and findings in words. Honest validators are V1, V2, V3; the Byzantine ones come
/// after them.
extension Model {
    /// A certificate that can be assembled in a state.
    package struct AssembledCertificate: Sendable, Hashable {
        /// The final block, by number.
        package let block: Int
        /// The round of its precommits.
        package let round: Int
        /// The honest validators that signed it, from 0. Byzantine ones make up the rest.
        package let honestSigners: [Int]
    }

    /// The certificates that votes sent and Byzantine signatures make in a state, by round.
    package func certificates(in state: ModelState) -> [AssembledCertificate] {
        let quorums = tables.quorums(state.ballots)
        var found: [AssembledCertificate] = []
        for round in 0..<configuration.rounds {
            for block in 1...tree.count {
                let ballot = ModelState.ballot(slot: 2 * round + 1, block: block)
                guard quorums & ballot != 0 else { continue }
                found.append(
                    AssembledCertificate(
                        block: block, round: round,
                        honestSigners: (0..<configuration.honest).filter {
                            state.ballots[$0] & ballot != 0
                        }))
            }
        }
        return found
    }

    /// Every quorum of prevotes and certificate that can be assembled, as bits: what others can be
    /// convinced of in this state. Of like states it is that of one.
    package func outcome(of state: ModelState) -> UInt64 {
        let quorums = tables.quorums(state.ballots)
        return renumberings.reduce(quorums) { min($0, $1.image(of: quorums)) }
    }

    /// What was explored, in a line.
    package var summary: String {
        let blocks = configuration.paths.joined(separator: ", ")
        let byzantine = configuration.byzantine == 0 ? "none" : "\(configuration.byzantine)"
        let quorum = configuration.policy.threshold(validatorCount: configuration.validators)
        return "n = \(configuration.validators), q = \(quorum), Byzantine: \(byzantine),"
            + " rounds: \(configuration.rounds), blocks above genesis: \(tree.count) (\(blocks)),"
            + " restarts: \(configuration.restarts ? "any number" : "none"),"
            + " certificates: \(configuration.certificates ? "delivered or not" : "never delivered")"
    }

    /// A step in words, with where it leads.
    package func description(of move: Move, to state: ModelState) -> String {
        let name = "V\(move.validator + 1)"
        let block = tree.names[move.block]
        let phase = move.slot % 2 == 0 ? "prevotes" : "precommits"
        let round = "in round \(move.slot / 2)"
        switch move.kind {
        case .prevotes: return "\(name) prevotes \(block) \(round)"
        case .precommits: return "\(name) precommits \(block) \(round)\(standing(state, move))"
        case .locksOnly:
            return "\(name) decides to precommit \(block) \(round), and the vote is never stored"
                + standing(state, move)
        case .takesCertificate:
            return "\(name) takes the certificate for \(block) of round \(move.slot / 2)"
                + standing(state, move)
        case .restarts: return "\(name) restarts\(standing(state, move))"
        case .sendsUnstored:
            return "\(name) \(phase) \(block) \(round), and crashes before that is stored"
                + standing(state, move)
        case .repeatsRound: return "\(name) begins its round anew\(standing(state, move))"
        }
    }

    private func standing(_ state: ModelState, _ move: Move) -> String {
        let validator = state[move.validator]
        let lock =
            validator.lockedBlock.map { "locked on \(tree.names[$0.block]) of round \($0.round)" }
            ?? "no lock"
        return " (\(lock), F is \(tree.names[validator.finalised]))"
    }

    /// A counterexample, line by line.
    package func lines(of counterexample: ModelChecker.Counterexample) -> [String] {
        var lines = counterexample.steps.enumerated().map { position, step in
            "\(position + 1). \(description(of: step.move, to: step.state))"
        }
        if !counterexample.hasSteadyNames { lines.append("(names change from step to step)") }
        lines.append("broken: \(counterexample.violation)")
        let last = counterexample.steps.last?.state ?? ModelState()
        for certificate in certificates(in: last) {
            lines.append(
                "certificate for \(tree.names[certificate.block]) of round \(certificate.round)"
                    + (configuration.summarisesVotes
                        ? "" : ": precommits of \(signers(certificate))"))
        }
        return lines
    }

    private func signers(_ certificate: AssembledCertificate) -> String {
        let byzantine = (configuration.honest..<configuration.validators).map {
            "V\($0 + 1) (Byzantine)"
        }
        return (certificate.honestSigners.map { "V\($0 + 1)" } + byzantine).joined(separator: ", ")
    }
}
