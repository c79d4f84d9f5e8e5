internal import Coherence

/// A finite model of n validators that vote: its states and what can follow each. See
/// docs/model.md.
///
/// The network has no place in it. A quorum of prevotes, or a certificate, exists as soon as the
/// votes sent so far and anything that Byzantine validators may have signed suffice for it; an
/// honest validator may at any time have received it, or not.
package struct Model: Sendable {
    package let configuration: ModelConfiguration
    package let tree: ModelTree
    var tables: RuleTables
    /// The tree's symmetries but the identity.
    let renumberings: [Renumbering]

    package init(_ configuration: ModelConfiguration) {
        self.configuration = configuration
        tables = RuleTables(configuration)
        tree = tables.tree
        let slotStarts = tables.slotStarts
        renumberings = tree.symmetries.dropFirst().map { Renumbering($0, slotStarts: slotStarts) }
    }

    /// A step and where it leads.
    package struct Successor: Sendable {
        /// The step.
        package let move: Move
        /// The state after it.
        package var state: ModelState
        /// What the step itself breaks.
        package var violation: ModelViolation?

        init(move: Move, state: ModelState, violation: ModelViolation? = nil) {
            self.move = move
            self.state = state
            self.violation = violation
        }
    }

    /// Slots in all.
    var slotCount: Int { 2 * configuration.rounds }

    /// All that can happen next, appended to `found`.
    package mutating func successors(of state: ModelState, into found: inout [Successor]) {
        let quorums = tables.quorums(state.ballots)
        let honest = 0..<configuration.honest
        for index in honest {
            let step = Step(
                state: state, index: index, validator: state[index], quorums: quorums)
            if configuration.restarts { restart(step, &found) }
            if configuration.certificates { takeCertificates(step, &found) }
            vote(step, &found)
            breakRules(step, &found)
        }
    }

    /// A validator about to act.
    struct Step {
        let state: ModelState
        let index: Int
        let validator: ModelValidator
        let quorums: UInt64

        func has(_ block: Int, slot: Int) -> Bool {
            quorums & ModelState.ballot(slot: slot, block: block) != 0
        }

        /// The state when the validator stands elsewhere.
        func moved(_ validator: ModelValidator) -> ModelState {
            var next = state
            next[index] = validator
            return next
        }
    }

    // MARK: Voting

    /// Rules 2 and 3: decisions in the slots that are free, from the last one that was decided or
    /// left on: that rule 0 refuses that one is for it to say.
    private mutating func vote(_ step: Step, _ found: inout [Successor]) {
        let cursor = step.validator.cursor
        for slot in max(0, cursor - 1)..<slotCount
        where tables.mayDecide(slot: slot, cursor: cursor) {
            // Where rounds are not told apart, only a certificate leads to another one.
            guard configuration.rules.separatesRounds || slot / 2 <= step.validator.firstOpen
            else { break }
            if slot % 2 == 0 {
                prevote(step, slot: slot, &found)
            } else {
                precommit(step, slot: slot, &found)
            }
        }
    }

    mutating func prevote(_ step: Step, slot: Int, _ found: inout [Successor]) {
        let allowed = tables.prevotable(step.validator, round: slot / 2, quorums: step.quorums)
        for block in 1...tree.count where allowed >> UInt64(block - 1) & 1 == 1 {
            var next = step.validator
            (next.signed, next.cursor) = (slot + 1, slot + 1)
            send(step, Move(.prevotes, step.index, slot: slot, block: block), next, &found)
        }
    }

    mutating func precommit(_ step: Step, slot: Int, _ found: inout [Successor]) {
        var quorums = step.quorums & tables.prevoteSlots
        while quorums != 0 {
            let bit = quorums.trailingZeroBitCount
            quorums &= quorums &- 1
            let (block, quorumRound) = (bit % 6 + 1, bit / 12)
            guard
                tables.mayPrecommit(
                    block, of: quorumRound, step.validator, in: slot / 2)
            else { continue }
            var next = step.validator
            next.lock = tables.lock(after: next, precommits: block, of: quorumRound)
            next.cursor = max(next.cursor, slot + 1)
            if configuration.restarts {
                let move = Move(.locksOnly, step.index, slot: slot, block: block)
                found.append(Successor(move: move, state: step.moved(next)))
            }
            next.signed = max(next.signed, slot + 1)
            send(step, Move(.precommits, step.index, slot: slot, block: block), next, &found)
        }
    }

    /// A vote becomes one that anybody may have received.
    private func send(
        _ step: Step, _ move: Move, _ next: ModelValidator, _ found: inout [Successor]
    ) {
        var state = step.moved(next)
        let slotBallots = UInt64(0x3F) << UInt64(move.slot * 6)
        let ballot = ModelState.ballot(slot: move.slot, block: move.block)
        // Summarised ballots do not say whose they were; there the order of slots stands for it.
        let earlier =
            configuration.summarisesVotes ? 0 : state.ballots[step.index] & slotBallots & ~ballot
        let isTaken =
            earlier != 0 || configuration.summarisesVotes && move.slot < step.validator.signed
        // They are counted from the first validator's set on: the next set takes one more.
        let place =
            configuration.summarisesVotes
            ? (0..<configuration.honest).first { state.ballots[$0] & ballot == 0 } : step.index
        state.ballots[place ?? step.index] |= ballot
        found.append(
            Successor(move: move, state: state, violation: isTaken ? .doubleVote : nil))
        guard configuration.faults.contains(.sendsBeforeStoring), configuration.restarts else {
            return
        }
        state[step.index] = tables.restarted(step.validator)
        found.append(
            Successor(
                move: Move(.sendsUnstored, step.index, slot: move.slot, block: move.block),
                state: state))
    }

    // MARK: Finality and restarts

    /// Rules 4 to 6: a certificate arrives.
    private func takeCertificates(_ step: Step, _ found: inout [Successor]) {
        guard step.validator.cursor < slotCount else { return }
        for slot in stride(from: 1, to: slotCount, by: 2) {
            for block in 1...tree.count where step.has(block, slot: slot) {
                var next = step.validator
                let violation = take(block, of: slot / 2, &next)
                guard next != step.validator else { continue }
                found.append(
                    Successor(
                        move: Move(.takesCertificate, step.index, slot: slot, block: block),
                        state: step.moved(next), violation: violation))
            }
        }
    }

    /// What a certificate does to a validator.
    private func take(
        _ block: Int, of round: Int, _ validator: inout ModelValidator
    ) -> ModelViolation? {
        let before = validator.finalised
        var violation: ModelViolation?
        switch tables.standing(of: block, finalised: before) {
        case .above:
            (validator.finalised, validator.firstOpen) = (block, round + 1)
            if !tables.reviewLock(&validator) { violation = .alarm }
        case .finalised: validator.firstOpen = max(validator.firstOpen, round + 1)
        case .conflicting: violation = .alarm
        case .below, .unknown, .wrongHeight: break
        }
        validator.cursor = tables.cursor(after: round, from: validator.cursor)
        if violation == .alarm { stop(&validator) }
        return isAtLeast(validator.finalised, before) ? violation : .finalityMovedBack
    }

    /// A crash at any point of what is being written: see `Move.Kind`.
    private func restart(_ step: Step, _ found: inout [Successor]) {
        var next = tables.restarted(step.validator)
        var violation: ModelViolation?
        if !tables.reviewLock(&next) {
            violation = .alarm
            stop(&next)
        }
        if !isAtLeast(next.finalised, step.validator.finalised) { violation = .finalityMovedBack }
        guard next != step.validator else { return }
        found.append(
            Successor(
                move: Move(.restarts, step.index), state: step.moved(next), violation: violation))
    }

    /// Signing ended.
    private func stop(_ validator: inout ModelValidator) {
        (validator.signed, validator.cursor) = (slotCount, slotCount)
    }

    private func isAtLeast(_ block: Int, _ other: Int) -> Bool {
        guard block != other, other != 0 else { return true }
        return block != 0 && tree.descendants[other] >> UInt64(block - 1) & 1 == 1
    }

    // MARK: What must hold

    /// What a state breaks, by itself.
    func violation(of state: ModelState) -> ModelViolation? {
        let quorums = tables.quorums(state.ballots)
        let certificates = quorums & ~tables.prevoteSlots
        guard certificates != 0 else { return violationOfQuorums(quorums) }
        var certified: UInt64 = 0
        for round in 0..<configuration.rounds {
            certified |= certificates >> UInt64(12 * round + 6) & 0x3F
        }
        if tree.hasConflict[Int(certified)] { return .conflictingCertificates }
        if let violation = violationOfQuorums(quorums) { return violation }
        for round in 0..<configuration.rounds {
            let blocks = certificates >> UInt64(12 * round + 6) & 0x3F
            guard blocks != 0 else { continue }
            let allowed = (1...tree.count).reduce(0x3F) {
                blocks >> UInt64($1 - 1) & 1 == 1 ? $0 & tree.descendants[$1] : $0
            }
            for later in (round + 1)..<max(round + 1, configuration.rounds)
            where quorums >> UInt64(12 * later) & 0x3F & ~allowed != 0 {
                return .quorumAgainstFinality
            }
        }
        return nil
    }

    private func violationOfQuorums(_ quorums: UInt64) -> ModelViolation? {
        for round in 0..<configuration.rounds {
            let blocks = quorums >> UInt64(12 * round) & 0x3F
            if blocks & (blocks &- 1) != 0 { return .twoQuorums }
        }
        return nil
    }
}
