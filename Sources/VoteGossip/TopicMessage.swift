internal import Coherence
package import Primitives

/// The name of a message of the topic, as its router has it: to be answered with.
package struct TopicMessageID: Sendable, Hashable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// A message of the topic that the router wants judged.
package struct TopicMessage: Sendable, Equatable {
    package let id: TopicMessageID
    /// A `GossipMessage`.
    package let bytes: [UInt8]
    /// The neighbour that brought it first.
    package let source: PeerHandle
    /// Who signed it; nil for one that is not known here.
    package let author: PeerHandle?

    package init(id: TopicMessageID, bytes: [UInt8], source: PeerHandle, author: PeerHandle?) {
        self.id = id
        self.bytes = bytes
        self.source = source
        self.author = author
    }
}

/// On which ways votes and proofs are brought to everybody. What statuses show to be missing, and
/// statuses and requests themselves, go over the notification streams in any case.
package enum GossipPaths: String, Sendable, Hashable, CaseIterable {
    /// Over the notification streams, to each peer.
    case notifications
    /// Over the topic.
    case gossipsub
    /// Both: what comes twice is counted once.
    case both

    /// Whether own votes go to each peer's stream.
    var useStreams: Bool { self != .gossipsub }
    /// Whether the topic is spoken on and listened to.
    package var useTopic: Bool { self != .notifications }
}

extension GossipMessageKind {
    /// Whether it is meant for everybody: anything else on the topic is none of its messages.
    var isForEverybody: Bool {
        switch self {
        case .vote, .quorumCertificate, .certificate, .equivocation: true
        case .voteRequest, .status, .voteBundle, .roundRequest, .certificateRequest: false
        }
    }
}

/// A neighbour has a second account for what it passes on of others: there it may be a router that
/// checks no votes, so it has budgets of its own and no offences.
extension PeerHandle {
    /// The shell numbers peers from 1 on and never comes near.
    private static let relayBit: UInt64 = 1 << 63

    /// The account for what the peer passes on.
    var asRelay: PeerHandle { PeerHandle(rawValue | Self.relayBit) }
    /// Whether this is such an account.
    var isRelay: Bool { rawValue & Self.relayBit != 0 }
    /// The peer of an account.
    var peer: PeerHandle { PeerHandle(rawValue & ~Self.relayBit) }
}

/// What of the topic waits for a signature check or a block, and what is to be published.
struct TopicDesk: Sendable {
    /// A message that was taken and whose verdict is still to come.
    struct Waiting: Sendable {
        let message: TopicMessageID
        let author: PeerHandle?
        let content: GossipMessage
        let since: Instant

        /// Bytes held, roughly.
        var byteCount: Int { 128 + content.entryCount * CoherenceVote.byteCount }
    }

    /// A proof that is published when it is this validator's turn and nobody else has done it.
    struct Plan: Sendable {
        let content: CertificateContent
        let message: [UInt8]
        let due: Instant
    }

    /// Messages that wait; the router has bounds of its own.
    static let waitingLimit = 1_024
    /// The router has given up by then (`GossipSubConfiguration.validationTimeout`).
    static let patience = Duration.seconds(10)

    /// In order of arrival.
    private(set) var waiting: [Waiting] = []
    /// At most one for each phase.
    private(set) var plans: [Plan] = []
    /// Proofs that went over the topic, ours included; the newest last.
    private var known: [CertificateContent] = []

    /// Bytes of the messages that wait, roughly.
    private(set) var byteCount = 0

    /// When the next proof is due.
    var nextDue: Instant? { plans.map(\.due).min() }

    /// Whether one more message may wait; forgets those that waited too long.
    mutating func hasRoom(now: Instant) -> Bool {
        if let first = waiting.first, first.since + Self.patience <= now {
            waiting.removeAll { $0.since + Self.patience <= now }
            recount()
        }
        return waiting.count < Self.waitingLimit
    }

    mutating func wait(_ entry: Waiting) {
        waiting.append(entry)
        byteCount += entry.byteCount
    }

    private mutating func recount() { byteCount = waiting.reduce(0) { $0 + $1.byteCount } }

    /// Takes out the messages that say what was decided now.
    mutating func take(where isDecided: (GossipMessage) -> Bool) -> [Waiting] {
        guard !waiting.isEmpty else { return [] }
        let taken = waiting.filter { isDecided($0.content) }
        if !taken.isEmpty {
            waiting.removeAll { isDecided($0.content) }
            recount()
        }
        return taken
    }

    /// Nothing that waits can be decided any more.
    mutating func takeAll() -> [Waiting] {
        defer { (waiting, byteCount) = ([], 0) }
        return waiting
    }

    /// Whether a proof of this went over the topic.
    func knows(_ content: CertificateContent) -> Bool { known.contains(content) }

    /// A proof of this went over the topic: nobody need publish another one.
    mutating func note(_ content: CertificateContent) {
        plans.removeAll { $0.content == content }
        guard !known.contains(content) else { return }
        if known.count == CertificateContent.limit { known.removeFirst() }
        known.append(content)
    }

    /// Plans a publication; takes the place of an earlier one of the same phase.
    mutating func plan(_ plan: Plan) {
        plans.removeAll { $0.content.phase == plan.content.phase }
        plans.append(plan)
    }

    /// Drops a phase's plan.
    mutating func cancel(_ phase: VotePhase) { plans.removeAll { $0.content.phase == phase } }

    /// Takes out what is due.
    mutating func takeDue(now: Instant) -> [Plan] {
        let due = plans.filter { $0.due <= now }
        plans.removeAll { $0.due <= now }
        return due
    }
}

extension GossipMessage {
    /// Entries of votes in it, to estimate its size.
    fileprivate var entryCount: Int {
        switch self {
        case .certificate(let certificate): certificate.precommits.count
        case .quorumCertificate(let certificate): certificate.entries.count
        case .vote: 1
        case .equivocation: 2
        case .voteBundle, .voteRequest, .status, .roundRequest, .certificateRequest: 0
        }
    }
}
