import Primitives
import Simulation
import Testing

@Suite struct LinkTableTests {
    static func dialled(_ nodeCount: Int, seed: UInt64 = 1) -> (LinkTable, [(Int, Int)]) {
        var random = SeededGenerator(seed: seed)
        let table = LinkTable(nodeCount: nodeCount, voteByteBudget: 1, random: &random)
        let wanted = Set(table.dialled)
        let pairs = (0..<nodeCount).flatMap { one in
            (0..<one).filter { wanted.contains(table.index($0, one)) }.map { ($0, one) }
        }
        return (table, pairs)
    }

    @Test(arguments: [1, 2, 7, 51]) func `as long as the slots suffice all connect`(count: Int) {
        let (table, pairs) = Self.dialled(count)
        #expect(table.dialled.count == count * (count - 1) / 2)
        #expect(pairs.count == table.dialled.count)
    }

    @Test(arguments: [52, 53, 100, 128], 1...5)
    func `in a larger network every node has as many peers as slots, and reaches all`(
        count: Int, seed: UInt64
    ) {
        let (table, pairs) = Self.dialled(count, seed: seed)
        #expect(Set(table.dialled).count == table.dialled.count)
        for node in 0..<count {
            let peers = pairs.count { $0.0 == node || $0.1 == node }
            #expect(peers == 2 * LinkTable.slotCount, "seed \(seed)")
        }
        for node in 0..<count {
            let next = table.index(node, (node + 1) % count)
            #expect(table.dialled.contains(next), "seed \(seed)")
        }
    }
}
