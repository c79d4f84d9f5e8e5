internal import Chain
internal import Primitives
internal import Validator

/// Makes blocks beside and above hand-off blocks that are not final, in all its past slots: rivals
/// that hand over otherwise or not at all, and children for which the next set would have to vote.
struct HandOffAuthor: Attacker {
    static let name = "author around hand-offs"

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        let tree = arms.tree
        guard arms.random.chance(permille: 400),
            let head = arms.random.pick(Array(tree.heads.prefix(6)))
        else { return [] }
        var places: [Hash256] = []
        var step = head.hash
        while step != tree.finalised.hash, places.count < 8, let header = tree.header(step) {
            if header.handOff != nil { places += [step, header.parentHash] }
            step = header.parentHash
        }
        guard let parent = arms.random.pick(places), let set = tree.state(of: parent)?.setInForce,
            let begin = tree.header(parent)
        else { return [] }
        let slots = arms.ownSlots(in: set, back: 40, ahead: 0)
            .filter { slot in begin.slot.map { slot > $0 } ?? true }
        return slots.prefix(3).compactMap { slot in
            let block = arms.block(on: parent, in: slot)
            return block.map { arms.announcement(of: $0, to: arms.somePeers()) }
        }
    }
}
