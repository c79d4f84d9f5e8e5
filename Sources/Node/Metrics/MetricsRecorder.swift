internal import Chain
internal import Coherence
internal import Metrics
internal import Primitives
internal import Storage
internal import Synchronization
internal import Validator

/// Counts what happens between two scrapes; everything else is read when Prometheus asks.
final class MetricsRecorder: Sendable {
    private struct State {
        var voting: VotingMetrics
        var clock: ClockWatch
        var verification = Histogram(
            bounds: [
                0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25,
            ])
        var chainCommits = Histogram(bounds: MetricsRecorder.commitBounds)
        var signLogCommits = Histogram(bounds: MetricsRecorder.commitBounds)
    }

    /// What was counted, as of one moment.
    struct Snapshot: Sendable {
        let voting: VotingMetrics
        /// How far this clock is ahead of the others' (negative: behind); nil when nothing is known.
        let clockSkewMilliseconds: Int64?
        let verification: Histogram
        let chainCommits: Histogram
        let signLogCommits: Histogram
    }

    private static let commitBounds = [
        0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5,
    ]
    private let state: Mutex<State>

    init(constants: ChainConstants) {
        state = Mutex(
            State(
                voting: VotingMetrics(constants: constants),
                clock: ClockWatch(constants: constants)))
    }

    /// Counts the events among what the core decided, in the moment of the decision.
    ///
    /// - Parameter viewpoint: asked for when there are any.
    /// - Returns: what there is to tell of this node's clock.
    func note(
        _ effects: [ValidatorCore.Effect],
        from viewpoint: @autoclosure () -> VotingMetrics.Viewpoint
    ) -> ClockWatch.Notice? {
        guard effects.contains(where: { if case .event = $0 { true } else { false } }) else {
            return nil
        }
        let viewpoint = viewpoint()
        let (now, unixMilliseconds) = (NodeClock.now(), NodeClock.unixMilliseconds())
        return state.withLock { state in
            var notice: ClockWatch.Notice?
            for case .event(let event) in effects {
                state.voting.note(
                    event, from: viewpoint, now: now, unixMilliseconds: unixMilliseconds)
                notice =
                    state.clock.note(
                        event, validators: viewpoint.domain.set.count, now: now,
                        unixMilliseconds: unixMilliseconds) ?? notice
            }
            return notice
        }
    }

    /// Counts a verification of a vote, a certificate or evidence.
    func verified(in duration: Duration) {
        state.withLock { $0.verification.observe(duration) }
    }

    /// Counts a commit.
    func committed(_ report: CommitReport) {
        state.withLock { state in
            if let part = report.chain { state.chainCommits.observe(part.commit) }
            if let part = report.signLog { state.signLogCommits.observe(part.commit) }
        }
    }

    var snapshot: Snapshot {
        state.withLock { state in
            Snapshot(
                voting: state.voting,
                clockSkewMilliseconds: state.clock.skewMilliseconds
                    ?? state.voting.clockSkewMilliseconds, verification: state.verification,
                chainCommits: state.chainCommits, signLogCommits: state.signLogCommits)
        }
    }
}
