import Chain
import Primitives

/// A tree of blocks that keeps everything and answers by walking: the model for `BlockTree`.
struct NaiveTree {
    var headers: [Hash256: Header]
    var finalised: Header

    init(_ root: Header) {
        headers = [root.hash: root]
        finalised = root
    }

    /// The chain from a block down to F, the block first.
    func chain(_ hash: Hash256) -> [Header] {
        var result: [Header] = []
        var step = headers[hash]
        while let header = step {
            result.append(header)
            step = header.hash == finalised.hash ? nil : headers[header.parentHash]
        }
        return result
    }

    func isDescendant(_ block: Hash256, ofOrEqual other: Hash256) -> Bool {
        headers[other] != nil && chain(block).contains { $0.hash == other }
    }

    func ancestor(of hash: Hash256, at number: BlockNumber) -> Hash256? {
        chain(hash).first { $0.number == number }?.hash
    }

    func children(of hash: Hash256) -> [Hash256] {
        headers.values.filter { $0.parentHash == hash && $0.hash != finalised.hash }.map(\.hash)
            .sorted()
    }

    /// The best block at or above one, by the rule: highest, then lowest hash.
    func best(from hash: Hash256) -> BlockRef? {
        headers.values.filter { isDescendant($0.hash, ofOrEqual: hash) }
            .sorted { $0.number != $1.number ? $0.number > $1.number : $0.hash < $1.hash }.first?
            .ref
    }

    func commonAncestor(_ left: Hash256, _ right: Hash256) -> BlockRef? {
        let others = Set(chain(right).map(\.hash))
        return chain(left).first { others.contains($0.hash) }?.ref
    }

    var heads: [BlockRef] {
        let parents = Set(headers.values.map(\.parentHash))
        return headers.values.map(\.ref).filter { !parents.contains($0.hash) }
            .sorted { $0.isBetterHead(than: $1) }
    }

    mutating func finalise(_ hash: Hash256) -> (finalised: [Header], pruned: Set<Hash256>) {
        let path = Array(chain(hash).dropLast().reversed())
        let old = Set(headers.keys)
        let kept = headers.values.filter { isDescendant($0.hash, ofOrEqual: hash) }
        let below = Set(chain(hash).map(\.hash))
        finalised = headers[hash] ?? finalised
        headers = Dictionary(uniqueKeysWithValues: kept.map { ($0.hash, $0) })
        return (path, old.subtracting(headers.keys).subtracting(below))
    }
}
