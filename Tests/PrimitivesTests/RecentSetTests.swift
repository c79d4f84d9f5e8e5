import Primitives
import Testing

@Suite struct RecentSetTests {
    @Test func `an element is new once, until so many others came`() {
        var recent = RecentSet<Int>(capacity: 3)
        for element in 1...3 { #expect(recent.insert(element)) }
        #expect(!recent.insert(1))
        #expect(recent.insert(4))
        #expect(!recent.contains(1))
        for element in 2...4 { #expect(recent.contains(element)) }
        // Coming again does not make an element younger.
        #expect(!recent.insert(2))
        #expect(recent.insert(5))
        #expect(!recent.contains(2))
        #expect(recent.insert(1))
        #expect((1...5).filter { recent.contains($0) } == [1, 4, 5])
    }
}
