import Falcon
import Testing

@Suite struct SamplerTests {
    // MARK: ChaCha20

    @Test func `one block is that of RFC 8439, its words eight blocks apart`() {
        var arena = SecretArena(byteCount: 4096)
        var generator = ChaChaGenerator(arena: &arena)
        // Section 2.3.2: key 0...31, counter 1, nonce 000000090000004a00000000. Our own counter, 0
        // in the first of eight blocks, is XORed into the last two words.
        var seed = [UInt8](0..<32)
        seed += Hex.decode("01000000000000090000004A00000000")
        seed += [UInt8](repeating: 0, count: 8)
        generator.seed { $0.copyBytes(from: seed) }
        let output = (0..<512).map { _ in generator.nextByte() }
        let block = (0..<16).flatMap { output[(32 * $0)..<(32 * $0 + 4)] }
        #expect(
            Hex.encode(block)
                == "10F1E7E4D13B5915500FDD1FA32071C4C7D1F4C733C068030422AA9AC3D46C4E"
                + "D2826446079FAA0914C2D705D98B02A2B5129CD1DE164EB9CBD083E8A2503C4E")
    }

    @Test func `the counter runs through 64 bits`() {
        func output(counter: UInt64, skipping: Int) -> [UInt8] {
            var arena = SecretArena(byteCount: 4096)
            var generator = ChaChaGenerator(arena: &arena)
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: counter >> (8 * UInt64($0))) }
            generator.seed {
                $0.copyBytes(from: [UInt8](repeating: 7, count: 48) + bytes)
            }
            for _ in 0..<skipping { _ = generator.nextByte() }
            return (0..<512).map { _ in generator.nextByte() }
        }
        for counter in [0, 1, 0xFFFF_FFF8, 0xFFFF_FFFC, UInt64.max - 3] {
            #expect(
                output(counter: counter &+ 8, skipping: 0)
                    == output(counter: counter, skipping: 512))
        }
        #expect(output(counter: 0, skipping: 0) != output(counter: 1 << 32, skipping: 0))
    }

    @Test func `a word drops the last bytes, fewer than nine of them`() {
        func generator(_ arena: inout SecretArena) -> ChaChaGenerator {
            var generator = ChaChaGenerator(arena: &arena)
            generator.seed { $0.copyBytes(from: [UInt8](repeating: 1, count: 56)) }
            return generator
        }
        var arena = SecretArena(byteCount: 8192)
        var reference = generator(&arena)
        let bytes = (0..<1024).map { _ in reference.nextByte() }
        for skipped in 495...511 {
            var tested = generator(&arena)
            arena.release(to: 1024)
            for _ in 0..<skipped { _ = tested.nextByte() }
            // Nine left: still taken. Eight left: dropped.
            let start = skipped <= 502 ? skipped : 512
            let expected = (0..<8).reduce(UInt64(0)) {
                $0 | UInt64(bytes[start + $1]) << (8 * UInt64($1))
            }
            #expect(tested.nextWord() == expected, "after \(skipped)")
        }
    }

    // MARK: SamplerZ

    struct Sample {
        var parameters: FalconParameters
        var center: Double
        var deviation: Double
        var bytes: [UInt8]
        var expected: Double
    }

    /// A line is degree, centre, deviation, bytes drawn, sample. The bytes are in groups of eleven,
    /// one a candidate: nine of the base sampler, most significant first, a sign, one of the rejection.
    private func knownSamples() throws -> [Sample] {
        try String(decoding: Vectors.contents("samplerz.txt"), as: UTF8.self)
            .split(separator: "\n").map { line in
                let fields = line.split(separator: " ")
                let octets = Hex.decode(fields[3])
                var bytes: [UInt8] = []
                for start in stride(from: 0, to: octets.count, by: 11) {
                    bytes += octets[start..<(start + 9)].reversed()
                    bytes += octets[(start + 9)..<(start + 11)]
                }
                return Sample(
                    parameters: fields[0] == "512" ? .falcon512 : .falcon1024,
                    center: try #require(Double(fields[1])),
                    deviation: try #require(Double(fields[2])),
                    bytes: bytes, expected: try #require(Double(fields[4])))
            }
    }

    @Test func `known random bytes give the known samples`() throws {
        let samples = try knownSamples()
        #expect(samples.count == 256)
        for sample in samples {
            var arena = SecretArena(byteCount: 4096)
            var generator = ChaChaGenerator(arena: &arena)
            generator.preset(sample.bytes)
            var sampler = GaussianSampler(sample.parameters, generator: generator)
            let value = sampler.sample(
                center: sample.center, inverseDeviation: 1 / sample.deviation)
            #expect(value == sample.expected, "\(sample)")
        }
    }

    @Test(arguments: [(0.0, 1.3), (0.5, 1.5), (-7.25, 1.8), (1234.875, 1.6)])
    func `samples have the mean and deviation asked for`(center: Double, deviation: Double) {
        var arena = SecretArena(byteCount: 4096)
        var generator = ChaChaGenerator(arena: &arena)
        generator.seed { $0.copyBytes(from: [UInt8](repeating: 42, count: 56)) }
        var sampler = GaussianSampler(.falcon1024, generator: generator)
        let count = 100_000
        var (sum, squares) = (0.0, 0.0)
        for _ in 0..<count {
            let sample = sampler.sample(center: center, inverseDeviation: 1 / deviation)
            #expect(sample == sample.rounded())
            sum += sample - center
            squares += (sample - center) * (sample - center)
        }
        // Five standard errors.
        let mean = sum / Double(count)
        let variance = squares / Double(count)
        let standardError = deviation / Double(count).squareRoot()
        #expect(abs(mean) < 5 * standardError)
        #expect(
            abs(variance - deviation * deviation)
                < 5 * standardError * deviation * 2.0.squareRoot())
    }
}
