/// Arrays of great integers, all of one size.
///
/// An integer has `count` words of 31 bits, the least significant first; signed ones are in two's
/// complement, so that bit 30 of the last word is the sign. Word `i` of all `width` integers comes
/// before word `i` + 1 of the first: each integer is a column of a matrix, each row holds words of
/// the same weight. A row may also hold residues modulo one prime of ``ResidueSystem``.
///
/// The integers are secret. Nothing branches or indexes on their words.
enum WideIntegers {
    typealias Words = UnsafeMutablePointer<UInt32>

    /// Low 31 bits.
    static let mask: UInt32 = 0x7FFF_FFFF

    /// All 31 bits if the signed integer with the last word `word` is negative, else 0.
    @inline(__always)
    static func signWord(_ word: UInt32) -> UInt32 {
        (0 &- (word &>> 30)) &>> 1
    }

    /// `word`, 31 bits, as a signed number.
    @inline(__always)
    static func signed(_ word: UInt32) -> Int32 {
        Int32(bitPattern: word &<< 1) &>> 1
    }

    /// Writes the signed integers modulo a prime to `row`.
    static func reduceSigned(
        _ words: UnsafePointer<UInt32>, count: Int, width: Int, _ field: PrimeField, to row: Words
    ) {
        let last = (count &- 1) &* width
        for column in 0..<width {
            // The last word has the sign, the others are as for a number without.
            let start = field.element(signed(words[last &+ column]))
            row[column] = reduce(words + column, count &- 1, width, field, start)
        }
    }

    /// start 2^(31 count) + the integer of `count` words at `words`, modulo a prime. Words of the
    /// integer are `width` apart.
    @inline(__always)
    private static func reduce(
        _ words: UnsafePointer<UInt32>, _ count: Int, _ width: Int, _ field: PrimeField,
        _ start: UInt32
    ) -> UInt32 {
        var value = start
        var index = count
        while index > 0 {
            index &-= 1
            value = field.multiply(value, field.wordShift)
            value = field.add(value, field.reduced(words[index &* width]))
        }
        return value
    }

    /// Replaces residues by integers: row `i` of `words` holds the residues modulo prime `i`, for
    /// `count` primes. The result is the least integer that is not negative or, if `isSigned`, the
    /// one of least magnitude, with these residues (Chinese remainder theorem).
    ///
    /// - Parameter product: room for `count` words.
    static func rebuild(
        _ words: Words, count: Int, width: Int, isSigned: Bool, product: Words
    ) {
        let system = ResidueSystem.shared
        // The product of the primes so far.
        product[0] = system[0].field.prime
        for index in 1..<max(count, 1) {
            let prime = system[index]
            let field = prime.field
            for column in 0..<width {
                let integer = words + column
                // x + product ((residue - x) / product mod p)
                let residue = integer[index &* width]
                let value = reduce(integer, index, width, field, 0)
                let factor = field.multiply(
                    field.subtract(residue, value), prime.inverseOfPredecessors)
                integer[index &* width] = addProduct(integer, width, product, index, factor)
            }
            product[index] = multiply(product, index, by: field.prime)
        }
        if isSigned {
            for column in 0..<width {
                centre(words + column, count, width, product)
            }
        }
    }

    /// integer += product factor over `count` words; returns the carry, the next word.
    @inline(__always)
    private static func addProduct(
        _ integer: Words, _ width: Int, _ product: UnsafePointer<UInt32>, _ count: Int,
        _ factor: UInt32
    ) -> UInt32 {
        var carry: UInt64 = 0
        for index in 0..<count {
            // Below 2^62 + 2^31 + 2^31.
            let sum =
                UInt64(product[index]) &* UInt64(factor)
                &+ UInt64(integer[index &* width]) &+ carry
            integer[index &* width] = UInt32(truncatingIfNeeded: sum) & mask
            carry = sum &>> 31
        }
        return UInt32(truncatingIfNeeded: carry)
    }

    /// integer *= factor over `count` words, factor below 2^31; returns the carry, the next word.
    static func multiply(_ integer: Words, _ count: Int, by factor: UInt32) -> UInt32 {
        var carry: UInt64 = 0
        for index in 0..<count {
            let product = UInt64(integer[index]) &* UInt64(factor) &+ carry
            integer[index] = UInt32(truncatingIfNeeded: product) & mask
            carry = product &>> 31
        }
        return UInt32(truncatingIfNeeded: carry)
    }

    /// Subtracts the odd number `modulus` from an integer that is above half of it.
    @inline(__always)
    private static func centre(
        _ integer: Words, _ count: Int, _ width: Int, _ modulus: UnsafePointer<UInt32>
    ) {
        // The borrow of (modulus - 1) / 2 - integer tells which is greater.
        var borrow: UInt32 = 0
        for index in 0..<count {
            let next = index &+ 1 < count ? modulus[index &+ 1] : 0
            let half = (modulus[index] &>> 1) | (next & 1) &<< 30
            borrow = (half &- integer[index &* width] &- borrow) &>> 31
        }
        let selected = 0 &- borrow
        borrow = 0
        for index in 0..<count {
            let difference = integer[index &* width] &- (modulus[index] & selected) &- borrow
            integer[index &* width] = difference & mask
            borrow = difference &>> 31
        }
    }

    /// Subtracts y 2^(31 wordShift + bitShift) from `x`, column by column; what reaches beyond the
    /// `xCount` words of x is lost.
    static func subtractShifted(
        _ x: Words, _ xCount: Int, _ y: UnsafePointer<UInt32>, _ yCount: Int, width: Int,
        wordShift: Int, bitShift: UInt32
    ) {
        for column in 0..<width {
            let extension31 = signWord(y[(yCount &- 1) &* width &+ column])
            var lower: UInt32 = 0
            var borrow: UInt32 = 0
            for index in wordShift..<max(xCount, wordShift) {
                let position = index &- wordShift
                let word = position < yCount ? y[position &* width &+ column] : extension31
                let shifted = (word &<< bitShift & mask) | lower
                lower = word &>> (31 &- bitShift)
                let difference = x[index &* width &+ column] &- shifted &- borrow
                x[index &* width &+ column] = difference & mask
                borrow = difference &>> 31
            }
        }
    }

    /// Adds factor y 2^(31 wordShift + bitShift) to `x`; what reaches beyond the `xCount` words of x
    /// is lost. Words of an integer are `width` apart.
    @inline(__always)
    static func addProductShifted(
        _ x: Words, _ xCount: Int, _ y: UnsafePointer<UInt32>, _ yCount: Int, width: Int,
        factor: Int32, wordShift: Int, bitShift: UInt32
    ) {
        let extension31 = signWord(y[(yCount &- 1) &* width])
        var lower: UInt32 = 0
        var carry: Int64 = 0
        for index in wordShift..<max(xCount, wordShift) {
            let position = index &- wordShift
            let word = position < yCount ? y[position &* width] : extension31
            let shifted = (word &<< bitShift & mask) | lower
            lower = word &>> (31 &- bitShift)
            // Within ±(2^62 + 2^32 + 2^31).
            let sum = Int64(shifted) &* Int64(factor) &+ Int64(x[index &* width]) &+ carry
            x[index &* width] = UInt32(truncatingIfNeeded: sum) & mask
            carry = sum &>> 31
        }
    }

    /// Converts `width` signed integers of `count` words, in the order of the sums of the reference
    /// code: from the least significant word up.
    static func convert(
        _ words: UnsafePointer<UInt32>, count: Int, stride: Int, width: Int,
        to numbers: UnsafeMutablePointer<Double>
    ) {
        for column in 0..<width {
            let sign = signWord(words[(count &- 1) &* stride &+ column])
            var carry = sign & 1
            var weight = 1.0
            var number = 0.0
            for index in 0..<count {
                let word = (words[index &* stride &+ column] ^ sign) &+ carry
                carry = word &>> 31
                // A word of the magnitude, with the sign of the integer.
                let magnitude = Int32(bitPattern: word & mask)
                let negative = Int32(bitPattern: (sign &<< 1) | (sign & 1))
                let part = (magnitude ^ negative) &- negative
                number += Double(part) * weight
                weight *= 2_147_483_648
            }
            numbers[column] = number
        }
    }
}
