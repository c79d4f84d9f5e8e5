internal import Primitives

/// One iterative search for the peers closest to a key (kad-dht specification, "peer routing").
///
/// What peers tell is hearsay: only a peer that answered itself, over a connection that proved its
/// name, counts as found. The number of candidates is bounded; the farthest gives way.
struct KademliaLookup: Sendable {
    /// What became of a candidate.
    enum State: Sendable, Hashable {
        /// Not asked yet.
        case fresh
        case asked
        case answered
        /// It did not answer, or not in time. A late answer still counts.
        case failed
    }

    struct Candidate: Sendable {
        let id: PeerID
        let distance: KademliaDistance
        var addresses: [Multiaddr]
        var state = State.fresh
    }

    /// The bytes that are looked for.
    let target: [UInt8]
    private let key: KademliaKey
    private let localPeer: PeerID
    private let count: Int
    private let parallelism: Int
    private let maximumCandidates: Int
    /// The closest first.
    private(set) var candidates: [Candidate] = []
    /// How many were asked and have neither answered nor failed.
    private(set) var underWay = 0

    /// - Parameters:
    ///   - count: how many peers are wanted.
    ///   - parallelism: how many are asked at one time.
    init(
        target: [UInt8], localPeer: PeerID, count: Int, parallelism: Int, maximumCandidates: Int
    ) {
        precondition(maximumCandidates >= count && count > 0 && parallelism > 0)
        self.target = target
        key = KademliaKey(of: target)
        self.localPeer = localPeer
        self.count = count
        self.parallelism = parallelism
        self.maximumCandidates = maximumCandidates
    }

    /// Adds a candidate, or what else is known about one. Whether it is new.
    @discardableResult
    mutating func add(_ peer: PeerID, addresses: [Multiaddr]) -> Bool {
        guard peer != localPeer else { return false }
        if let index = candidates.firstIndex(where: { $0.id == peer }) {
            if candidates[index].addresses.isEmpty { candidates[index].addresses = addresses }
            return false
        }
        let distance = KademliaKey(peer).distance(to: key)
        let position = candidates.partitionPoint { $0.distance <= distance }
        guard position < maximumCandidates else { return false }
        candidates.insert(
            Candidate(id: peer, distance: distance, addresses: addresses), at: position)
        if candidates.count > maximumCandidates,
            let excess = candidates.lastIndex(where: { $0.state != .asked })
        {
            candidates.remove(at: excess)
        }
        return true
    }

    /// The next candidate to ask, which counts as asked; nil when none is to be asked now.
    mutating func next() -> Candidate? {
        guard underWay < parallelism else { return nil }
        var considered = 0
        for index in candidates.indices {
            switch candidates[index].state {
            case .failed: continue
            case .asked, .answered: considered += 1
            case .fresh:
                guard considered < count else { return nil }
                candidates[index].state = .asked
                underWay += 1
                return candidates[index]
            }
            guard considered < count else { return nil }
        }
        return nil
    }

    /// A candidate answered.
    mutating func answered(_ peer: PeerID) { settle(peer, .answered) }

    /// A candidate did not answer.
    mutating func failed(_ peer: PeerID) { settle(peer, .failed) }

    private mutating func settle(_ peer: PeerID, _ state: State) {
        guard let index = candidates.firstIndex(where: { $0.id == peer }) else { return }
        if candidates[index].state == .asked { underWay -= 1 }
        candidates[index].state = state
    }

    /// Whether the closest candidates that did not fail have all answered, or nobody is left.
    var isOver: Bool {
        candidates.lazy.filter { $0.state != .failed }.prefix(count)
            .allSatisfy { $0.state == .answered }
    }

    /// The closest candidates that answered.
    var found: [Candidate] { Array(candidates.filter { $0.state == .answered }.prefix(count)) }
}
