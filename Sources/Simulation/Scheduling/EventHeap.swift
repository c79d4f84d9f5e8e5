package import Primitives

/// A queue of what is going to happen, by time: a binary heap.
///
/// Entries of one time come out in the order in which they were put in, so that a run is decided by
/// its seed alone.
package struct EventHeap<Element: Sendable>: Sendable {
    private struct Entry: Sendable {
        let at: Instant
        let order: UInt64
        let element: Element

        func precedes(_ other: Entry) -> Bool {
            at != other.at ? at < other.at : order < other.order
        }
    }

    private var entries: [Entry] = []
    private var nextOrder: UInt64 = 0

    package init() {}

    /// How many entries wait.
    package var count: Int { entries.count }

    /// The time of the entry that comes next.
    package var nextTime: Instant? { entries.first?.at }

    /// Puts an entry in.
    package mutating func push(_ element: Element, at instant: Instant) {
        entries.append(Entry(at: instant, order: nextOrder, element: element))
        nextOrder += 1
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].precedes(entries[parent]) else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the entry that comes next.
    package mutating func pop() -> (at: Instant, element: Element)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (first.at, first.element)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < entries.count else { return }
            let right = left + 1
            let child =
                right < entries.count && entries[right].precedes(entries[left]) ? right : left
            guard entries[child].precedes(entries[parent]) else { return }
            entries.swapAt(child, parent)
            parent = child
        }
    }
}
