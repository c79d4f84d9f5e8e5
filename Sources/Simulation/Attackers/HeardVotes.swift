internal import Coherence
internal import Validator
internal import VoteGossip

/// The votes that an attacker heard last.
struct HeardVotes: Sendable {
    private static let limit = 64

    private(set) var votes: [CoherenceVote] = []

    /// Takes note of a message if it is a vote.
    mutating func note(_ bytes: [UInt8], on channel: Channel) {
        guard channel == .votes, case .vote(let vote)? = try? GossipMessage.decode(bytes) else {
            return
        }
        votes.append(vote)
        if votes.count > Self.limit { votes.removeFirst() }
    }
}
