/// A first-in first-out queue whose front is taken without moving the rest.
package struct FIFO<Element: Sendable>: Sendable {
    private var storage: [Element?] = []
    private var head = 0

    package init() {}

    package var count: Int { storage.count - head }
    package var isEmpty: Bool { head == storage.count }
    package var first: Element? { isEmpty ? nil : storage[head] }

    /// All elements, the one that is taken next first.
    package var elements: some Sequence<Element> { storage[head...].lazy.compactMap { $0 } }

    package mutating func append(_ element: Element) { storage.append(element) }

    package mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = storage[head].take()
        head += 1
        if isEmpty {
            storage.removeAll(keepingCapacity: storage.capacity <= 1_024)
            head = 0
        } else if head >= 64 && head * 2 >= storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Takes the element that was appended last.
    package mutating func popLast() -> Element? {
        isEmpty ? nil : storage.removeLast()
    }

    package mutating func removeAll() {
        storage.removeAll()
        head = 0
    }
}
