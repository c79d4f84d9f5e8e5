/// A number below 2^256: four words, the lowest first.
struct Word256: Sendable, Equatable, Comparable {
    var words: SIMD4<UInt64>

    static let zero = Word256(0)

    init(_ low: UInt64) { words = SIMD4(low, 0, 0, 0) }

    init(_ w0: UInt64, _ w1: UInt64, _ w2: UInt64, _ w3: UInt64) { words = SIMD4(w0, w1, w2, w3) }

    init(words: SIMD4<UInt64>) { self.words = words }

    /// At most 32 bytes, the highest first.
    init(bigEndian bytes: ArraySlice<UInt8>) {
        precondition(bytes.count <= 32)
        words = .zero
        for (place, byte) in bytes.reversed().enumerated() {
            words[place / 8] |= UInt64(byte) << (8 * UInt64(place % 8))
        }
    }

    var isOdd: Bool { words[0] & 1 == 1 }

    func bit(_ number: Int) -> Bool { words[number / 64] >> UInt64(number % 64) & 1 == 1 }

    static func < (left: Word256, right: Word256) -> Bool {
        for place in (0..<4).reversed() where left.words[place] != right.words[place] {
            return left.words[place] < right.words[place]
        }
        return false
    }

    /// The sum, and whether it passed 2^256.
    func adding(_ other: Word256) -> (sum: Word256, carry: Bool) {
        var (sum, carry) = (Word256.zero, false)
        for place in 0..<4 {
            let (half, first) = words[place].addingReportingOverflow(other.words[place])
            let (whole, second) = half.addingReportingOverflow(carry ? 1 : 0)
            sum.words[place] = whole
            carry = first || second
        }
        return (sum, carry)
    }

    /// The difference modulo 2^256.
    func subtracting(_ other: Word256) -> Word256 {
        var (difference, borrow) = (Word256.zero, false)
        for place in 0..<4 {
            let (half, first) = words[place].subtractingReportingOverflow(other.words[place])
            let (whole, second) = half.subtractingReportingOverflow(borrow ? 1 : 0)
            difference.words[place] = whole
            borrow = first || second
        }
        return difference
    }

    /// The product, 512 bits: both halves.
    func multiplied(by other: Word256) -> (low: Word256, high: Word256) {
        var product = SIMD8<UInt64>.zero
        for one in 0..<4 {
            var carry: UInt64 = 0
            for two in 0..<4 {
                let (high, low) = words[one].multipliedFullWidth(by: other.words[two])
                let (half, first) = low.addingReportingOverflow(product[one + two])
                let (whole, second) = half.addingReportingOverflow(carry)
                product[one + two] = whole
                // (2^64 - 1)^2 + 2 (2^64 - 1) is below 2^128: nothing is lost.
                carry = high &+ (first ? 1 : 0) &+ (second ? 1 : 0)
            }
            product[one + 4] = carry
        }
        return (Word256(words: product.lowHalf), Word256(words: product.highHalf))
    }
}

/// Arithmetic modulo a prime a little below 2^256. Operands are below the prime, and so are results.
struct Modulus: Sendable {
    let value: Word256
    /// 2^256 - value.
    private let complement: Word256

    /// p = 2^256 - 2^32 - 977, of the coordinates of secp256k1.
    static let field = Modulus(
        Word256(0xFFFF_FFFE_FFFF_FC2F, .max, .max, .max))
    /// n, the number of points of secp256k1.
    static let order = Modulus(
        Word256(0xBFD2_5E8C_D036_4141, 0xBAAE_DCE6_AF48_A03B, 0xFFFF_FFFF_FFFF_FFFE, .max))

    private init(_ value: Word256) {
        self.value = value
        complement = Word256.zero.subtracting(value)
    }

    func add(_ one: Word256, _ other: Word256) -> Word256 {
        let (sum, carry) = one.adding(other)
        return carry || sum >= value ? sum.subtracting(value) : sum
    }

    func subtract(_ one: Word256, _ other: Word256) -> Word256 {
        one >= other
            ? one.subtracting(other) : value.subtracting(other).adding(one).sum
    }

    func times4(_ one: Word256) -> Word256 {
        let twice = add(one, one)
        return add(twice, twice)
    }

    func multiply(_ one: Word256, _ other: Word256) -> Word256 {
        let (low, high) = one.multiplied(by: other)
        return reduce(low, high)
    }

    /// A number below 2^256 modulo the prime.
    func reduce(_ one: Word256) -> Word256 { one >= value ? one.subtracting(value) : one }

    /// high * 2^256 is high * complement here, which is at least 126 bits shorter each time.
    private func reduce(_ low: Word256, _ high: Word256) -> Word256 {
        var (low, high) = (low, high)
        while high != .zero {
            let folded = high.multiplied(by: complement)
            let (sum, carry) = low.adding(folded.low)
            low = sum
            high = carry ? folded.high.adding(Word256(1)).sum : folded.high
        }
        return reduce(low)
    }

    func power(_ base: Word256, _ exponent: Word256) -> Word256 {
        var result = Word256(1)
        for bit in (0..<256).reversed() {
            result = multiply(result, result)
            if exponent.bit(bit) { result = multiply(result, base) }
        }
        return result
    }

    /// By Fermat's little theorem; of a number that is not 0.
    func inverse(_ one: Word256) -> Word256 { power(one, value.subtracting(Word256(2))) }
}
