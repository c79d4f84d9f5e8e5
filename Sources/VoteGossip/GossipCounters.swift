/// What the vote gossip counted so far, for metrics, RPC and logs.
package struct GossipCounters: Sendable, Equatable {
    /// Messages received, by kind; messages of unknown index are counted apart.
    package internal(set) var received = CountByKind()
    /// Bytes received, by kind.
    package internal(set) var receivedBytes = CountByKind()
    /// Messages handed to queues, once per peer, by kind.
    package internal(set) var sent = CountByKind()
    /// Bytes handed to queues, by kind.
    package internal(set) var sentBytes = CountByKind()

    /// Vote entries received in votes and bundles, of the rounds that votes are taken of.
    package internal(set) var entriesReceived: UInt64 = 0
    /// How many of them were the first of their slot.
    package internal(set) var entriesDistinct: UInt64 = 0
    /// Others' vote entries forwarded, once per peer.
    package internal(set) var entriesForwarded: UInt64 = 0
    /// Own votes sent, once per peer, re-sends included.
    package internal(set) var ownVotesSent: UInt64 = 0
    /// Entries of received quorum certificates and certificates.
    package internal(set) var certificateEntriesReceived: UInt64 = 0

    /// Votes and certificates accepted.
    package internal(set) var accepted: UInt64 = 0
    private var ignoredByReason = [UInt64](repeating: 0, count: IgnoreReason.allCases.count)
    private var rejectedByOffence = [UInt64](repeating: 0, count: Offence.allCases.count)

    /// Signatures handed to verification.
    package internal(set) var signaturesChecked: UInt64 = 0
    /// Votes that were being verified already when another peer sent them.
    package internal(set) var verificationsShared: UInt64 = 0
    /// Parked votes given up: their time was over or their place taken.
    package internal(set) var parkedDropped: UInt64 = 0
    /// Certificates sent to peers behind, of their own accord or on request.
    package internal(set) var certificatesAnswered: UInt64 = 0
    /// Requests sent, and those that got no answer in time.
    package internal(set) var requestsSent: UInt64 = 0
    package internal(set) var requestsTimedOut: UInt64 = 0
    /// Requests of others that were answered.
    package internal(set) var requestsServed: UInt64 = 0
    /// Peers cut off, and reserved peers throttled instead.
    package internal(set) var bans: UInt64 = 0
    package internal(set) var throttlings: UInt64 = 0
    /// Messages published on the topic.
    package internal(set) var published: UInt64 = 0
    /// Rounds of the re-send timer.
    package internal(set) var resends: UInt64 = 0

    package init() {}

    /// Vote entries received per distinct vote entry; 1 when nothing was received.
    package var duplicationFactor: Double {
        entriesDistinct == 0 ? 1 : Double(entriesReceived) / Double(entriesDistinct)
    }

    /// How often something was ignored for this reason.
    package func ignored(_ reason: IgnoreReason) -> UInt64 {
        ignoredByReason[Self.position(of: reason, in: IgnoreReason.allCases)]
    }

    /// How often this offence was met with.
    package func rejected(_ offence: Offence) -> UInt64 {
        rejectedByOffence[Self.position(of: offence, in: Offence.allCases)]
    }

    mutating func count(_ verdict: GossipVerdict) {
        switch verdict {
        case .accept: accepted += 1
        case .ignore(let reason):
            ignoredByReason[Self.position(of: reason, in: IgnoreReason.allCases)] += 1
        case .reject(let offence):
            rejectedByOffence[Self.position(of: offence, in: Offence.allCases)] += 1
        }
    }

    private static func position<Case: Equatable>(of value: Case, in all: [Case]) -> Int {
        guard let position = all.firstIndex(of: value) else {
            preconditionFailure("all cases contain every case")
        }
        return position
    }
}

/// How much the vote gossip holds at this moment: gauges.
package struct GossipGauges: Sendable, Equatable {
    /// Peers with an open stream.
    package var peerCount: Int
    /// Votes that wait for their block, and their bytes.
    package var parkedCount: Int
    package var parkedByteCount: Int
    /// Votes and certificates being verified, and their bytes, alternatives included.
    package var verifyingCount: Int
    /// Signatures that wait or are being verified, by what peers are charged for: nothing when
    /// nothing is.
    package var chargedCount: Int
    package var verifyingByteCount: Int
    /// Everything that the machine holds, peers' state included, in bytes.
    package var heldByteCount: Int
    /// The most that `heldByteCount` may become.
    package var byteBudget: Int
}
