package import BlockSync
package import Chain
package import Coherence
package import Primitives
package import VoteGossip

/// The notification protocols that a validator speaks.
package enum Channel: UInt8, Sendable, Hashable, CaseIterable {
    /// Votes: `/quantumharmony/coherence/1`.
    case votes
    /// Blocks: `/<genesis>/block-announces/1`.
    case blocks
    /// Extrinsics: `/<genesis>/transactions/1`.
    case transactions
}

extension ValidatorCore {
    /// What the core is told. Everything from outside arrives as one of these.
    package enum Input: Sendable {
        /// The first input: begin.
        case start
        /// The wall clock entered a slot.
        case slotStarted(SlotNumber)
        /// A notification stream opened.
        indirect case streamOpened(Channel, PeerHandle, handshake: [UInt8], PeerHints)
        /// A notification stream is gone.
        case streamClosed(Channel, PeerHandle)
        /// A notification, without its length prefix.
        case notification(Channel, PeerHandle, [UInt8])
        /// A message of the votes' topic, to be judged.
        indirect case topicMessage(TopicMessage)
        /// A peer asks for blocks.
        case request(InboundRequestID, PeerHandle, [UInt8])
        /// A peer answered, or did not.
        case response(RequestID, Result<[UInt8], SyncRequestFailure>)
        /// A vote's signature is made; nil when the signer failed.
        case voteSigned(VoteSlot, [UInt8]?)
        /// A seal is made; nil when the signer failed.
        case sealSigned(SlotNumber, [UInt8]?)
        /// Signature checks of a block or of extrinsics ended, in the order of the checks.
        case checked(CheckID, [Bool])
        /// Verifications of votes and certificates ended.
        case verified([VerificationOutcome])
        /// Stored blocks that `readBlocks` asked for.
        case blocksRead(ReadID, [StoredBlock])
        /// The stored certificate that `loadCertificate` asked for; nil when there is none.
        indirect case certificateLoaded(CertificateLoadID, FinalityCertificate?)
        /// What the quantum source says now.
        indirect case measurement(QuantumMeasurement)
        /// The signature of an own extrinsic is made; nil when the signer failed.
        case extrinsicSigned([UInt8]?)
        /// The operator wants something of the chain: it is signed as the member that we are.
        indirect case call(Extrinsic.Call)
        /// A key that this node can sign with, from the next set on.
        indirect case keyAdded(HeldKey)
        /// An extrinsic handed in by RPC.
        indirect case submit(Extrinsic)
        /// A timer fired.
        case timer(TimerID)
    }

    /// The timers of the machines within; each has one setting at a time.
    package enum TimerID: Sendable, Hashable {
        case voting(VotingTimer)
        case gossip(GossipTimer)
        case sync(SyncTimer)
    }
}
