internal import Primitives

/// The hashes that came last, up to a bound; the oldest is forgotten first.
struct RecentHashes: Sendable {
    private let capacity: Int
    private var ring: [Hash256] = []
    private var next = 0
    private var members: Set<Hash256> = []

    init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    func contains(_ hash: Hash256) -> Bool { members.contains(hash) }

    /// Remembers a hash; false when it was known.
    @discardableResult
    mutating func insert(_ hash: Hash256) -> Bool {
        guard members.insert(hash).inserted else { return false }
        if ring.count < capacity {
            ring.append(hash)
        } else {
            members.remove(ring[next])
            ring[next] = hash
            next = (next + 1) % capacity
        }
        return true
    }
}
