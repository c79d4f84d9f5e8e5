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
        let key = Key(at: instant, order: nextOrder, place: place)
        nextOrder += 1
        keys.append(key)
        keys.withUnsafeMutableBufferPointer { keys in
            // Parents move down into the gap until the key may fill it.
            var gap = keys.count - 1
            while gap > 0 {
                let parent = (gap - 1) / 2
                guard key.precedes(keys[parent]) else { break }
                keys[gap] = keys[parent]
                gap = parent
            }
            keys[gap] = key
        }
    }

    /// Takes the entry that comes next.
    package mutating func pop() -> (at: Instant, element: Element)? {
        guard let first = keys.first else { return nil }
        let last = keys.removeLast()
        if !keys.isEmpty { sink(last) }
        // Moved out, not copied: elements hold messages.
        guard let element = elements[first.place].take() else {
            preconditionFailure("a key's element is there")
        }
        freePlaces.append(first.place)
        return (first.at, element)
    }

    /// Fills the gap at the top: the earlier children move up until the key may fill it.
    private mutating func sink(_ key: Key) {
        keys.withUnsafeMutableBufferPointer { keys in
            var gap = 0
            while true {
                let left = 2 * gap + 1
                guard left < keys.count else { break }
                let right = left + 1
                let child = right < keys.count && keys[right].precedes(keys[left]) ? right : left
                guard keys[child].precedes(key) else { break }
                keys[gap] = keys[child]
                gap = child
            }
            keys[gap] = key
        }
    }
}
