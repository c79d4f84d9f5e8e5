internal import Chain
internal import Primitives
internal import Validator

/// Announces blocks of its slots that have not begun yet.
struct FutureAuthor: Attacker {
    static let name = "future author"

    mutating func act(with arms: inout AttackerArms) -> [AttackerMessage] {
        guard arms.random.chance(permille: 300),
            let slot = arms.random.pick(arms.ownSlots(back: 0, ahead: 200)),
            let block = arms.block(on: arms.tree.best.hash, in: slot)
        else { return [] }
        return [arms.announcement(of: block, to: arms.somePeers())]
    }
}
