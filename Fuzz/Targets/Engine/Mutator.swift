package import Primitives

/// Changes valid inputs into ones that are nearly valid. The same generator state makes the same
/// changes everywhere.
package struct Mutator: Sendable {
    private var random: SeededGenerator
    /// Results are cut to this length.
    private let limit: Int

    package init(_ random: SeededGenerator, limit: Int) {
        self.random = random
        self.limit = limit
    }

    /// Values at the edges of lengths, counts and signs.
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 4, 0x3F, 0x40, 0x7F, 0x80, 0xFF, 0x100, 0x3FF, 0x400, 0x3FFF, 0x4000, 0x7FFF,
        0x8000, 0xFFFF, 0x1_0000, 0xF_FFFF, 0x10_0000, 0x3FFF_FFFF, 0x4000_0000, 0x7FFF_FFFF,
        0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
        0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF,
    ]

    /// Runs of bytes that mean something somewhere: counts, headers, names, brackets.
    private static let dictionary: [[UInt8]] = [
        [0x01, 0x14], [0x02, 0, 0x01, 0], [0x03, 0xFF, 0xFF, 0xFF, 0xFF], [0x03, 0, 0, 0, 0],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0], [0x80, 0x80, 0x01],
        [0x3A], [0x0A], [0x0A, 0x00], [0x12, 0x00], [0x1A, 0xFF, 0x01], [0xC0, 0x80],
        [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], Array("COHR".utf8), Array("FALC".utf8),
        Array("aura".utf8), Array("\r\n\r\n".utf8), Array("/multistream/1.0.0\n".utf8),
        Array("na\n".utf8), Array("ls\n".utf8), Array("/p2p/".utf8), Array("\"\\ud800\"".utf8),
        Array("[[[[[[[[".utf8), Array("{\"a\":".utf8), Array("1e999".utf8), Array("-0".utf8),
        Array("null".utf8), Array("0x".utf8), Array("Content-Length: ".utf8),
        Array("Transfer-Encoding: chunked\r\n".utf8),
    ]

    private mutating func below(_ bound: Int) -> Int {
        bound <= 1 ? 0 : Int.random(in: 0..<bound, using: &random)
    }

    /// A number that is small most of the time.
    private mutating func small(_ bound: Int) -> Int {
        below(min(bound, 1 << below(8)) + 1)
    }

    private mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: random.next()) }

    private mutating func pick<Element>(_ some: [Element]) -> Element { some[below(some.count)] }

    /// A changed input: one to six changes of one sample, or of a script's steps.
    package mutating func mutate(_ samples: [[UInt8]], asScript: Bool) -> [UInt8] {
        guard !samples.isEmpty else { return changed([], with: [[]]) }
        let base = pick(samples)
        guard asScript, below(4) > 0 else { return changed(base, with: samples) }
        var steps = Script(parsing: base).steps
        for _ in 0...small(3) { change(&steps, with: samples) }
        return Array(Script(steps).bytes.prefix(limit))
    }

    /// Drops, doubles, moves and borrows steps, and changes what they carry.
    private mutating func change(_ steps: inout [Script.Step], with samples: [[UInt8]]) {
        guard !steps.isEmpty else { return }
        let place = below(steps.count)
        switch below(8) {
        case 0: steps.remove(at: place)
        case 1: steps.insert(steps[place], at: below(steps.count + 1))
        case 2: steps.swapAt(place, below(steps.count))
        case 3:
            let others = Script(parsing: pick(samples)).steps
            if !others.isEmpty { steps.insert(pick(others), at: below(steps.count + 1)) }
        case 4: steps[place].operand = byte()
        default:
            let payloads = steps.map(\.payload)
            steps[place].payload = changed(steps[place].payload, with: payloads)
        }
    }

    private mutating func changed(_ base: [UInt8], with others: [[UInt8]]) -> [UInt8] {
        var bytes = base
        var rounds = 1
        while rounds < 6, below(2) == 0 { rounds += 1 }
        for _ in 0..<rounds { change(&bytes, with: others) }
        return Array(bytes.prefix(limit))
    }

    private mutating func change(_ bytes: inout [UInt8], with others: [[UInt8]]) {
        guard !bytes.isEmpty else {
            bytes = (0..<small(64)).map { _ in byte() }
            return
        }
        let place = below(bytes.count)
        switch below(13) {
        case 0, 1: bytes[place] ^= 1 << UInt8(below(8))
        case 2: bytes[place] = byte()
        case 3: bytes[place] = UInt8(truncatingIfNeeded: pick(Self.edges))
        case 4: editInteger(at: place, in: &bytes)
        case 5: bytes.insert(contentsOf: (0..<small(16)).map { _ in byte() }, at: place)
        case 6: bytes.removeSubrange(place..<min(bytes.count, place + 1 + small(64)))
        case 7: bytes.removeSubrange(place...)
        case 8:
            let run = bytes[place..<min(bytes.count, place + 1 + small(256))]
            bytes.insert(contentsOf: run, at: below(bytes.count + 1))
        case 9:
            let other = pick(others)
            bytes = Array(bytes[..<place]) + other.suffix(below(other.count + 1))
        case 10: overwrite(pick(Self.dictionary), at: place, in: &bytes)
        case 11: bytes.insert(contentsOf: pick(Self.dictionary), at: place)
        default: bytes += (0..<1 + small(32)).map { _ in byte() }
        }
    }

    private func overwrite(_ run: [UInt8], at place: Int, in bytes: inout [UInt8]) {
        for (offset, byte) in run.enumerated() where place + offset < bytes.count {
            bytes[place + offset] = byte
        }
    }

    /// Adds a little to what might be an integer, or puts an edge there: lengths and counts.
    private mutating func editInteger(at place: Int, in bytes: inout [UInt8]) {
        let width = min(1 << below(4), bytes.count - place)
        let isBig = below(2) == 0
        let range = place..<place + width
        var value: UInt64 = 0
        for byte in isBig ? Array(bytes[range]) : bytes[range].reversed() {
            value = value << 8 | UInt64(byte)
        }
        switch below(3) {
        case 0: value = pick(Self.edges)
        case 1: value &+= UInt64(1 + small(16))
        default: value &-= UInt64(1 + small(16))
        }
        for offset in 0..<width {
            let shift = UInt64(8 * (isBig ? width - 1 - offset : offset))
            bytes[place + offset] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }
}
