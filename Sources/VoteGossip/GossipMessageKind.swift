/// The kinds of gossip messages, by their index on the wire, with their size limits.
///
/// Source: docs/protocol.md, "GossipMessage".
package enum GossipMessageKind: UInt8, Sendable, Hashable, CaseIterable {
    case vote = 0
    case voteRequest = 1
    case certificate = 2
    case status = 3
    case voteBundle = 4
    case roundRequest = 5
    case quorumCertificate = 6
    case equivocation = 7
    case certificateRequest = 8

    /// The most bytes that a message of this kind has, its index included.
    package var maximumByteCount: Int {
        switch self {
        case .vote: 4 * 1024
        case .voteRequest: 64
        case .certificate, .voteBundle, .quorumCertificate: 1024 * 1024
        case .status, .equivocation: 8 * 1024
        case .roundRequest: 1024
        case .certificateRequest: 8
        }
    }

    /// The most bytes that any message has.
    package static let largestByteCount = 1024 * 1024

    /// The kind's place in tables of counters.
    package var position: Int { Int(rawValue) }

    /// The name used by metrics.
    package var name: String {
        switch self {
        case .vote: "vote"
        case .voteRequest: "vote_request"
        case .certificate: "certificate"
        case .status: "status"
        case .voteBundle: "vote_bundle"
        case .roundRequest: "round_request"
        case .quorumCertificate: "quorum_certificate"
        case .equivocation: "equivocation"
        case .certificateRequest: "certificate_request"
        }
    }
}

/// One count per kind of message.
package struct CountByKind: Sendable, Equatable {
    private var counts = [UInt64](repeating: 0, count: GossipMessageKind.allCases.count)

    package init() {}

    package subscript(kind: GossipMessageKind) -> UInt64 {
        get { counts[kind.position] }
        set { counts[kind.position] = newValue }
    }

    /// All kinds together.
    package var total: UInt64 { counts.reduce(0, &+) }
}
