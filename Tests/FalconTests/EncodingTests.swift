import Falcon
import Testing

@Suite struct EncodingTests {
    // MARK: Compressed polynomials

    private func compress(_ coefficients: [Int16], capacity: Int = 4096) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: capacity + 1)
        let count = output.withUnsafeMutableBufferPointer { output in
            CompressedPolynomialEncoding.encode(
                coefficients, count: coefficients.count, to: output.baseAddress!,
                capacity: capacity)
        }
        #expect(output[capacity] == 0, "wrote beyond its capacity")
        return count.map { Array(output[..<$0]) }
    }

    /// The coefficients and how many bytes they took.
    private func decompress(_ bytes: [UInt8], count: Int) -> (values: [Int16], used: Int)? {
        let padding = CompressedPolynomialEncoding.inputPadding
        let input = bytes + [UInt8](repeating: 0, count: padding)
        var values = [Int16](repeating: 0, count: count)
        let used = values.withUnsafeMutableBufferPointer { values in
            CompressedPolynomialEncoding.decode(
                input, byteCount: bytes.count, to: values.baseAddress!, count: count)
        }
        return used.map { (values, $0) }
    }

    @Test func `compressed coefficients are sign, low bits, and a unary part`() {
        // 1 0000001 1, 0 1111111 0..0 1 with fifteen zeros: 9 + 24 bits.
        #expect(compress([-1, 2047]) == [0b1000_0001, 0b1011_1111, 0b1000_0000, 0, 0b1000_0000])
        #expect(compress([0, 128]) == [0b0000_0000, 0b1000_0000, 0b0010_0000])
        #expect(compress([2048, 0]) == nil)
        #expect(compress([0, -2048]) == nil)
        #expect(compress([.min, .max]) == nil)
    }

    @Test func `every magnitude has its encoding back`() throws {
        for magnitude: Int16 in 0...2047 {
            let values = [magnitude, -magnitude, 0, 1]
            let bytes = try #require(compress(values))
            let decoded = try #require(decompress(bytes, count: 4))
            #expect(decoded.values == values)
            #expect(decoded.used == bytes.count)
        }
    }

    @Test(arguments: [21, 22, 23] as [UInt64])
    func `random polynomials come back, and no truncation decodes`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for round in 0..<10 {
            let values = (0..<64).map { _ -> Int16 in
                let limit = Int16.random(in: 0...2047, using: &random)
                return Int16.random(in: -limit...limit, using: &random)
            }
            let bytes = try #require(compress(values))
            let decoded = try #require(decompress(bytes + [1, 2, 3], count: 64))
            #expect(decoded.values == values, "seed \(seed), round \(round)")
            #expect(decoded.used == bytes.count, "seed \(seed), round \(round)")
            for count in 0..<bytes.count {
                #expect(
                    decompress(Array(bytes[..<count]), count: 64) == nil,
                    "seed \(seed), round \(round), \(count) bytes")
            }
            // Capacities.
            #expect(compress(values, capacity: bytes.count) == bytes)
            for capacity in 0..<bytes.count {
                #expect(compress(values, capacity: capacity) == nil)
            }
        }
    }

    @Test func `minus zero, a long unary part and spare bits do not decode`() {
        // 0 0000000 1 twice is fine, with any coefficient negative it is not.
        #expect(decompress([0b0000_0000, 0b1000_0000, 0b0100_0000], count: 2)?.values == [0, 0])
        #expect(decompress([0b1000_0000, 0b1000_0000, 0b0100_0000], count: 2) == nil)
        #expect(decompress([0b0000_0000, 0b1100_0000, 0b0100_0000], count: 2) == nil)
        // Any spare bit.
        for bit in 0..<6 {
            let last = 0b0100_0000 | UInt8(1) << UInt8(bit)
            #expect(decompress([0b0000_0000, 0b1000_0000, last], count: 2) == nil)
        }
        // 2047 is 0 1111111, fifteen zeros, 1; one zero more is 2175.
        let most = [0b0111_1111, 0, 0b0000_0001] as [UInt8]
        #expect(decompress(most + most, count: 2)?.values == [2047, 2047])
        #expect(decompress([0b0111_1111, 0, 0, 0b1000_0000, 0, 0b1000_0000], count: 2) == nil)
        #expect(decompress([], count: 2) == nil)
        #expect(decompress([UInt8](repeating: 0, count: 64), count: 2) == nil)
        #expect(decompress([0xFF, 0xFF, 0xC0], count: 2)?.values == [-127, -127])
        #expect(decompress([0xFF, 0xFF, 0xFF], count: 2) == nil)
    }

    // MARK: Secret polynomials

    @Test(arguments: [5, 6, 8])
    func `small coefficients come back, the least value does not decode`(bits: Int) {
        let limit = Int8(truncatingIfNeeded: 1 << (bits - 1) - 1)
        var random = SplitMix(seed: UInt64(bits))
        let values = (0..<512).map { _ in Int8.random(in: -limit...limit, using: &random) }
        let byteCount = SmallPolynomialEncoding.byteCount(count: 512, bits: bits)
        #expect(byteCount == 512 * bits / 8)
        var bytes = [UInt8](repeating: 0, count: byteCount)
        bytes.withUnsafeMutableBufferPointer { bytes in
            SmallPolynomialEncoding.encode(
                values, count: 512, bits: bits, to: bytes.baseAddress!)
        }
        func decode(_ bytes: [UInt8]) -> [Int8]? {
            var decoded = [Int8](repeating: 99, count: 512)
            let isValid = decoded.withUnsafeMutableBufferPointer { decoded in
                SmallPolynomialEncoding.decode(
                    bytes, bits: bits, to: decoded.baseAddress!, count: 512)
            }
            return isValid ? decoded : nil
        }
        #expect(decode(bytes) == values)
        for index in 0..<512 {
            // Sets coefficient `index` to 10...0.
            var changed = bytes
            for bit in 0..<bits {
                let position = index * bits + bit
                let mask = UInt8(0x80) >> UInt8(position % 8)
                changed[position / 8] &= ~mask
                changed[position / 8] |= bit == 0 ? mask : 0
            }
            #expect(decode(changed) == nil, "coefficient \(index)")
        }
    }

    // MARK: Hash to point

    @Test(arguments: FalconParameters.allCases)
    func `hashing to a point keeps samples below 5 q, reduced`(parameters: FalconParameters) {
        for count in 0..<50 {
            let nonce = [UInt8](repeating: UInt8(count), count: 40)
            let message = [UInt8](repeating: 0x55, count: count)
            var sponge = Shake256(absorbing: nonce + message)
            var expected: [Int16] = []
            while expected.count < parameters.degree {
                let bytes = sponge.squeeze(byteCount: 2)
                let sample = Int(bytes[0]) << 8 | Int(bytes[1])
                if sample < 61445 {
                    expected.append(Int16(sample % 12289))
                }
            }
            var point = [Int16](repeating: 0, count: parameters.degree + HashToPoint.slack)
            point.withUnsafeMutableBufferPointer { point in
                nonce.withUnsafeBytes { nonce in
                    message.withUnsafeBytes { message in
                        HashToPoint.hash(
                            nonce: nonce, message: message, degree: parameters.degree,
                            to: point.baseAddress!)
                    }
                }
            }
            #expect(Array(point[..<parameters.degree]) == expected)
        }
    }

    @Test func `the reciprocal in hashing divides every 16-bit sample exactly`() {
        for sample in 0..<65536 {
            #expect((sample * 87375) >> 30 == sample / 12289)
        }
    }
}
