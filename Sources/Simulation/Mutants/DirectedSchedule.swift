internal import Coherence
internal import Primitives

/// A run in which every loss is planned: for broken rules that only a certain order of events
/// shows. Three or four validators, on a good network; the protocol as it is passes them all.
///
/// The plans lean on rounds by their primaries, not by their numbers: a round of which nobody hears
/// the prevotes fails, and the next one comes.
package struct DirectedSchedule: Sendable, Hashable {
    private let validatorCount: Int
    private let slotMilliseconds: UInt64
    private let sessionLength: UInt32
    private let steps: [ScriptedStep]
    private let spared: [Int]

    /// When the plans begin, in seconds: until then the network finalises every block at once. The
    /// slots in which each validator has its turn, the first one first, begin here for three
    /// validators as for four.
    private static let start = 8

    private init(
        validatorCount: Int = 4, slotMilliseconds: UInt64, sessionLength: UInt32 = 0, spared: [Int],
        _ steps: [(milliseconds: Int, Action)]
    ) {
        self.validatorCount = validatorCount
        self.slotMilliseconds = slotMilliseconds
        self.sessionLength = sessionLength
        self.spared = spared
        self.steps = steps.map { step in
            ScriptedStep(at: .seconds(Self.start) + .milliseconds(step.milliseconds), step.1)
        }
    }

    private typealias Action = ScriptedStep.Action

    /// The run, but for its seed.
    var options: SimulationOptions {
        var options = SimulationOptions(
            seed: 1, nodeCount: validatorCount, profile: .lite, roundCount: 1)
        options.script = steps
        options.tuning.slotMilliseconds = slotMilliseconds
        options.tuning.sessionLength = sessionLength
        options.tuning.clockSkew = .zero
        options.tuning.spared = spared
        options.tuning.blackoutPermille = 1_000
        return options
    }

    // MARK: Losses

    /// Nobody hears prevotes, but those of rounds of which a validator of four is the primary.
    private static func prevotesOnly(inRoundsOf primary: Int) -> [DropRule] {
        let set = Simulator.validators(4)
        return (0..<200).filter { set.primary(of: RoundNumber($0)).rawValue != UInt16(primary) }
            .map { DropRule(.prevotes, rounds: $0...$0) }
    }

    // MARK: Plans

    /// Validator 1 locks block X on a quorum of prevotes that only it has seen, and does not hear of
    /// the prevotes for Y, on the fork of validator 0, who gets no blocks any more.
    ///
    /// - Parameter more: what else is lost from then on.
    private static func oneLocks(losing more: [DropRule]) -> [(milliseconds: Int, Action)] {
        [
            // Validator 0 makes Y, alone.
            (-100, .split([0], [1, 2, 3])),
            (
                -90,
                .drop([
                    DropRule(to: 2, .prevotes), DropRule(to: 3, .prevotes),
                    DropRule(.quorumCertificates),
                ])
            ),
            // At 1,000 validator 1 makes X, and the round fails for the others at 1,500.
            (1_300, .heal), (1_301, .starve(0)),
            (
                1_302,
                .drop(
                    prevotesOnly(inRoundsOf: 0) + more
                        + [DropRule(to: 1, .prevotes), DropRule(.quorumCertificates)])
            ),
        ]
    }

    /// Validator 1 locks block X, which only it has seen a quorum for. The others then finalise Y
    /// on another fork, with the help of validator 0, which never got X; validator 1 hears of it by
    /// precommits only. All restart, and validator 0 stays down: the three that are left know no
    /// quorum certificate, since the locks that held it were dropped.
    ///
    /// Who keeps a lock on X votes for X for ever, and the other two are too few.
    package static let conflictingLock = DirectedSchedule(
        slotMilliseconds: 1_000, spared: [0], oneLocks(losing: []) + [(9_000, .crash(0))])

    /// Validator 1 alone sees the quorum for X and locks it. On another fork Y then gets a quorum of
    /// prevotes; validators 0, 2 and 3 lock it, and 0, which never got X, makes a certificate of
    /// their precommits that nobody else can make or hears of. In a round of its own validator 1
    /// comes with X and the old quorum certificate for it.
    ///
    /// Who lets the old certificate unlock helps to finalise X against Y.
    package static let olderCertificate = DirectedSchedule(
        slotMilliseconds: 1_000, spared: [],
        oneLocks(losing: zeroCertifies) + [
            // By now 0 has certified Y. It is not heard of any more.
            (4_000, .split([0], [1, 2, 3])),
            (
                4_001,
                .drop(
                    prevotesOnly(inRoundsOf: 1)
                        + [2, 3].map { DropRule(from: $0, .quorumCertificates) })
            ),
            (15_000, .starve(nil)),
        ])

    /// Nobody hears that validator 0 precommits, and no certificate is heard.
    private static let zeroCertifies = [
        DropRule(from: 0, .precommits), DropRule(.certificates),
    ]

    /// Of three validators, 1 sees a quorum for B, made of its own prevote and that of 2, which
    /// nobody else hears of, and precommits it; the quantum source of 2 fails before 2 gives up.
    /// Validator 0, with a fork of its own, gives up, and takes 2 along into the next round, where
    /// both finalise 0's fork once the source of 2 is well again; 0 alone can make the certificate.
    /// Then 2 hears of the quorum for B.
    ///
    /// Who precommits B in the round that it has left makes B final too.
    package static let latePrecommit = DirectedSchedule(
        validatorCount: 3, slotMilliseconds: 1_000, spared: [],
        [
            // Validator 0 makes a block, alone; at 1,000 validator 1 makes B.
            (-100, .split([0], [1, 2])),
            (-90, .drop(quorumOfOne)),
            (1_150, .sourceFails(2)), (1_200, .heal), (1_201, .drop(quorumOfOne)),
            (2_450, .drop(quorumOfOne + zeroHearsAll)), (2_451, .sourceRecovers(2)),
            (2_600, .drop(zeroHearsAll + [DropRule(from: 0)])), (5_000, .heal),
        ])

    /// Nobody hears validator 1's prevotes, or a quorum certificate.
    private static let quorumOfOne = [
        DropRule(from: 1, .prevotes), DropRule(.quorumCertificates),
    ]

    /// Only validator 0 hears precommits, and no certificate is heard.
    private static let zeroHearsAll = [
        DropRule(to: 1, .precommits), DropRule(to: 2, .precommits), DropRule(.certificates),
    ]

    /// A is final by a certificate that only validator 1 can make. On it B gets a quorum of
    /// prevotes and of precommits, which nobody hears all of; validators 1, 2 and 0 lock it. Then
    /// the certificate for A is let through, and validator 3, which never got B, is the primary
    /// with a fork of its own on A.
    ///
    /// Who drops the lock on B when F moves to A helps to finalise that fork.
    package static let lockAboveFinality = DirectedSchedule(
        slotMilliseconds: 2_000, spared: [],
        [
            (-100, .drop(oneCertifies)),
            (900, .starve(3)),
            (901, .drop(oneCertifies + [DropRule(to: 1, .precommits)])),
            (
                4_000,
                .drop(
                    prevotesOnly(inRoundsOf: 3) + [
                        DropRule(.quorumCertificates), DropRule(from: 1, .precommits),
                        DropRule(to: 1, .precommits),
                    ])
            ),
            (40_000, .starve(nil)),
        ])

    /// Validator 2 alone sees a quorum for a block and precommits it, 0 and 3 give up. Validator 1
    /// gets the block late, together with these three precommits, and is in the next round before
    /// its timers fire. Nobody else hears precommits. All restart, and validator 0 stays down.
    ///
    /// Who left the round without a precommit on record keeps the other two there for ever.
    package static let leavingSilently = DirectedSchedule(
        slotMilliseconds: 2_000, spared: [0],
        [
            (-101, .starve(1)),
            (
                -100,
                .drop([
                    DropRule(to: 0, .prevotes), DropRule(to: 1, .prevotes),
                    DropRule(to: 3, .prevotes), DropRule(.quorumCertificates),
                    DropRule(to: 0, .precommits), DropRule(to: 2, .precommits),
                    DropRule(to: 3, .precommits),
                ])
            ),
            (700, .starve(nil)),
            (4_000, .crash(0)),
        ])

    /// Validator 1 alone can make a certificate. The others hear too few precommits to leave the
    /// round; all restart, and validator 3, which gave up, stays down.
    ///
    /// If validator 1 keeps the certificate to itself, the other two wait for ever.
    package static let certificateOfOne = DirectedSchedule(
        slotMilliseconds: 2_000, spared: [3],
        [
            (-100, .drop(oneCertifies + [DropRule(from: 3, .precommits)])),
            (1_000, .crash(3)),
        ])

    /// The same, of a block by which validator 2 changes its key: validator 1 alone is in the next set,
    /// where the other two are needed, and they need it in theirs.
    package static let handOffOfOne = DirectedSchedule(
        slotMilliseconds: 2_000, sessionLength: 1, spared: [3],
        [
            (-1_000, .rotate(2)),
            (-100, .drop(oneCertifies + [DropRule(from: 3, .precommits)])),
            (1_000, .crash(3)),
        ])

    /// Validator 3 hears no prevotes and gives up in every round; nobody hears that validator 1
    /// precommits, and no certificate is heard.
    private static let oneCertifies = [
        DropRule(to: 3, .prevotes), DropRule(.quorumCertificates), DropRule(.certificates),
        DropRule(from: 1, .precommits),
    ]
}
