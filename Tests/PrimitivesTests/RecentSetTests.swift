import Primitives
import Testing

@Suite struct RecentSetTests {
    @Test func `an element is new once, until so many others came`() {
        var recent = RecentSet<Int>(capacity: 3)
        // Coming again, as 2 does, does not make an element younger.
        let areNew = [1, 2, 3, 1, 4, 2, 5, 2, 1].map { recent.insert($0) }
        #expect(areNew == [true, true, true, false, true, false, true, true, true])
        #expect((1...5).filter { recent.contains($0) } == [1, 2, 5])
    }
}
