import SCALE
import Testing

/// A seeded generator (SplitMix64), for properties over random input.
struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A value that nests to any depth: 00, or 01 and a value.
private struct Chain: SCALEDecodable {
    init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        if try decoder.readBool() {
            _ = try decoder.nested { (inner) throws(SCALEError) in try inner.read(Chain.self) }
        }
    }
}

struct DecoderTests {
    @Test func `errors say where and what`() {
        #expect(throws: SCALEError.truncated(offset: 1, needed: 3)) {
            try decoding([0xff, 0]) { (decoder) throws(SCALEError) in
                _ = try decoder.readByte()
                return try decoder.readInteger(UInt32.self)
            }
        }
        #expect(throws: SCALEError.nonCanonicalCompact(offset: 0)) {
            try SCALEDecoder.decode(Compact<UInt64>.self, from: [1, 0])
        }
        #expect(throws: SCALEError.outOfRange(offset: 0)) {
            try SCALEDecoder.decode(Compact<UInt8>.self, from: [0x01, 0x04])
        }
        #expect(throws: SCALEError.invalidBool(offset: 0, byte: 2)) {
            try SCALEDecoder.decode(Bool.self, from: [2])
        }
    }

    @Test func `a count beyond the limit is refused before anything is read`() {
        // 2^32 - 1 items in five bytes.
        let huge: [UInt8] = [0x03, 0xff, 0xff, 0xff, 0xff]
        #expect(throws: SCALEError.tooManyItems(offset: 0, count: 4_294_967_295, limit: 10)) {
            try decoding(huge) { (decoder) throws(SCALEError) in
                try decoder.readItems(UInt8.self, limit: 10)
            }
        }
        #expect(throws: SCALEError.tooManyItems(offset: 0, count: 4_294_967_295, limit: 0)) {
            try decoding(huge) { (decoder) throws(SCALEError) in
                try decoder.readItems(UInt8.self, limit: .max)
            }
        }
        #expect(throws: SCALEError.tooManyItems(offset: 0, count: 3, limit: 2)) {
            try decoding([12, 0, 0, 0, 0, 0]) { (decoder) throws(SCALEError) in
                try decoder.readItems(UInt16.self, limit: 99, minimumItemByteCount: 2)
            }
        }
        #expect(throws: SCALEError.tooManyItems(offset: 0, count: 1 << 32, limit: .max)) {
            try decoding([0x07, 0, 0, 0, 0, 1]) { (decoder) throws(SCALEError) in
                try decoder.readItems(Empty.self, limit: .max, minimumItemByteCount: 0)
            }
        }
    }

    @Test func `a count of a bit vector is bounded and its spare bits are zero`() throws {
        let bits = [true, false, true, true, false, false, false, false, true]
        let packed = encoding { $0.appendBits(bits) }
        #expect(packed == [9 << 2, 0b0000_1101, 0b0000_0001])
        let read = try decoding(packed) { (decoder) throws(SCALEError) in
            try decoder.readBits(limit: 9)
        }
        #expect(read == bits)
        for limit in [0, 8] {
            #expect(throws: SCALEError.tooManyItems(offset: 0, count: 9, limit: limit)) {
                try decoding(packed) { (decoder) throws(SCALEError) in
                    try decoder.readBits(limit: limit)
                }
            }
        }
        #expect(throws: SCALEError.self) {
            try decoding([9 << 2, 0b0000_1101, 0b0000_0011]) { (decoder) throws(SCALEError) in
                try decoder.readBits(limit: 9)
            }
        }
        #expect(throws: SCALEError.self) {
            try decoding([9 << 2, 0b0000_1101]) { (decoder) throws(SCALEError) in
                try decoder.readBits(limit: 9)
            }
        }
    }

    @Test func `nesting is followed to its limit and no further`() throws {
        let deepest = [UInt8](repeating: 1, count: SCALEDecoder.maximumDepth) + [0]
        _ = try SCALEDecoder.decode(Chain.self, from: deepest)
        #expect(throws: SCALEError.tooDeep(offset: SCALEDecoder.maximumDepth + 1)) {
            _ = try SCALEDecoder.decode(Chain.self, from: [1] + deepest)
        }
        #expect(throws: SCALEError.self) {
            _ = try SCALEDecoder.decode(
                Chain.self, from: [UInt8](repeating: 1, count: 1_000_000))
        }
    }

    @Test func `a part of a byte string is read from its own start`() throws {
        var decoder = SCALEDecoder([9, 9, 1, 0, 9][2..<4])
        #expect(decoder.remaining == 2)
        #expect(try decoder.readInteger(UInt16.self) == 1)
        try decoder.finish()
        #expect(throws: SCALEError.truncated(offset: 2, needed: 1)) { try decoder.readByte() }
    }

    @Test("compact integers of every width go both ways in their shortest form", arguments: 1...20)
    func compactRoundTrip(seed: UInt64) throws {
        var random = Random(state: seed)
        for _ in 0..<2_000 {
            let value = random.next() >> UInt64.random(in: 0..<64, using: &random)
            let encoded = Compact(value).scaleBytes
            #expect(
                try SCALEDecoder.decode(Compact<UInt64>.self, from: encoded).value == value,
                "seed \(seed), value \(value)")
            let shortest =
                value < 1 << 6
                ? 1
                : value < 1 << 14
                    ? 2 : value < 1 << 30 ? 4 : 1 + (71 - value.leadingZeroBitCount) / 8
            #expect(encoded.count == shortest, "seed \(seed), value \(value)")
        }
    }

    @Test func `compact boundaries lie where the modes change`() throws {
        for exponent in [6, 14, 30, 32, 40, 48, 56, 63] {
            for offset in [-1, 0, 1] {
                let value = UInt64(Int128(1) << exponent + Int128(offset))
                let encoded = encoding { $0.appendCompact(value) }
                let big = encoding {
                    $0.appendCompact(
                        littleEndian: (0..<9).map {
                            $0 == 8 ? 0 : UInt8(truncatingIfNeeded: value >> (8 * $0))
                        })
                }
                #expect(encoded == big)
                #expect(try SCALEDecoder.decode(Compact<UInt64>.self, from: encoded).value == value)
            }
        }
    }

    @Test("a form that decodes is the form that encodes, whatever the bytes", arguments: 1...20)
    func canonical(seed: UInt64) throws {
        var random = Random(state: seed)
        let types = try ScaleVectors.load().valid.map(\.type)
        for _ in 0..<1_000 {
            let count = Int.random(in: 0..<12, using: &random)
            let input = (0..<count).map { _ in
                Bool.random(using: &random)
                    ? UInt8.random(in: 0...16, using: &random)
                    : UInt8.random(in: 0...255, using: &random)
            }
            for type in types {
                guard let codec = vectorCodec(named: type), let again = try? codec.recode(input)
                else {
                    continue
                }
                #expect(again == input, "seed \(seed), \(type), \(input)")
            }
        }
    }
}
