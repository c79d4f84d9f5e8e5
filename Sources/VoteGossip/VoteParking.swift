internal import Chain
internal import Coherence
internal import Primitives

/// Verified votes whose block is not known yet.
///
/// Bounded per validator, per peer that sent them and in time. When a validator's places are taken,
/// its lowest round gives way. Blocks for which votes had to be refused are remembered, so that the
/// votes can be asked for again once the block is there.
struct VoteParking: Sendable {
    struct Parked: Sendable {
        let vote: VerifiedVote
        let senders: [PeerHandle]
        let expiresAt: Instant
    }

    /// A block for which votes were refused, and who had them.
    struct Refused: Sendable, Equatable {
        let hash: Hash256
        let sender: PeerHandle
    }

    /// Blocks remembered for which votes were refused.
    static let refusedLimit = 16

    /// In order of arrival, and so by ascending expiry.
    private(set) var votes: [Parked] = []
    private(set) var refused: [Refused] = []

    /// Bytes held.
    var byteCount: Int { votes.count * CoherenceVote.byteCount }

    /// When the oldest vote expires.
    var nextExpiry: Instant? { votes.first?.expiresAt }

    /// Whether a vote of this content is parked.
    func contains(_ content: VoteContent) -> Bool {
        // Read in place, here and below: a vote copied is several references counted.
        votes.indices.contains {
            votes[$0].vote.slot == content.slot && votes[$0].vote.target == content.target
        }
    }

    /// Whether any vote for the block is parked.
    func awaits(_ hash: Hash256) -> Bool {
        votes.indices.contains { votes[$0].vote.target.hash == hash }
    }

    /// The validators of whom a vote of the round and phase is parked.
    func voters(at position: VotePosition) -> [ValidatorIndex] {
        votes.filter { $0.vote.slot.position == position }.map(\.vote.index)
    }

    /// Parks a vote.
    ///
    /// - Returns: whether it was parked, and how many others gave way.
    mutating func park(
        _ vote: VerifiedVote, from senders: [PeerHandle], configuration: GossipConfiguration,
        now: Instant
    ) -> (isParked: Bool, dropped: Int) {
        var dropped = 0
        let own = votes.indices.filter { votes[$0].vote.index == vote.index }
        if own.count >= configuration.parkedPerValidator {
            let lowest = own.min { votes[$0].vote.slot.position < votes[$1].vote.slot.position }
            guard let lowest, votes[lowest].vote.slot.position < vote.slot.position else {
                refuse(vote, senders)
                return (false, 0)
            }
            votes.remove(at: lowest)
            dropped = 1
        }
        if let payer = senders.first {
            let paid = votes.count { $0.senders.first == payer } + 1
            guard paid * CoherenceVote.byteCount <= configuration.parkedByteCountPerPeer else {
                refuse(vote, senders)
                return (false, dropped)
            }
        }
        votes.append(
            Parked(vote: vote, senders: senders, expiresAt: now + configuration.parkingTime))
        return (true, dropped)
    }

    private mutating func refuse(_ vote: VerifiedVote, _ senders: [PeerHandle]) {
        guard let sender = senders.first,
            !refused.contains(where: { $0.hash == vote.target.hash })
        else { return }
        if refused.count == Self.refusedLimit { refused.removeFirst() }
        refused.append(Refused(hash: vote.target.hash, sender: sender))
    }

    /// Takes out the votes for a block that has come, in order of arrival, and who had more.
    mutating func release(_ hash: Hash256) -> (votes: [Parked], moreAt: PeerHandle?) {
        let released = votes.filter { $0.vote.target.hash == hash }
        votes.removeAll { $0.vote.target.hash == hash }
        let more = refused.first { $0.hash == hash }?.sender
        refused.removeAll { $0.hash == hash }
        return (released, more)
    }

    /// Drops votes whose time is over.
    mutating func expire(now: Instant) -> Int {
        drop { $0.expiresAt <= now }
    }

    /// Drops votes that can no longer matter.
    mutating func drop(where isObsolete: (Parked) -> Bool) -> Int {
        let before = votes.count
        votes.removeAll(where: isObsolete)
        return before - votes.count
    }
}
