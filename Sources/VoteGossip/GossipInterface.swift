package import Chain
package import Coherence
package import Primitives

/// What the vote gossip is told.
package enum GossipInput: Sendable, Equatable {
    /// A notification stream opened; `hints` is what the shell knows of the peer.
    indirect case streamOpened(PeerHandle, handshake: [UInt8], PeerHints)
    /// The stream is gone; the peer's reputation is remembered for a while.
    case streamClosed(PeerHandle)
    /// A message, without its length prefix.
    case notification(PeerHandle, [UInt8])
    /// A message of the topic, to be judged: answered with `judged`, or never, when its time is over.
    indirect case topicMessage(TopicMessage)
    /// Verifications that ended, in any order and grouping.
    case verified([VerificationOutcome])
    /// An own vote, durable now.
    indirect case ownVote(VerifiedVote)
    /// A quorum certificate that the gadget wants known: formed in the current round, or to go with
    /// a primary's prevote.
    indirect case quorumCertificate(VerifiedQuorumCertificate)
    /// A block became final by this certificate.
    indirect case finalised(VerifiedCertificate)
    /// The gadget has seen a validator vote twice; the evidence is durable.
    indirect case doubleVote(VerifiedDoubleVote)
    /// The gadget entered a round.
    case roundEntered(RoundNumber)
    /// A block is in the tree now.
    case blockImported(BlockRef)
    /// The answer to `loadCertificate`; nil when there is none.
    indirect case certificateLoaded(CertificateLoadID, FinalityCertificate?)
    /// A timer fired.
    case timer(GossipTimer)
}

/// What the vote gossip wants done, in order.
package enum GossipEffect: Sendable, Equatable {
    /// Put a message into the queues of these peers, ascending.
    case send([PeerHandle], OutboundMessage)
    /// Publish a message on the topic.
    case publish([UInt8])
    /// What the topic's router is to make of a message: accept, ignore or reject.
    case judged(TopicMessageID, GossipVerdict)
    /// Run these verifications and report each one's result, all or some at a time.
    case verify([VerificationJob])
    /// Count a vote; its block is known.
    indirect case deliver(VerifiedVote)
    /// Judge a quorum certificate; its block may be unknown.
    indirect case deliverQuorumCertificate(VerifiedQuorumCertificate)
    /// Judge a certificate; its block may be unknown.
    indirect case deliverCertificate(VerifiedCertificate)
    /// Keep evidence that came from a peer.
    indirect case deliverEvidence(VerifiedDoubleVote)
    /// Fetch a block; these peers ought to have it.
    case wantBlock(BlockRef, [PeerHandle])
    /// Read a certificate from storage and answer with `certificateLoaded`.
    case loadCertificate(CertificateLoadID, CertificateQuery)
    /// A peer misbehaved; its reputation here is adjusted already.
    case punish(PeerHandle, Offence)
    /// Close the peer's connection and refuse it for that long.
    case ban(PeerHandle, Duration)
    /// Close the peer's stream.
    case disconnect(PeerHandle, DisconnectReason)
    /// Send the timer's input at this time; a later setting of the same timer replaces this one.
    case setTimer(GossipTimer, Instant)
    /// Streams opened from now on begin with this handshake.
    case handshakeChanged([UInt8])
    /// Something worth a log line.
    indirect case note(GossipNote)
}

/// What the shell knows of a peer besides its handshake.
package struct PeerHints: Sendable, Hashable {
    /// The operator named it: never banned, only throttled.
    package var isReserved: Bool
    /// How often it was banned before, as the address book remembers.
    package var earlierBans: UInt32

    package init(isReserved: Bool = false, earlierBans: UInt32 = 0) {
        self.isReserved = isReserved
        self.earlierBans = earlierBans
    }
}

/// The result of one verification.
package struct VerificationOutcome: Sendable, Equatable {
    /// The job's identity.
    package let id: VerificationJobID
    /// What came out.
    package let result: VerificationResult

    package init(id: VerificationJobID, result: VerificationResult) {
        self.id = id
        self.result = result
    }
}

/// Names a read of a stored certificate.
package struct CertificateLoadID: TypedInteger {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Which stored certificate is wanted.
package enum CertificateQuery: Sendable, Hashable {
    /// The one of the lowest height at or above this one.
    case lowest(atOrAbove: BlockNumber)
    /// The one that handed this set over to its successor.
    case handOff(of: SetID)
}

/// The timers of the vote gossip; each has one setting at a time.
package enum GossipTimer: UInt8, Sendable, Hashable, CaseIterable {
    /// Votes and certificates that waited for company, or for the peer to get them elsewhere.
    case forward
    /// A status that waited for further changes.
    case status
    /// The re-send of rule 6.
    case resend
    /// Requests whose time is up, and certificates worth asking for.
    case request
    /// Votes parked for too long.
    case parking
}

/// Something worth a log line; none of it decides anything.
package enum GossipNote: Sendable, Equatable {
    /// A peer is there.
    case peerJoined(PeerHandle, PeerRole, round: RoundNumber, finalised: BlockNumber)
    /// A peer is gone.
    case peerLeft(PeerHandle)
    /// A peer follows another chain; noted once per chain.
    case otherChain(PeerHandle, genesisHash: Hash256)
    /// A verified vote came in, first from this peer.
    case voteReceived(VoteSlot, VoteTarget, from: PeerHandle)
    /// A verified vote waits for its block.
    case voteParked(VoteSlot, VoteTarget, from: PeerHandle)
    /// A message or vote was refused and its sender punished.
    case rejected(PeerHandle, GossipMessageKind?, Offence)
    /// A reserved peer misbehaved as others are banned for; its budget is cut until then.
    case throttled(PeerHandle, until: Instant)
    /// A certificate was sent to a peer that is behind.
    case certificateAnswered(PeerHandle, BlockNumber)
    /// A request got no answer in time.
    case requestTimedOut(PeerHandle, GossipMessageKind)
    /// A peer is in a validator set that is not active here yet.
    case newerSetSeen(PeerHandle, SetID)
}
