package import Primitives

/// A queue of what is going to happen, by time: a binary heap.
///
/// Entries of one time come out in the order in which they were put in, so that a run is decided by
/// its seed alone. The heap moves small keys; the elements stay where they are.
package struct EventHeap<Element> {
    private struct Key {
        let at: Instant
        let order: UInt64
        /// The element's place in `elements`.
        let place: Int

        func precedes(_ other: Key) -> Bool {
            at != other.at ? at < other.at : order < other.order
        }
    }

    private var keys: [Key] = []
    private var elements: [Element?] = []
    private var freePlaces: [Int] = []
    private var nextOrder: UInt64 = 0

    package init() {}

    /// How many entries wait.
    package var count: Int { keys.count }

    /// The time of the entry that comes next.
    package var nextTime: Instant? { keys.first?.at }

    /// Puts an entry in.
    package mutating func push(_ element: Element, at instant: Instant) {
        let place: Int
        if let free = freePlaces.popLast() {
            place = free
            elements[place] = element
        } else {
            place = elements.count
            elements.append(element)
        }
        keys.append(Key(at: instant, order: nextOrder, place: place))
        nextOrder += 1
        var child = keys.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard keys[child].precedes(keys[parent]) else { break }
            keys.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the entry that comes next.
    package mutating func pop() -> (at: Instant, element: Element)? {
        guard let first = keys.first else { return nil }
        let last = keys.removeLast()
        if !keys.isEmpty {
            keys[0] = last
            sink()
        }
        guard let element = elements[first.place] else {
            preconditionFailure("a key's element is there")
        }
        elements[first.place] = nil
        freePlaces.append(first.place)
        return (first.at, element)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < keys.count else { return }
            let right = left + 1
            let child = right < keys.count && keys[right].precedes(keys[left]) ? right : left
            guard keys[child].precedes(keys[parent]) else { return }
            keys.swapAt(child, parent)
            parent = child
        }
    }
}
