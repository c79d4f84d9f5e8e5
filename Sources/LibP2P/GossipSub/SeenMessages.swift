internal import Primitives

/// The messages of the last minutes by name, with what became of them and who brought them, so that
/// copies are known for what they are. Bounded in time and number.
struct SeenMessages: Sendable {
    enum Verdict: Sendable, Equatable {
        /// The application has not answered yet.
        case pending
        case accepted(at: Instant)
        case rejected
        case ignored
    }

    struct Record: Sendable {
        var verdict: Verdict
        /// Who brought it, the first one first; no more than `maximumSenders`.
        var senders: [PeerID]
    }

    /// A message has seldom more neighbours to come from than a mesh and its gossip have.
    private static let maximumSenders = 32

    private let lifetime: Duration
    private let maximumCount: Int
    private var records: [MessageID: Record] = [:]
    private var order = FIFO<(id: MessageID, expiry: Instant)>()

    init(lifetime: Duration, maximumCount: Int) {
        precondition(maximumCount > 0)
        self.lifetime = lifetime
        self.maximumCount = maximumCount
    }

    var count: Int { records.count }

    subscript(id: MessageID) -> Record? { records[id] }

    /// Notes a message that is not known; the oldest gives way when there are too many.
    mutating func insert(_ id: MessageID, _ verdict: Verdict, from sender: PeerID?, now: Instant) {
        precondition(records[id] == nil)
        while order.count >= maximumCount, let oldest = order.popFirst() {
            records[oldest.id] = nil
        }
        records[id] = Record(verdict: verdict, senders: sender.map { [$0] } ?? [])
        order.append((id, now + lifetime))
    }

    mutating func setVerdict(_ verdict: Verdict, of id: MessageID) {
        records[id]?.verdict = verdict
    }

    /// Notes that a peer has the message too; false when that is known already, or no place for it.
    mutating func addSender(_ sender: PeerID, of id: MessageID) -> Bool {
        guard let record = records[id], record.senders.count < Self.maximumSenders,
            !record.senders.contains(sender)
        else { return false }
        records[id]?.senders.append(sender)
        return true
    }

    /// Forgets what is too old.
    mutating func expire(now: Instant) {
        while let oldest = order.first, oldest.expiry <= now {
            records[oldest.id] = nil
            _ = order.popFirst()
        }
    }
}
