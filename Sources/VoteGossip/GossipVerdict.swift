/// What becomes of a message or of one of its votes: the validation table.
///
/// Source: docs/protocol.md, "Validation order of an incoming vote". On a GossipSub topic the
/// three outcomes are the router's results of the same names.
package enum GossipVerdict: Sendable, Hashable {
    /// Everything holds: stored, counted, forwarded.
    case accept
    /// Of no use here and now; nobody is blamed.
    case ignore(IgnoreReason)
    /// No honest peer sends this.
    case reject(Offence)
}

/// Why something was ignored without blame.
package enum IgnoreReason: String, Sendable, Hashable, CaseIterable {
    /// A message index of a later version of the protocol.
    case unknownIndex
    /// A verified vote, quorum certificate or certificate of this content is held already, or the
    /// very same is being verified.
    case duplicate
    /// A round before the previous one.
    case oldRound
    /// A round further ahead than any honest validator can be.
    case roundTooNew
    /// Voted for a block that can no longer become final here.
    case staleBlock
    /// A set that was handed over; the sender gets that set's hand-off certificate.
    case olderSet
    /// A set that is not active here yet; the sender is asked for certificates.
    case newerSet
    /// Verified, but its block is not known yet: kept for a while, and the block asked for.
    case parked
    /// Verified, its block is not known, and there is no room to keep it.
    case parkingFull
    /// The sender has used up its verification budget.
    case overVerificationBudget
    /// The sender has used up its message budget.
    case overMessageBudget
    /// All verification capacity is in use.
    case verificationBusy
    /// The gossip's byte budget is used up.
    case overByteBudget
    /// The sender is cut off and its stream not closed yet.
    case cutOff
    /// Sent on a stream that is not open.
    case unknownPeer
    /// A certificate that finalises nothing that is not final already.
    case oldCertificate
    /// A quorum certificate of no higher round than the highest known.
    case oldQuorumCertificate
    /// A request that came before the last one's time was up.
    case answeredRecently
}

/// What a peer did wrong.
package enum Offence: String, Sendable, Hashable, CaseIterable {
    /// Bytes that are no message.
    case undecodable
    /// A message above its kind's size limit.
    case oversize
    /// Bytes left over after a message.
    case trailingBytes
    /// A vote of somebody who is not in the set.
    case unknownValidator
    /// A round of 2^63 or more.
    case roundOutOfRange
    /// Score, error rates or nil form that no vote may have.
    case invalidState
    /// A bitmap whose length or spare bits do not fit the set.
    case malformedBits
    /// A quorum certificate or certificate with too few, unordered or foreign entries, another
    /// policy or another set's hash.
    case malformedCertificate
    /// A verified vote whose height is not its block's.
    case mismatchedNumber
    /// A vote's signature does not verify.
    case badSignature
    /// A signature within a quorum certificate does not verify.
    case badQuorumCertificate
    /// A signature within a certificate does not verify.
    case badCertificate
    /// Two votes that are not of one slot for different targets, or that nobody may cast.
    case malformedEvidence
    /// A signature within evidence does not verify.
    case badEvidence
    /// A handshake that is none.
    case badHandshake

    /// Whether this proves the sender's fault by itself: it forwards only what it verified. The
    /// third one within the strikes' life ends the connection.
    package var isStrike: Bool {
        switch self {
        case .badSignature, .badQuorumCertificate, .badCertificate, .badEvidence: true
        default: false
        }
    }

    /// Penalty points; `PeerReputation.threshold` of them cut a peer off.
    package var weight: UInt32 {
        switch self {
        case .badSignature, .badQuorumCertificate, .badCertificate, .badEvidence: 34
        case .oversize, .roundOutOfRange, .malformedBits, .malformedCertificate,
            .malformedEvidence:
            20
        case .undecodable, .trailingBytes, .invalidState, .unknownValidator, .mismatchedNumber,
            .badHandshake:
            10
        }
    }
}

/// Why a stream or connection is to be closed.
package enum DisconnectReason: String, Sendable, Hashable, CaseIterable {
    /// The peer follows another chain.
    case otherChain
    /// The handshake cannot be read.
    case badHandshake
    /// There are as many peers as are kept track of.
    case tooManyPeers
    /// The peer misbehaved; a ban says for how long.
    case misbehaviour
}
