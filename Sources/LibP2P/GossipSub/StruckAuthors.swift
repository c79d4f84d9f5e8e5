internal import Primitives

/// Authors whose messages the application rejected. The signed `from` says who is to blame when the
/// routers in between check no votes; who has too many strikes is muted for a while. Bounded.
struct StruckAuthors: Sendable {
    private let limit: Int
    private let duration: Duration
    private let maximumCount: Int
    private var strikes: [PeerID: (count: Int, until: Instant)] = [:]
    private var order = FIFO<PeerID>()

    init(_ configuration: GossipSubConfiguration) {
        limit = configuration.authorStrikes
        duration = configuration.authorMute
        maximumCount = configuration.maximumStruckAuthors
    }

    var count: Int { strikes.count }

    func isMuted(_ author: PeerID, now: Instant) -> Bool {
        guard let strikes = strikes[author] else { return false }
        return strikes.count >= limit && now < strikes.until
    }

    /// Notes a rejected message. What is older than the duration is forgiven.
    mutating func strike(_ author: PeerID, now: Instant) {
        if let known = strikes[author] {
            let count = now < known.until ? min(known.count + 1, limit) : 1
            strikes[author] = (count, now + duration)
            return
        }
        while strikes.count >= maximumCount, let oldest = order.popFirst() {
            strikes[oldest] = nil
        }
        strikes[author] = (1, now + duration)
        order.append(author)
    }
}
