package import Chain
package import Primitives

extension CoherenceGadget {
    /// The lock's block and round, for people.
    package var lockReference: (block: BlockRef, round: RoundNumber)? {
        lock.map { ($0.block, $0.round) }
    }
}
