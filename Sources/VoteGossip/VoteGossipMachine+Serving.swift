internal import Coherence
internal import Primitives

/// Answering peers that ask.
extension VoteGossipMachine {
    /// Index 1: the votes held for a block.
    ///
    /// - Returns: what became of the request.
    mutating func serveVotes(
        for hash: Hash256, to place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        guard peers[place].answerBudget.take(1, now: context.now) else {
            return .ignore(.answeredRecently)
        }
        guard hash != .zero else { return .accept }
        var count = 0
        for position in context.view.heldPositions {
            let votes = context.view.votes(for: hash).filter { $0.slot.position == position }
            count += sendBundles(votes, at: position, to: place, &context)
        }
        if count > 0 { counters.requestsServed += 1 }
        return .accept
    }

    /// Index 5: the votes of some validators in a round and phase.
    ///
    /// - Returns: what became of the request.
    mutating func serve(
        _ request: RoundRequest, to place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        guard request.round.rawValue < RoundNumber.limit else {
            return .reject(.roundOutOfRange)
        }
        if let verdict = judgeSet(request.setID, from: place, &context) { return verdict }
        guard request.missing.fits(validatorCount: validatorCount) else {
            return .reject(.malformedBits)
        }
        guard peers[place].answerBudget.take(1, now: context.now) else {
            return .ignore(.answeredRecently)
        }
        let position = VotePosition(request.round, request.phase)
        let held = context.view.holdings(at: position).intersection(request.missing)
        if sendVotes(held, at: position, to: place, &context) > 0 { counters.requestsServed += 1 }
        return .accept
    }

    /// Index 8: the lowest certificate at or above a height.
    ///
    /// - Returns: what became of the request.
    mutating func serveCertificate(
        atOrAbove number: BlockNumber, to place: Int, _ context: inout GossipContext
    ) -> GossipVerdict? {
        guard let newest, number <= newest.number, context.view.sharesCertificates else {
            return .accept
        }
        guard load(.lowest(atOrAbove: number), for: place, &context) else {
            return .ignore(.answeredRecently)
        }
        counters.requestsServed += 1
        return .accept
    }
}
