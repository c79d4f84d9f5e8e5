/// The order in which a validator's effects run: the reason why a vote leaves only when durable.
///
/// Effects run first in, first out, across inputs. A `persist` is a barrier: nothing that was
/// decided after it runs before its record is durable. All records that wait are committed
/// together, so a burst costs one synchronisation with the disk; committing a later record earlier
/// is harmless, because nothing is visible outside until its turn. Effects that stay inside the
/// node (`Effect.isInternal`: signing, checking signatures, timers, reads) overtake the barrier.
///
/// A pure type, used by the node and the simulator alike.
package struct EffectQueue: Sendable {
    /// What is to be done next.
    package enum Step: Sendable {
        /// Make these records durable, then call `committed()`.
        case commit([StoredRecord])
        /// Run this effect.
        case run(ValidatorCore.Effect)
    }

    private var internalEffects: [ValidatorCore.Effect] = []
    private var ordered: [ValidatorCore.Effect] = []
    private var orderedHead = 0
    private var staged: [StoredRecord] = []
    private var isCommitting = false

    package init() {}

    /// How many effects and staged records wait.
    package var count: Int { internalEffects.count + ordered.count - orderedHead + staged.count }

    /// Whether a commit was handed out and not yet confirmed.
    package var isWaitingForCommit: Bool { isCommitting }

    /// Takes the effects of one input, in their order.
    package mutating func append(_ effects: [ValidatorCore.Effect]) {
        for effect in effects {
            if effect.isInternal {
                internalEffects.append(effect)
            } else {
                ordered.append(effect)
            }
        }
    }

    /// The next step that may be taken now; nil when there is none, or none before the commit
    /// under way is confirmed.
    package mutating func next() -> Step? {
        if !internalEffects.isEmpty { return .run(internalEffects.removeFirst()) }
        guard !isCommitting else { return nil }
        while orderedHead < ordered.count {
            switch ordered[orderedHead] {
            case .stage(let record):
                staged.append(record)
                orderedHead += 1
            case .persist:
                return .commit(takeRecords())
            case let effect:
                orderedHead += 1
                compact()
                return .run(effect)
            }
        }
        compact()
        return nil
    }

    /// The commit that `next` handed out is durable.
    package mutating func committed() {
        precondition(isCommitting, "no commit was handed out")
        isCommitting = false
    }

    /// The staged records that no `persist` carried along yet, to be written when the node stops.
    package mutating func takeStaged() -> [StoredRecord] {
        defer { staged = [] }
        return staged
    }

    private mutating func takeRecords() -> [StoredRecord] {
        isCommitting = true
        var records = staged
        staged = []
        var rest: [ValidatorCore.Effect] = []
        for effect in ordered[orderedHead...] {
            switch effect {
            case .persist(let record), .stage(let record): records.append(record)
            default: rest.append(effect)
            }
        }
        ordered = rest
        orderedHead = 0
        return records
    }

    private mutating func compact() {
        if orderedHead == ordered.count {
            ordered.removeAll(keepingCapacity: true)
            orderedHead = 0
        } else if orderedHead > 256 {
            ordered.removeFirst(orderedHead)
            orderedHead = 0
        }
    }
}
