internal import Chain
internal import Primitives
internal import Validator

/// Fills the unfinalised tree with forks: blocks of its past slots on every block that it can build
/// on, and chains of them.
struct ForkFlooder: Attacker {
    static let name = "fork flooder"

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        guard arms.random.chance(permille: 500) else { return [] }
        let tree = arms.tree
        // From a random block of the best chain, or from F itself.
        let depth = UInt32(clamping: tree.depth)
        let height = tree.finalised.number.rawValue + UInt32(arms.random.draw(0...Int(depth)))
        guard
            let parent = tree.ancestor(of: tree.best.hash, at: BlockNumber(height)),
            let parentSlot = tree.header(parent)?.slot ?? SlotNumber(0) as SlotNumber?
        else { return [] }
        let slots = arms.ownSlots(back: 40, ahead: 0).filter { $0 > parentSlot }
        return slots.prefix(6).compactMap { slot in
            let block = arms.block(on: parent, in: slot)
            return block.map { arms.announcement(of: $0, to: arms.peers) }
        }
    }
}
