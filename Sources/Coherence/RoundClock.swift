internal import Primitives

/// The three timers of the current round (rule 1): when they started and which have fired.
struct RoundClock: Sendable {
    /// The half timer and the prevote timer started together at this point.
    private(set) var votingStarted: Instant?
    /// The precommit timer started at this point.
    private(set) var precommitsStarted: Instant?
    private(set) var halfFired = false
    private(set) var prevoteFired = false
    private(set) var precommitFired = false

    /// Starts the half timer and the prevote timer.
    mutating func startVoting(at now: Instant) { votingStarted = now }

    /// Starts the precommit timer.
    mutating func startPrecommits(at now: Instant) { precommitsStarted = now }

    /// Takes the firing of a timer of this round; false for one that does not run.
    mutating func fire(_ timer: VotingTimer) -> Bool {
        switch timer {
        case .half:
            guard votingStarted != nil, !halfFired else { return false }
            halfFired = true
        case .prevote:
            guard votingStarted != nil, !prevoteFired else { return false }
            // The prevote timer is the later one, whatever order they are reported in.
            halfFired = true
            prevoteFired = true
        case .precommit:
            guard precommitsStarted != nil, !precommitFired else { return false }
            precommitFired = true
        case .signing: return false
        }
        return true
    }

    /// The timers that run, with the points at which they are due in a round of duration D.
    func running(in round: RoundNumber, duration: Duration) -> [ScheduledTimer] {
        var timers: [ScheduledTimer] = []
        if let votingStarted {
            if !halfFired {
                timers.append(ScheduledTimer(.half(round), at: votingStarted + duration / 2))
            }
            if !prevoteFired {
                timers.append(ScheduledTimer(.prevote(round), at: votingStarted + duration))
            }
        }
        if let precommitsStarted, !precommitFired {
            timers.append(ScheduledTimer(.precommit(round), at: precommitsStarted + duration))
        }
        return timers
    }
}

/// A timer and when it fires.
struct ScheduledTimer: Sendable, Equatable {
    let timer: VotingTimer
    let deadline: Instant

    init(_ timer: VotingTimer, at deadline: Instant) {
        self.timer = timer
        self.deadline = deadline
    }
}
