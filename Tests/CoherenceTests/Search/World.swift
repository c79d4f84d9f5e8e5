import Chain
import Coherence
import Primitives
import SCALE

/// What a search run is made of. Everything else follows from the seed.
struct SearchProfile: Sendable {
    var validators = 4
    var policy: QuorumPolicy?
    /// Validators (the last ones) that vote for anything, at any time, twice.
    var byzantine = 0
    /// Honest validators that are gone for ever once the trouble is over.
    var lost = 0
    /// The trouble lasts so long, in virtual milliseconds.
    var chaosMilliseconds: UInt64 = 40_000
    /// The network then heals, and finality has to move within this time.
    var healMilliseconds: UInt64 = 120_000
    /// A block is made about so often.
    var blockMilliseconds: UInt64 = 700
    /// The chance in percent that a message is lost during the trouble.
    var lossPercent: UInt64 = 20
    /// The longest delay of a message during the trouble, in milliseconds.
    var delayMilliseconds: UInt64 = 400
    /// Crashes happen about so often; 0 for never.
    var crashMilliseconds: UInt64 = 4_000
    /// Links go down and up about so often; 0 for never.
    var partitionMilliseconds: UInt64 = 800
    /// Measurements fail about so often; 0 for never.
    var noiseMilliseconds: UInt64 = 0
    var rules = VotingRules.production
}

/// What a run found.
struct SearchOutcome: Sendable, Equatable {
    /// The first broken promise, in words.
    var violation: String?
    /// Virtual milliseconds from the healing to the first new final block everywhere.
    var healedAfter: UInt64?
    /// The highest final block.
    var height: UInt32 = 0
    /// The highest round.
    var round: UInt64 = 0
    /// A hash over everything that happened.
    var digest: UInt64 = 0
}

/// A message between nodes.
enum Message: Sendable {
    case vote(VerifiedVote)
    case quorum(VerifiedQuorumCertificate)
    case certificate(VerifiedCertificate)
    /// Round, finalised height and highQC's round: what rule 6 answers.
    case status(round: RoundNumber, height: BlockNumber, quorumRound: RoundNumber?)
    /// Blocks, parents first.
    case blocks([Block])
    case blockRequest(BlockRef)
}

/// Something that will happen.
enum Event: Sendable {
    case deliver(to: Int, from: Int, Message)
    case timer(Int, life: Int, VotingTimer, Instant)
    case signed(Int, life: Int, UnsignedVote)
    case persisted(Int, life: Int)
    case tick(Int, life: Int)
    case makeBlock
    case changePartition
    case crash
    case restart(Int)
    case noise
    case byzantineVotes
}

/// Events by time, then by order of scheduling: a binary heap.
struct EventQueue: Sendable {
    private var heap: [(at: UInt64, order: UInt64, event: Event)] = []
    private var scheduled: UInt64 = 0

    mutating func schedule(_ event: Event, at time: UInt64) {
        scheduled += 1
        heap.append((time, scheduled, event))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (at: UInt64, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2]
                where child < heap.count && isBefore(child, least) { least = child }
                guard least != parent else { break }
                heap.swapAt(parent, least)
                parent = least
            }
        }
        return (first.at, first.event)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].order) < (heap[right].at, heap[right].order)
    }
}

/// A node of the search: gadget, tree and disk, and the effects that wait behind a write.
struct SearchNode: Sendable {
    var gadget: CoherenceGadget?
    var tree: BlockTree
    var disk: Disk
    /// Blocks that survive a crash, in the order of their import.
    var blocks: [Block] = []
    var pending: [CoherenceGadget.Effect] = []
    var isWriting = false
    /// Counts the lives, so that what was meant for an earlier one is dropped.
    var life = 0
    var timers: [VotingTimer: Instant] = [:]
    /// Blocks whose parents are missing.
    var parked: [Block] = []
    var wanted: [BlockRef] = []
    var finalisedHeight: UInt32 = 0
    /// Whether it is gone for ever.
    var isLost = false
}
