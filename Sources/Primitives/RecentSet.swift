/// The elements that came last, up to a bound; the oldest is forgotten first.
package struct RecentSet<Element: Hashable & Sendable>: Sendable {
    private let capacity: Int
    private var ring: [Element] = []
    private var next = 0
    private var members: Set<Element> = []

    /// - Parameter capacity: at least 1.
    package init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    package func contains(_ element: Element) -> Bool { members.contains(element) }

    /// Remembers an element; false when it was known.
    @discardableResult
    package mutating func insert(_ element: Element) -> Bool {
        guard members.insert(element).inserted else { return false }
        if ring.count < capacity {
            ring.append(element)
        } else {
            members.remove(ring[next])
            ring[next] = element
            next = (next + 1) % capacity
        }
        return true
    }
}
