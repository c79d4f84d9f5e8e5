/// States that cannot be told apart by what can still happen are one state.
extension Model {
    /// The state that stands for all those that are like this one.
    package func canonical(_ state: ModelState) -> ModelState {
        var state = state
        if configuration.mergesRestarts, configuration.restarts { mergeRestarts(&state) }
        if configuration.summarisesVotes { state.ballots = summarised(state) }
        guard configuration.usesSymmetry else { return state }
        var best = sorted(state)
        for renumbering in renumberings {
            let image = sorted(renumbered(state, by: renumbering))
            if image.isBefore(best) { best = image }
        }
        return best
    }

    /// Votes, as far as they can still matter: who cast them does not, and a block's votes do not
    /// when they can neither be joined by enough others nor be a quorum already.
    ///
    /// Sound where a validator never votes twice in a slot: then those who may still vote in it are
    /// those who have signed nothing from it on, and nobody else.
    func summarised(_ state: ModelState) -> BallotSets {
        let needed = tables.honestNeeded
        guard (1...configuration.honest).contains(needed) else { return state.ballots }
        let (a, b, c) = (state.ballots.first, state.ballots.second, state.ballots.third)
        // Ballots with at least one, two, three honest votes.
        let counted = Three(a | b | c, a & b | a & c | b & c, a & b & c)
        let awaited = awaited(state)
        let reached = counted[needed - 1]
        var alive = reached
        for held in 1..<max(1, needed) {
            alive |= counted[held - 1] & awaited[needed - held - 1]
        }
        var result = BallotSets()
        for position in 0..<configuration.honest {
            result[position] = reached | alive & counted[position]
        }
        return result
    }

    /// The ballots of slots in which at least one, two, three honest validators may still vote.
    private func awaited(_ state: ModelState) -> Three {
        var slots = Three(0, 0, 0)
        for index in 0..<configuration.honest {
            let first = configuration.restarts ? state[index].signed : state[index].cursor
            // With 60 bits of ballots the shift stays below the word's width.
            let open = tables.allBallots & ~UInt64(0) << UInt64(first * 6)
            slots = Three(
                slots.first | open, slots.second | slots.first & open,
                slots.third | slots.second & open)
        }
        return slots
    }

    /// A validator that has left slots out, without a vote on record, may restart and find them
    /// free again, with nothing else changed. All that it can do without the restart it can do
    /// after it too.
    private func mergeRestarts(_ state: inout ModelState) {
        for index in 0..<configuration.honest {
            let validator = state[index]
            guard validator.cursor > validator.signed else { continue }
            var restarted = tables.restarted(validator)
            guard tables.reviewLock(&restarted), restarted.cursor < validator.cursor else {
                continue
            }
            var same = restarted
            same.cursor = validator.cursor
            if same == validator { state[index] = restarted }
        }
    }

    private func sorted(_ state: ModelState) -> ModelState {
        var state = state
        let count = configuration.honest
        for end in stride(from: count - 1, to: 0, by: -1) {
            for index in 0..<end where isUnordered(state, index) {
                let validator = state[index]
                state[index] = state[index + 1]
                state[index + 1] = validator
                guard !configuration.summarisesVotes else { continue }
                let ballots = state.ballots[index]
                state.ballots[index] = state.ballots[index + 1]
                state.ballots[index + 1] = ballots
            }
        }
        return state
    }

    private func isUnordered(_ state: ModelState, _ index: Int) -> Bool {
        let (one, other) = (state[index].packed, state[index + 1].packed)
        guard one == other else { return one > other }
        return !configuration.summarisesVotes
            && state.ballots[index] > state.ballots[index + 1]
    }

    private func renumbered(_ state: ModelState, by renumbering: Renumbering) -> ModelState {
        var next = ModelState()
        for index in 0..<configuration.honest {
            var validator = state[index]
            validator.finalised = renumbering.images[validator.finalised]
            validator.lock = renumbering.locks[validator.lock]
            next[index] = validator
            next.ballots[index] = renumbering.image(of: state.ballots[index])
        }
        return next
    }
}

/// A renumbering of the blocks that keeps the tree, made ready for states.
struct Renumbering: Sendable {
    /// By block number.
    let images: [Int]
    /// By packed lock.
    let locks: [Int]
    /// The ballots that go left, and right, by so many bits.
    private let shifts: [(ballots: UInt64, left: Int)]

    init(_ images: [Int], slotStarts: UInt64) {
        self.images = images
        locks = (0..<32).map { lock in
            let block = (lock + 5) % 6 + 1
            return lock == 0 || block >= images.count ? lock : lock + images[block] - block
        }
        var shifts: [(ballots: UInt64, left: Int)] = []
        for block in images.indices.dropFirst() {
            let (ballots, left) = (slotStarts << UInt64(block - 1), images[block] - block)
            if let known = shifts.firstIndex(where: { $0.left == left }) {
                shifts[known].ballots |= ballots
            } else {
                shifts.append((ballots, left))
            }
        }
        self.shifts = shifts
    }

    func image(of ballots: UInt64) -> UInt64 {
        // A shift by a negative number goes the other way.
        shifts.reduce(0) { $0 | (ballots & $1.ballots) << $1.left }
    }
}

/// Three words by their position: an array that needs no memory of its own.
private struct Three {
    let first: UInt64
    let second: UInt64
    let third: UInt64

    init(_ first: UInt64, _ second: UInt64, _ third: UInt64) {
        (self.first, self.second, self.third) = (first, second, third)
    }

    subscript(index: Int) -> UInt64 { index == 0 ? first : index == 1 ? second : third }
}

extension ModelState {
    /// An order of states, any one.
    func isBefore(_ other: ModelState) -> Bool {
        (validators, ballots.first, ballots.second, ballots.third)
            < (other.validators, other.ballots.first, other.ballots.second, other.ballots.third)
    }
}
