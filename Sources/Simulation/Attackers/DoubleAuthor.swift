internal import Chain
internal import Primitives
internal import Validator

/// Makes two blocks, or more, in each of its slots and shows each to other peers.
struct DoubleAuthor: Attacker {
    static let name = "double author"

    private var newest = SlotNumber(0)

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        guard let slot = arms.ownSlots(back: 0, ahead: 0).first, slot > newest else { return [] }
        newest = slot
        var messages: [AttackerMessage] = []
        for turn in 0..<arms.random.draw(2...4) {
            let best = arms.tree.best
            // Its own core's block may be the best already: that one's parent is as good.
            let parent =
                turn % 2 == 1 || arms.tree.header(best.hash)?.slot == slot
                ? arms.tree.parent(of: best.hash) : best.hash
            guard let parent, let block = arms.block(on: parent, in: slot) else { continue }
            messages.append(arms.announcement(of: block, to: arms.somePeers()))
        }
        return messages
    }
}
