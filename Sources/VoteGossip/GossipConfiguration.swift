internal import Coherence
internal import Primitives

/// The timings and bounds of the vote gossip.
///
/// Source of the numbers: docs/protocol.md, "GossipMessage", "Peers" and rule 6.
package struct GossipConfiguration: Sendable, Equatable {
    /// What the handshake says about this node.
    package var role: PeerRole = .full
    /// The ways on which votes and proofs go.
    package var paths: GossipPaths = .notifications
    /// Others' votes wait this long for company before they are forwarded; the moment within the
    /// range differs by peer and time, so that not every neighbour forwards the same vote at once.
    package var bundleDelay: ClosedRange<Duration> = .milliseconds(20)...(.milliseconds(50))
    /// A change waits this long for others before a status goes out.
    package var statusDelay: Duration = .milliseconds(10)
    /// The shortest time between two statuses to the same peers.
    package var statusInterval: Duration = .milliseconds(40)
    /// The first re-send, and the longest pause between two.
    package var resendDelay: ClosedRange<Duration> = .seconds(1)...(.seconds(30))
    /// A request without an answer is given up after this time.
    package var requestTimeout: Duration = .seconds(2)
    /// At most one certificate or bundle answer per peer and this time.
    package var answerInterval: Duration = .milliseconds(200)
    /// A verified vote for an unknown block is kept this long.
    package var parkingTime: Duration = .seconds(30)
    /// Verified votes for unknown blocks kept per validator.
    package var parkedPerValidator = 4
    /// Bytes of verified votes for unknown blocks kept per peer that sent them.
    package var parkedByteCountPerPeer = 64 * 1024
    /// Peers whose state is kept.
    package var maximumPeerCount = 64
    /// Votes in one verification job.
    package var maximumBatchCount = 32
    /// Differently signed copies of one vote that wait while the first is verified.
    package var maximumAlternativeCount = 4
    /// Entries of one bundle that is sent.
    package var maximumBundleEntryCount = 64
    /// Verification budget of one peer, in votes per validator of the set: what it can save up.
    package var verificationBurstPerValidator = 6
    /// Verification budget of one peer, in votes per validator of the set and second.
    package var verificationRatePerValidator = 2
    /// Message budget of one peer: a message costs 1, and 1 more for each 4 KiB.
    package var messageBurst = 1024
    /// Message budget of one peer, per second.
    package var messageRate = 256
    /// Requests of one peer that are answered at once, then per second.
    package var answerBurst = 8
    package var answerRate = 2
    /// A peer's status is taken to be at most this old: bounds how long a peer that never confirms
    /// anything can make us wait before we forward to it.
    package var maximumStatusLag: Duration = .milliseconds(400)
    /// A vote that so many peers show is a crowd's: any of them could send it to whoever lacks it.
    package var crowdSize = 3
    /// Only sets of at least so many validators have crowds. In smaller ones nearly all are connected
    /// to each other, and forwarding at once is faster.
    package var smallestCrowdedSet = 17
    /// What a crowd has is forwarded only when it was held this long, for whoever lacks it asks for
    /// it; the moment differs by node and vote, so that not all forward it at once.
    package var crowdPatience: ClosedRange<Duration> = .milliseconds(300)...(.milliseconds(600))
    /// Peers that are asked at one time for a crowd's votes of one round and phase.
    package var maximumAskedCount = 4
    /// A certificate is asked for when a peer has shown for this long that it has a newer one.
    package var catchUpDelay: Duration = .milliseconds(300)
    /// A peer that holds all votes of a certificate gets it only when it has not made use of them
    /// for this long.
    package var certificatePatience: Duration = .seconds(1)
    /// The longest pause before the same certificate is sent to the same peer again.
    package var longestAnswerInterval: Duration = .seconds(5)
    /// Seed of the jitter.
    package var seed: UInt64 = 0

    package init() {}

    // MARK: Bounds that follow the set's size

    /// Votes being verified at one time, over all peers.
    package static func verificationCapacity(validatorCount: Int) -> Int {
        max(256, 8 * validatorCount)
    }

    /// The whole budget for votes and queues, in bytes: 10 MB up to 100 validators, in proportion
    /// beyond.
    package static func byteBudget(validatorCount: Int) -> Int {
        100_000 * max(100, validatorCount)
    }

    /// The machine's own part of the budget: votes parked and being verified, the newest proofs, and
    /// what is known of peers.
    package static func machineByteBudget(validatorCount: Int) -> Int {
        byteBudget(validatorCount: validatorCount) / 20 * 3
    }

    /// The part of the machine's budget that is kept free for what is never refused: the newest
    /// certificate and quorum certificate, and what is known of peers, present and absent; of
    /// `peerCount` peers.
    package static func reservedByteCount(validatorCount: Int, peerCount: Int) -> Int {
        2 * (256 + validatorCount * VoteEntry.byteCount) + Absentee.limit * Absentee.byteCount
            + peerCount * GossipPeer.largestByteCount(validatorCount: validatorCount)
    }

    /// The part of the budget for one peer's outbound queue.
    ///
    /// Thirteen twentieths of the whole are divided among the peers; what then remains of the budget
    /// belongs to the tally. A quorum certificate or certificate of exactly q entries always fits.
    package func queueByteBudget(validatorCount: Int) -> Int {
        Self.byteBudget(validatorCount: validatorCount) / 20 * 13 / maximumPeerCount
    }
}
