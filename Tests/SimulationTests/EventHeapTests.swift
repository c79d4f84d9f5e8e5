import Primitives
import Simulation
import Testing

struct EventHeapTests {
    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func `Entries come out by time, those of one time in the order they were put in`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        var heap = EventHeap<Int>()
        var expected: [(at: Instant, element: Int)] = []
        for element in 0..<2_000 {
            let at = Instant(nanoseconds: UInt64.random(in: 0...200, using: &random))
            heap.push(element, at: at)
            expected.append((at, element))
        }
        // Sorting by (time, order of arrival): the elements are numbered in that order.
        expected.sort { ($0.at, $0.element) < ($1.at, $1.element) }
        var found: [Int] = []
        while let next = heap.pop() { found.append(next.element) }
        #expect(found == expected.map(\.element), "seed \(seed)")
    }

    @Test func `What is put in while others are taken out finds its place`() {
        var heap = EventHeap<String>()
        heap.push("b", at: Instant(nanoseconds: 20))
        heap.push("d", at: Instant(nanoseconds: 40))
        #expect(heap.pop()?.element == "b")
        heap.push("c", at: Instant(nanoseconds: 30))
        heap.push("e", at: Instant(nanoseconds: 40))
        #expect(heap.nextTime == Instant(nanoseconds: 30))
        #expect([heap.pop(), heap.pop(), heap.pop()].map { $0?.element } == ["c", "d", "e"])
        #expect(heap.pop() == nil)
        #expect(heap.count == 0)
    }
}
