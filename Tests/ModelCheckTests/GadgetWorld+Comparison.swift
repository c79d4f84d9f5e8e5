import Chain
import Coherence
import ModelCheck
import Primitives

/// The model beside the gadgets.
extension GadgetWorld {
    /// What the model's validator can do from a place.
    mutating func steps(of index: Int, from place: ModelValidator) -> [Model.Successor] {
        var here = state
        here[index] = place
        var found: [Model.Successor] = []
        model.successors(of: here, into: &found)
        return found.filter { $0.move.validator == index }
    }

    /// All places that are reached from some without sending a vote.
    mutating func closure(_ start: Set<ModelValidator>, of index: Int) -> Set<ModelValidator> {
        var reached = start
        var pending = start.sorted { $0.order < $1.order }
        while let place = pending.popLast() {
            for step in steps(of: index, from: place)
            where [.locksOnly, .takesCertificate, .restarts].contains(step.move.kind) {
                let next = step.state[index]
                if reached.insert(next).inserted { pending.append(next) }
            }
        }
        return reached
    }

    /// A gadget that has nothing left to write has a lock and an F that the model knows a way to.
    mutating func compare(_ index: Int) {
        let gadget = nodes[index].gadget
        guard complaint == nil, nodes[index].effects.isEmpty, !isOver(index) else { return }
        let view = gadget.view(tree: nodes[index].tree)
        func number(_ hash: Hash256) -> Int? { tree.blocks.firstIndex { $0.hash == hash } }
        guard let finalised = number(view.finalised.hash) else { return }
        let lock = gadget.lockReference.flatMap { reference in
            number(reference.block.hash).map { (block: $0, round: Int(reference.round.rawValue)) }
        }
        let isKnown = places[index].contains { place in
            place.finalised == finalised && place.lockedBlock?.block == lock?.block
                && place.lockedBlock?.round == lock?.round
        }
        guard !isKnown else { return }
        complaint =
            "the model has no way to F = \(tree.names[finalised]) and the lock"
            + " \(lock.map { "\(tree.names[$0.block]) of round \($0.round)" } ?? "none") at \(index)"
    }
}

extension ModelValidator {
    /// Any total order.
    var order: Int { signed + cursor << 4 + lock << 8 + finalised << 13 + firstOpen << 16 }
}
