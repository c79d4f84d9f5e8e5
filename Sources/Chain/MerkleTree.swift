package import Primitives

/// Binary Merkle trees in the shape of RFC 6962, section 2.1, with BLAKE2b-256 for the hash.
package enum MerkleTree {
    /// The root over the leaves in their order; of no leaves, the hash of the empty string.
    package static func root(of leaves: [[UInt8]]) -> Hash256 {
        guard !leaves.isEmpty else { return BLAKE2b256.hash([]) }
        // One pass with a stack of complete subtrees: the sizes are the binary digits of the count.
        var stack: [(level: Int, hash: Hash256)] = []
        for leaf in leaves {
            var node = (level: 0, hash: BLAKE2b256.hash([0] + leaf))
            while let last = stack.last, last.level == node.level {
                stack.removeLast()
                node = (node.level + 1, join(last.hash, node.hash))
            }
            stack.append(node)
        }
        var hash = stack.removeLast().hash
        while let left = stack.popLast() { hash = join(left.hash, hash) }
        return hash
    }

    private static func join(_ left: Hash256, _ right: Hash256) -> Hash256 {
        BLAKE2b256.hash([1] + left.bytes + right.bytes)
    }
}
