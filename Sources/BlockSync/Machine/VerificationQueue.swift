internal import Chain
internal import Primitives

/// Where a block came from: it decides who hears of it and whether the slot's bound holds.
enum BlockOrigin: Sendable, Hashable {
    /// Announced as a head.
    case announced
    /// Named by votes or a certificate.
    case wanted
    /// Fetched as an ancestor of one of those.
    case ancestor
    /// Fetched by height.
    case followed
}

/// Blocks that hold in everything except their signatures, which are being checked.
///
/// A block's children are checked at the same time, on top of its state, but imported after it.
/// A block that fails takes its descendants along.
struct VerificationQueue: Sendable {
    struct Entry: Sendable {
        let pending: PendingBlock
        let origin: BlockOrigin
        let source: PeerHandle?
        let justification: [UInt8]?
        let check: CheckID
        var isVerified = false
    }

    private var entries: [Hash256: Entry] = [:]
    private var children: [Hash256: [Hash256]] = [:]
    private var checks: [CheckID: Hash256] = [:]
    /// In the order they came: ancestors before descendants.
    private var order: [Hash256] = []

    var count: Int { entries.count }
    /// How many of them were fetched by height.
    private(set) var followedCount = 0

    subscript(hash: Hash256) -> Entry? { entries[hash] }

    func contains(_ hash: Hash256) -> Bool { entries[hash] != nil }

    /// The block whose signatures a check is about.
    func hash(of check: CheckID) -> Hash256? { checks[check] }

    mutating func insert(_ entry: Entry) {
        let header = entry.pending.block.header
        entries[header.hash] = entry
        children[header.parentHash, default: []].append(header.hash)
        checks[entry.check] = header.hash
        order.append(header.hash)
        if entry.origin == .followed { followedCount += 1 }
    }

    mutating func markVerified(_ hash: Hash256) { entries[hash]?.isVerified = true }

    /// The children of a block, in the order they came.
    func children(of hash: Hash256) -> [Hash256] { children[hash] ?? [] }

    /// Takes a block out.
    @discardableResult
    mutating func remove(_ hash: Hash256) -> Entry? {
        guard let entry = entries.removeValue(forKey: hash) else { return nil }
        let parent = entry.pending.block.header.parentHash
        children[parent]?.removeAll { $0 == hash }
        if children[parent]?.isEmpty == true { children[parent] = nil }
        checks[entry.check] = nil
        if entry.origin == .followed { followedCount -= 1 }
        order.removeAll { $0 == hash }
        return entry
    }

    /// Takes a block and its descendants out.
    mutating func removeSubtree(_ root: Hash256) {
        var pending = [root]
        while let hash = pending.popLast() {
            pending += children(of: hash)
            remove(hash)
        }
    }

    /// Takes out all blocks whose ancestors are neither here nor in the tree.
    mutating func removeOrphans(of tree: BlockTree) {
        for hash in order {
            guard let parent = entries[hash]?.pending.block.header.parentHash else { continue }
            if !contains(parent) && !tree.contains(parent) { remove(hash) }
        }
    }
}
