package import Chain
package import Primitives

/// A request that the machine made; never reused.
package struct RequestID: TypedInteger {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A request that a peer made, numbered by the shell.
package struct InboundRequestID: TypedInteger {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A batch of signature checks that the machine asked for; never reused.
package struct CheckID: TypedInteger {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A read from storage that the machine asked for; never reused.
package struct ReadID: TypedInteger {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Why a request brought no response.
package enum SyncRequestFailure: Error, Sendable, Hashable {
    /// The peer closed without a byte.
    case refused
    /// No response came in time.
    case timedOut
    /// The connection is gone or the request could not be sent.
    case disconnected
}

/// The timers of the machine.
package enum SyncTimer: Sendable, Hashable {
    /// Setting it again replaces it; one that fires too early or twice does no harm.
    case wake
}

/// Blocks that storage is asked for. Only finalised blocks are meant, except that a hash may also
/// name a stored block of another branch.
package struct StoredBlockQuery: Sendable, Hashable {
    /// The first block: a number on the finalised chain or a hash.
    package let start: BlockStart
    /// From a number or the hash of a finalised block, along the finalised chain; from the hash
    /// of any other block only that block.
    package let direction: BlockDirection
    /// The most blocks wanted, at least 1.
    package let maximumCount: Int
    /// Storage may stop once the blocks read take more than this many bytes.
    package let maximumByteCount: Int
    /// Whether the finality certificate of each block is wanted.
    package let includesJustifications: Bool
}

/// A block as storage has it.
package struct StoredBlock: Sendable, Hashable {
    /// The block; genesis has an empty body.
    package let block: Block
    /// The certificate for exactly this block, if there is one and it was asked for.
    package let justification: [UInt8]?

    package init(block: Block, justification: [UInt8]? = nil) {
        self.block = block
        self.justification = justification
    }
}

/// What a peer did that it should not have done.
package enum SyncOffence: Error, Sendable, Hashable {
    /// It is on another chain.
    case wrongGenesis
    /// Its handshake, announcement, transactions, request or response does not decode or breaks
    /// its bounds.
    case malformed
    /// Its response has other blocks than asked for, blocks that do not link, a body that is not
    /// the header's or more than was asked for.
    case wrongResponse
    /// It passed on a block that can never be valid.
    case invalidBlock(Hash256, BlockInvalid)
    /// It passed on a block or a transaction with a bad signature, having to check it first.
    case badSignature(Hash256)
    /// It passed on a transaction of someone who may not sign any.
    case badTransaction(Hash256)
    /// It passed on a transaction whose signer is no member on our best chain, or signed with another
    /// key than its own there; on its own best chain, of an earlier or later set, that may be right.
    case foreignTransaction(Hash256)
    /// Its chain does not contain our finalised block.
    case conflictsWithFinality
    /// It did not answer in time.
    case timedOut
    /// It claimed blocks that it does not serve.
    case unserved
    /// It sends more than its budget.
    case flooded

    /// How much it weighs.
    package enum Weight: Sendable, Hashable {
        /// May happen to an honest peer on a bad network.
        case slight
        /// Proves fault.
        case fault
        /// There is nothing to talk about: disconnect.
        case fatal
    }

    /// How much the offence weighs.
    package var weight: Weight {
        switch self {
        case .wrongGenesis: .fatal
        case .malformed, .wrongResponse, .invalidBlock, .badSignature, .badTransaction: .fault
        case .foreignTransaction, .conflictsWithFinality, .timedOut, .unserved, .flooded: .slight
        }
    }
}

/// What became of a transaction that was submitted on this node.
package enum SubmissionOutcome: Sendable, Hashable {
    /// It waits for a block now.
    case accepted
    /// It was not taken.
    case refused(TransactionPool.Refusal)
    /// Its signature does not hold.
    case badSignature
    /// Too many transactions are being checked.
    case busy
}

/// What happened, for logs and metrics.
package enum SyncNote: Sendable, Hashable {
    /// Peers are far ahead: blocks are fetched by height.
    case catchingUp(from: BlockNumber, to: BlockNumber)
    /// The peers' height was reached.
    case caughtUp(BlockRef)
    /// The tree has its full depth: nothing is imported until finality moves.
    case waitingForFinality(BlockRef)
    /// A block of a slot far ahead was ignored: a clock is wrong.
    case farAhead(BlockRef, SlotNumber, PeerHandle?)
    /// Our own block was not taken.
    case ownBlockRefused(BlockRef, OwnBlockRefusal)

    /// Why our own block was not taken.
    package enum OwnBlockRefusal: Sendable, Hashable {
        case unknownParent
        case invalid(BlockInvalid)
        case notImported(BlockTree.ImportError)
    }
}

extension SyncMachine {
    /// What happens to the machine.
    package enum Input: Sendable {
        /// The block-announces stream to a peer is open, with the peer's handshake.
        case streamOpened(PeerHandle, handshake: [UInt8])
        /// It is closed.
        case streamClosed(PeerHandle)
        /// A notification came on it.
        case announcement(PeerHandle, [UInt8])
        /// A request of ours ended.
        case response(RequestID, Result<[UInt8], SyncRequestFailure>)
        /// A peer asks for blocks.
        case request(InboundRequestID, PeerHandle, [UInt8])
        /// Storage answers, in the order asked for; empty when it has nothing.
        case storedBlocks(ReadID, [StoredBlock])
        /// A notification came on the transactions stream.
        case transactions(PeerHandle, [UInt8])
        /// A transaction was submitted on this node.
        indirect case submit(Extrinsic)
        /// Signature checks are done: one verdict per check.
        case checked(CheckID, [Bool])
        /// This node authored a block.
        indirect case ownBlock(Block)
        /// Votes, a certificate or a quorum certificate name a block that is not in the tree;
        /// `from` are peers that should have it.
        case wanted(BlockRef, from: [PeerHandle])
        /// A slot began by the local clock.
        case slotStarted(SlotNumber)
        /// The tree was finalised up to this block.
        case finalised(BlockRef)
        /// The timer fired.
        case timer(SyncTimer)
    }

    /// What the owner has to do, in this order.
    package enum Effect: Sendable, Equatable {
        /// Send a notification on the block-announces streams.
        case announce([PeerHandle], [UInt8])
        /// Send a notification on the transactions streams.
        case sendTransactions([PeerHandle], [UInt8])
        /// Ask a peer for blocks; the outcome comes back as `response`.
        case request(RequestID, PeerHandle, [UInt8])
        /// Take a request back: nobody waits for its response any more.
        case abandon(RequestID)
        /// Answer a peer's request.
        case respond(InboundRequestID, [UInt8])
        /// Refuse a peer's request: close without a byte.
        case refuse(InboundRequestID)
        /// Read stored blocks; the answer comes back as `storedBlocks`.
        case readBlocks(ReadID, StoredBlockQuery)
        /// Check signatures; the verdicts come back as `checked`.
        case check(CheckID, [SignatureCheck])
        /// The block is in the tree now: make it durable.
        indirect case imported(Block)
        /// A certificate came with a block, not verified.
        case justification([UInt8], PeerHandle)
        /// The peer did something it should not have done.
        indirect case report(PeerHandle, SyncOffence)
        /// Wake the machine at this time.
        case setTimer(SyncTimer, Instant)
        /// An author made two blocks in a slot.
        indirect case authorEquivocation(AuthorEquivocation)
        /// Streams opened from now on take this handshake.
        case handshakeChanged([UInt8])
        /// What became of a submitted transaction.
        case submitted(Hash256, SubmissionOutcome)
        /// Something worth a line in the log or a metric.
        indirect case note(SyncNote)
    }
}
