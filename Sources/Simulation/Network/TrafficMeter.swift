internal import Primitives
internal import VoteGossip

/// How many bytes of votes each node has sent each other lately: what an honest node sends one peer
/// is bounded whatever that peer does, so that nobody can be made an amplifier.
struct TrafficMeter {
    /// What is bounded is what was sent within so long.
    static let window = Duration.seconds(10)

    private let nodeCount: Int
    private let limits: Limits
    private var sent: [Int]
    /// The most that was sent in one window, in thousandths of what may be.
    private(set) var highestPermille = 0

    /// The bounds follow from the vote gossip's own budgets.
    private struct Limits {
        /// For each round that the sender was in: both phases whole, twice, as single votes or in
        /// bundles, and a quorum certificate and a certificate.
        let perRound: Int
        /// For a window without rounds: answers, certificates for one that shows that it is behind,
        /// statuses, and re-sends.
        let base: Int
    }

    init(nodeCount: Int, validatorCount count: Int, quorum: Int) {
        self.nodeCount = nodeCount
        sent = [Int](repeating: 0, count: nodeCount * nodeCount)
        let configuration = GossipConfiguration()
        let seconds = Int(Self.window.components.seconds)
        let entry = 1_360
        let vote = 1_440
        let bitmaps = 6 * (10 + (count + 7) / 8)
        let answers = configuration.answerBurst + configuration.answerRate * seconds
        limits = Limits(
            perRound: 2 * 2 * count * vote + 2 * quorum * entry,
            base: answers * 2 * count * entry
                + 5 * seconds * quorum * entry
                + 25 * seconds * (80 + bitmaps)
                + 2 * seconds * 2 * vote)
    }

    mutating func add(_ byteCount: Int, from sender: Int, to receiver: Int) {
        sent[sender * nodeCount + receiver] += byteCount
    }

    /// Who sent whom too much, and how many bytes that were, given how many rounds each has seen;
    /// the count begins anew.
    mutating func read(
        rounds: [Int], of senders: [Int]
    ) -> (sender: Int, receiver: Int, byteCount: Int)? {
        defer { sent = [Int](repeating: 0, count: sent.count) }
        for sender in senders {
            let limit = limits.base + limits.perRound * rounds[sender]
            for receiver in 0..<nodeCount {
                let byteCount = sent[sender * nodeCount + receiver]
                highestPermille = max(highestPermille, byteCount * 1_000 / limit)
                if byteCount > limit { return (sender, receiver, byteCount) }
            }
        }
        return nil
    }
}
