/// Arrays of great integers, all of one size.
///
/// An integer has `count` words of 31 bits, the least significant first; signed ones are in two's
/// complement, so that bit 30 of the last word is the sign. Word `i` of all `width` integers comes
/// before word `i` + 1 of the first: each integer is a column of a matrix, each row holds words of
/// the same weight. A row may also hold residues modulo one prime of ``ResidueSystem``.
///
/// The integers are secret. Nothing branches or indexes on their words.
package enum WideIntegers {
    package typealias Words = UnsafeMutablePointer<UInt32>

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
    package static func reduceSigned(
        _ words: UnsafePointer<UInt32>, count: Int, width: Int, _ field: PrimeField, to row: Words
    ) {
        // The last word has the sign, the others are as for a number without.
        let last = words + (count &- 1) &* width
        for column in stride(from: 0, to: width & ~3, by: 4) {
            let start = Four(
                field.element(signed(last[column])), field.element(signed(last[column &+ 1])),
                field.element(signed(last[column &+ 2])), field.element(signed(last[column &+ 3])))
            let values = reduce(words + column, count &- 1, width, field, start)
            for offset in 0..<4 {
                row[column &+ offset] = values[offset]
            }
        }
        for column in (width & ~3)..<width {
            let start = field.element(signed(last[column]))
            row[column] = reduce(words + column, count &- 1, width, field, start)
        }
    }

    /// One element for each of four neighbouring columns. A column is a chain of operations each of
    /// which waits for the last; four chains keep the processor busy.
    private typealias Four = SIMD4<UInt32>

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
            value = append(words[index &* width], to: value, field)
        }
        return value
    }

    /// The same for four columns.
    @inline(__always)
    private static func reduce(
        _ words: UnsafePointer<UInt32>, _ count: Int, _ width: Int, _ field: PrimeField,
        _ start: Four
    ) -> Four {
        var (value0, value1, value2, value3) = (start[0], start[1], start[2], start[3])
        var index = count
        while index > 0 {
            index &-= 1
            let row = words + index &* width
            value0 = append(row[0], to: value0, field)
            value1 = append(row[1], to: value1, field)
            value2 = append(row[2], to: value2, field)
            value3 = append(row[3], to: value3, field)
        }
        return Four(value0, value1, value2, value3)
    }

    /// value 2^31 + word, modulo a prime.
    @inline(__always)
    private static func append(_ word: UInt32, to value: UInt32, _ field: PrimeField) -> UInt32 {
        field.add(field.multiply(value, field.wordShift), field.reduced(word))
    }

    /// Replaces residues by integers: row `i` of `words` holds the residues modulo prime `i`, for
    /// `count` primes. The result is the least integer that is not negative or, if `isSigned`, the
    /// one of least magnitude, with these residues (Chinese remainder theorem).
    ///
    /// - Parameter product: room for `count` words.
    package static func rebuild(
        _ words: Words, count: Int, width: Int, isSigned: Bool, product: Words
    ) {
        let system = ResidueSystem.shared
        // The product of the primes so far.
        product[0] = system[0].field.prime
        for index in 1..<max(count, 1) {
            let prime = system[index]
            let field = prime.field
            // x + product ((residue - x) / product mod p)
            let row = words + index &* width
            for column in stride(from: 0, to: width & ~3, by: 4) {
                let values = reduce(words + column, index, width, field, Four())
                for offset in 0..<4 {
                    row[column &+ offset] = field.subtract(row[column &+ offset], values[offset])
                }
            }
            for column in (width & ~3)..<width {
                let value: UInt32 = reduce(words + column, index, width, field, 0)
                row[column] = field.subtract(row[column], value)
            }
            for column in 0..<width {
                let factor = field.multiply(row[column], prime.inverseOfPredecessors)
                row[column] = addProduct(words + column, width, product, index, factor)
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

    /// Adds factor y 2^(31 wordShift + bitShift) to `x`, and the same for the integers `second`
    /// columns on; what reaches beyond the `xCount` words of x is lost. Words of an integer are
    /// `width` apart.
    @inline(__always)
    static func addProductShifted(
        _ x: Words, _ xCount: Int, _ y: UnsafePointer<UInt32>, _ yCount: Int, width: Int,
        second: Int, factor: Int32, wordShift: Int, bitShift: UInt32
    ) {
        let last = y + (yCount &- 1) &* width
        let extensions = (signWord(last[0]), signWord(last[second]))
        var lower: (UInt32, UInt32) = (0, 0)
        var carry: (Int64, Int64) = (0, 0)
        for index in wordShift..<max(xCount, wordShift) {
            let position = index &- wordShift
            let row = y + position &* width
            let words = position < yCount ? (row[0], row[second]) : extensions
            let shifted = (
                (words.0 &<< bitShift & mask) | lower.0, (words.1 &<< bitShift & mask) | lower.1
            )
            lower = (words.0 &>> (31 &- bitShift), words.1 &>> (31 &- bitShift))
            // Within ±(2^62 + 2^32 + 2^31).
            let target = x + index &* width
            let sum0 = Int64(shifted.0) &* Int64(factor) &+ Int64(target[0]) &+ carry.0
            let sum1 = Int64(shifted.1) &* Int64(factor) &+ Int64(target[second]) &+ carry.1
            target[0] = UInt32(truncatingIfNeeded: sum0) & mask
            target[second] = UInt32(truncatingIfNeeded: sum1) & mask
            carry = (sum0 &>> 31, sum1 &>> 31)
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
