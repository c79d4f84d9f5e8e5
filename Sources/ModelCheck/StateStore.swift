/// The states found so far, each once, in the order in which they were found: 32 bytes a state,
/// 4 for the state that it was found from, and 8 to 16 for finding it again. Nothing is left out of
/// the comparison, so no two states are ever taken for one.
struct StateStore {
    private static let chunkBits = 16
    private var states: [[ModelState]] = []
    private var parents: [[UInt32]] = []
    private var table: [UInt32] = Array(repeating: .max, count: 1 << 16)
    private(set) var count = 0

    subscript(index: Int) -> ModelState {
        states[index >> Self.chunkBits][index & (1 << Self.chunkBits - 1)]
    }

    func parent(of index: Int) -> Int {
        Int(parents[index >> Self.chunkBits][index & (1 << Self.chunkBits - 1)])
    }

    /// Takes a state; false when it is known.
    mutating func insert(_ state: ModelState, parent: Int) -> Bool {
        let mask = table.count - 1
        var position = Int(truncatingIfNeeded: state.digest) & mask
        while table[position] != .max {
            if self[Int(table[position])] == state { return false }
            position = (position + 1) & mask
        }
        table[position] = UInt32(count)
        if count & (1 << Self.chunkBits - 1) == 0 {
            states.append([])
            parents.append([])
            states[states.count - 1].reserveCapacity(1 << Self.chunkBits)
            parents[parents.count - 1].reserveCapacity(1 << Self.chunkBits)
        }
        states[states.count - 1].append(state)
        parents[parents.count - 1].append(UInt32(parent))
        count += 1
        if 2 * count > table.count { grow() }
        return true
    }

    private mutating func grow() {
        let size = 2 * table.count
        table = []
        table = Array(repeating: .max, count: size)
        for index in 0..<count {
            var position = Int(truncatingIfNeeded: self[index].digest) & (size - 1)
            while table[position] != .max { position = (position + 1) & (size - 1) }
            table[position] = UInt32(index)
        }
    }
}
