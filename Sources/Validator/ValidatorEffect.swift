package import BlockSync
package import Chain
package import Coherence
package import Primitives
package import VoteGossip

extension ValidatorCore {
    /// What the core wants done. `EffectQueue` decides in which order.
    ///
    /// The large and rare ones are stored apart: most effects are messages and timers, and all move
    /// through several queues.
    package enum Effect: Sendable {
        // Visible only inside the node.

        /// Sign a vote with the key of this public key; the answer is `voteSigned`.
        indirect case signVote(UnsignedVote, key: [UInt8])
        /// Sign a block's pre-seal hash with the key of this public key; the answer is `sealSigned`.
        indirect case signSeal(SlotNumber, message: [UInt8], key: [UInt8])
        /// Sign an own extrinsic with the key of this public key; the answer is `extrinsicSigned`.
        indirect case signExtrinsic(message: [UInt8], key: [UInt8])
        /// Check signatures; the answer is `checked`.
        case check(CheckID, [SignatureCheck])
        /// Verify votes and certificates; the answer is `verified`.
        case verify([VerificationJob])
        /// Read stored blocks; the answer is `blocksRead`.
        case readBlocks(ReadID, StoredBlockQuery)
        /// Read a stored certificate; the answer is `certificateLoaded`.
        case loadCertificate(CertificateLoadID, CertificateQuery)
        /// Send the timer's input at this time; a later setting replaces this one.
        case setTimer(TimerID, Instant)
        /// Forget the timer's setting.
        case cancelTimer(TimerID)

        // Durability.

        /// Nothing that follows runs before this record is durable.
        indirect case persist(StoredRecord)
        /// Write this record with the next `persist`, before it.
        indirect case stage(StoredRecord)

        // Visible outside, in order.

        /// Put a message into the queues of these peers.
        case send(Channel, [PeerHandle], OutboundMessage)
        /// Publish a message on the votes' topic.
        case publish([UInt8])
        /// Tell the topic's router what to make of a message.
        case judged(TopicMessageID, GossipVerdict)
        /// Ask a peer; the answer is `response`.
        case request(RequestID, PeerHandle, [UInt8])
        /// Take a request back: its response is not wanted any more.
        case abandon(RequestID)
        /// Answer a peer's request; nil refuses it.
        case respond(InboundRequestID, [UInt8]?)
        /// Streams opened from now on begin with this handshake.
        case handshakeChanged(Channel, [UInt8])
        /// Refuse a peer for that long and close its connection.
        case ban(PeerHandle, Duration)
        /// Close a peer's stream.
        case disconnect(Channel, PeerHandle)
        /// Close the connection to a peer with which there is nothing to talk about; it may come
        /// back.
        case hangUp(PeerHandle)
        /// Tell whoever submitted an extrinsic what became of it.
        case submitted(Hash256, SubmissionOutcome)
        /// Something happened that people or clients may want to know.
        indirect case event(ValidatorEvent)

        /// Whether nobody outside can see the effect: it then overtakes the persistence barrier.
        var isInternal: Bool {
            switch self {
            case .signVote, .signSeal, .signExtrinsic, .check, .verify, .readBlocks,
                .loadCertificate, .setTimer,
                .cancelTimer:
                true
            case .persist, .stage, .send, .publish, .judged, .request, .abandon, .respond,
                .handshakeChanged, .ban, .disconnect, .hangUp, .submitted, .event:
                false
            }
        }
    }
}

/// What the node writes down. Records of one commit are applied in order.
package enum StoredRecord: Sendable {
    /// A block that was checked in full and entered the tree.
    case block(Block)
    /// An own block was made in this slot: no other one ever is.
    case authored(SlotNumber, Hash256)
    /// Blocks that became final, ascending, and those that left the tree for it.
    case finalised([BlockRef], pruned: [Hash256])
    /// What the finality protocol must not forget.
    indirect case voting(VotingRecord)
}

/// Something that happened, for logs, RPC and metrics; none of it decides anything.
package enum ValidatorEvent: Sendable {
    /// A block entered the tree.
    case imported(Block, author: AccountID, isBest: Bool, isOwn: Bool)
    /// Blocks became final by a certificate.
    case finalised(VerifiedCertificate, BlockRef)
    /// The certificate of a hand-off block made this set the one that votes.
    case setActivated(ValidatorSet, by: VerifiedCertificate)
    /// An author made two blocks in one slot.
    case authorEquivocation(AuthorEquivocation)
    /// An own block could not be made.
    case authoringFailed(SlotNumber, reason: String)
    /// The finality protocol tells something.
    case voting(VotingNote)
    /// The finality protocol has stopped signing.
    case alarm(SafetyAlarm)
    /// A validator voted twice in one slot.
    case doubleVote(VerifiedDoubleVote)
    /// The vote gossip tells something.
    case gossip(GossipNote)
    /// The block sync tells something.
    case sync(SyncNote)
    /// A peer misbehaved on the block or transaction channel.
    case syncOffence(PeerHandle, SyncOffence)
    /// The gadget entered a round.
    case roundEntered(RoundNumber)
}
