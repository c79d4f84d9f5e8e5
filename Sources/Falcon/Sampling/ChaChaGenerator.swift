/// The pseudorandom generator of Falcon's sampler: ChaCha20 with a layout of its own.
///
/// A SHAKE256 state gives 56 bytes: 32 of key, 16 of nonce, 8 of counter. A refill runs eight
/// blocks; the counter of each is XORed into the last two state words. The bytes do not come out
/// block by block: all first words, then all second words, and so on, as a vectorised
/// implementation has them in its registers. The test vectors rest on that order.
package struct ChaChaGenerator {
    typealias Words = SIMD4<UInt32>

    /// Bytes of a seed: key, nonce, counter.
    package static let seedByteCount = 56
    package static let bufferByteCount = 512

    /// What the generator keeps in secret memory.
    struct Storage: BitwiseCopyable {
        /// Key and nonce as 12 little-endian words.
        var state = InlineArray<12, UInt32>(repeating: 0)
        /// Counter of the next block.
        var counter: UInt64 = 0
    }

    private let storage: UnsafeMutablePointer<Storage>
    /// `bufferByteCount` bytes, aligned to 16.
    private let buffer: UnsafeMutableRawPointer
    /// The next byte to hand out, 0..<512.
    private var position = 0

    /// A generator that is still to be seeded.
    package init(arena: inout SecretArena) {
        storage = arena.take(Storage.self, 1)
        storage.initialize(to: Storage())
        buffer = UnsafeMutableRawPointer(arena.take(UInt8.self, Self.bufferByteCount))
    }

    /// Starts over with the next 56 bytes of `source`.
    mutating func seed(from source: UnsafeMutablePointer<Shake256>) {
        seed { source.pointee.squeeze(into: $0) }
    }

    /// Starts over with the 56 bytes that `fill` writes.
    package mutating func seed(_ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        // The buffer is about to be overwritten: it serves to hold the seed.
        fill(UnsafeMutableRawBufferPointer(start: buffer, count: Self.seedByteCount))
        for index in 0..<12 {
            storage.pointee.state[index] = buffer.load(
                fromByteOffset: 4 * index, as: UInt32.self)
        }
        storage.pointee.counter = buffer.load(fromByteOffset: 48, as: UInt64.self)
        refill()
    }

    /// Replaces what is to be handed out next by `bytes`, fewer than 500: known answers for the
    /// sampler are given with the bytes it draws.
    package mutating func preset(_ bytes: [UInt8]) {
        precondition(bytes.count < 500)
        UnsafeMutableRawBufferPointer(start: buffer, count: bytes.count).copyBytes(from: bytes)
        position = 0
    }

    /// The next eight bytes, little-endian. If fewer than nine are left they are dropped first.
    @inline(__always)
    package mutating func nextWord() -> UInt64 {
        if position >= Self.bufferByteCount - 9 {
            refill()
        }
        let word = buffer.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        position &+= 8
        return word
    }

    /// The next byte.
    @inline(__always)
    package mutating func nextByte() -> UInt8 {
        let byte = buffer.load(fromByteOffset: position, as: UInt8.self)
        position &+= 1
        if position == Self.bufferByteCount {
            refill()
        }
        return byte
    }

    @inline(never)
    private mutating func refill() {
        fillHalf(0)
        fillHalf(1)
        storage.pointee.counter &+= 8
        position = 0
    }

    /// Runs blocks 4 `half` to 4 `half` + 3, one a lane.
    @inline(__always)
    private func fillHalf(_ half: Int) {
        let counter = storage.pointee.counter &+ 4 &* UInt64(truncatingIfNeeded: half)
        var low = Words()
        var high = Words()
        for lane in 0..<4 {
            let value = counter &+ UInt64(truncatingIfNeeded: lane)
            low[lane] = UInt32(truncatingIfNeeded: value)
            high[lane] = UInt32(truncatingIfNeeded: value &>> 32)
        }
        let output = buffer + 16 &* half
        let state = storage.pointee.state
        var rows = ChaChaRows(state, low, high)
        let start = rows
        for _ in 0..<10 {
            rows.doubleRound()
        }
        rows.store(adding: start, to: output)
    }
}

/// The sixteen words of four ChaCha20 blocks, one block a lane.
private struct ChaChaRows {
    typealias Words = ChaChaGenerator.Words

    private var x0, x1, x2, x3, x4, x5, x6, x7: Words
    private var x8, x9, x10, x11, x12, x13, x14, x15: Words

    @inline(__always)
    init(_ state: InlineArray<12, UInt32>, _ counterLow: Words, _ counterHigh: Words) {
        x0 = Words(repeating: 0x6170_7865)
        x1 = Words(repeating: 0x3320_646e)
        x2 = Words(repeating: 0x7962_2d32)
        x3 = Words(repeating: 0x6b20_6574)
        x4 = Words(repeating: state[0])
        x5 = Words(repeating: state[1])
        x6 = Words(repeating: state[2])
        x7 = Words(repeating: state[3])
        x8 = Words(repeating: state[4])
        x9 = Words(repeating: state[5])
        x10 = Words(repeating: state[6])
        x11 = Words(repeating: state[7])
        x12 = Words(repeating: state[8])
        x13 = Words(repeating: state[9])
        x14 = Words(repeating: state[10]) ^ counterLow
        x15 = Words(repeating: state[11]) ^ counterHigh
    }

    /// The halves are written so that each becomes one vector instruction; the standard library's
    /// vector shifts would rotate lane by lane.
    @inline(__always)
    private static func rotate(_ x: Words, _ count: UInt32) -> Words {
        let left = x &* Words(repeating: 1 &<< count)
        let rest = 32 &- count
        return left | Words(x[0] &>> rest, x[1] &>> rest, x[2] &>> rest, x[3] &>> rest)
    }

    @inline(__always)
    private static func quarterRound(
        _ a: inout Words, _ b: inout Words, _ c: inout Words, _ d: inout Words
    ) {
        a &+= b
        d = rotate(d ^ a, 16)
        c &+= d
        b = rotate(b ^ c, 12)
        a &+= b
        d = rotate(d ^ a, 8)
        c &+= d
        b = rotate(b ^ c, 7)
    }

    /// A column round and a diagonal round.
    @inline(__always)
    mutating func doubleRound() {
        Self.quarterRound(&x0, &x4, &x8, &x12)
        Self.quarterRound(&x1, &x5, &x9, &x13)
        Self.quarterRound(&x2, &x6, &x10, &x14)
        Self.quarterRound(&x3, &x7, &x11, &x15)
        Self.quarterRound(&x0, &x5, &x10, &x15)
        Self.quarterRound(&x1, &x6, &x11, &x12)
        Self.quarterRound(&x2, &x7, &x8, &x13)
        Self.quarterRound(&x3, &x4, &x9, &x14)
    }

    /// Adds the initial words and writes word `i` of the four blocks at byte 32 i of `output`.
    @inline(__always)
    func store(adding start: ChaChaRows, to output: UnsafeMutableRawPointer) {
        output.storeBytes(of: x0 &+ start.x0, toByteOffset: 0, as: Words.self)
        output.storeBytes(of: x1 &+ start.x1, toByteOffset: 32, as: Words.self)
        output.storeBytes(of: x2 &+ start.x2, toByteOffset: 64, as: Words.self)
        output.storeBytes(of: x3 &+ start.x3, toByteOffset: 96, as: Words.self)
        output.storeBytes(of: x4 &+ start.x4, toByteOffset: 128, as: Words.self)
        output.storeBytes(of: x5 &+ start.x5, toByteOffset: 160, as: Words.self)
        output.storeBytes(of: x6 &+ start.x6, toByteOffset: 192, as: Words.self)
        output.storeBytes(of: x7 &+ start.x7, toByteOffset: 224, as: Words.self)
        output.storeBytes(of: x8 &+ start.x8, toByteOffset: 256, as: Words.self)
        output.storeBytes(of: x9 &+ start.x9, toByteOffset: 288, as: Words.self)
        output.storeBytes(of: x10 &+ start.x10, toByteOffset: 320, as: Words.self)
        output.storeBytes(of: x11 &+ start.x11, toByteOffset: 352, as: Words.self)
        output.storeBytes(of: x12 &+ start.x12, toByteOffset: 384, as: Words.self)
        output.storeBytes(of: x13 &+ start.x13, toByteOffset: 416, as: Words.self)
        output.storeBytes(of: x14 &+ start.x14, toByteOffset: 448, as: Words.self)
        output.storeBytes(of: x15 &+ start.x15, toByteOffset: 480, as: Words.self)
    }
}
