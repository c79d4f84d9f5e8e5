internal import Coherence
internal import Primitives

/// What validators do whose rules are broken, as the gadget does it.
extension Model {
    /// Whether a validator votes once in a slot, and its vote counts for one block.
    func votesOncePerSlot() -> Bool {
        let rules = configuration.rules
        return rules.countsExactly && rules.decidesInOrder && rules.separatesRounds
            && rules.prevotesOncePerRound
            && rules.remembersVotes && !configuration.faults.contains(.sendsBeforeStoring)
    }

    mutating func breakRules(_ step: Step, _ found: inout [Successor]) {
        let rules = configuration.rules
        if !rules.decidesInOrder { precommitLate(step, &found) }
        if !rules.separatesRounds { repeatRound(step, &found) }
        if !rules.prevotesOncePerRound { prevoteAgain(step, &found) }
    }

    /// The precommit of the round before, unless a block was precommitted in it.
    private mutating func precommitLate(_ step: Step, _ found: inout [Successor]) {
        // Any later round may be the current one: slots are left out without a step.
        for slot in stride(from: 1, to: slotCount - 1, by: 2)
        where slot + 3 >= step.validator.cursor && slot < step.validator.cursor
            && tables.mayDecide(slot: slot, cursor: step.validator.cursor, isLate: true)
            && step.state.ballots[step.index] >> UInt64(slot * 6) & 0x3F == 0
        {
            precommit(step, slot: slot, &found)
        }
    }

    /// The same round once more.
    private func repeatRound(_ step: Step, _ found: inout [Successor]) {
        var next = step.validator
        guard next.cursor > 0 else { return }
        next.cursor = (next.cursor - 1) / 2 * 2
        next.signed = min(next.signed, next.cursor)
        guard next != step.validator else { return }
        found.append(Successor(move: Move(.repeatsRound, step.index), state: step.moved(next)))
    }

    /// Another prevote of the round for a block that was just imported, as long as no round has
    /// failed since F.
    private mutating func prevoteAgain(_ step: Step, _ found: inout [Successor]) {
        let slot = step.validator.cursor - 1
        guard slot >= 0, slot / 2 == step.validator.firstOpen else { return }
        prevote(step, slot: slot / 2 * 2, &found)
    }
}
