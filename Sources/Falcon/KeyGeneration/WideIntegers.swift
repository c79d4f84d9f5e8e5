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
        for column in 0..<width {
            row[column] = field.element(signed(last[column]))
        }
        reduce(words, count &- 1, width, field, row)
    }

    /// Replaces the elements x of `row` by x 2^(31 count) + the integer of `count` words in that
    /// column, modulo a prime.
    ///
    /// A column is a chain of operations each of which waits for the last. Four at a time keep the
    /// processor busy.
    @inline(__always)
    private static func reduce(
        _ words: UnsafePointer<UInt32>, _ count: Int, _ width: Int, _ field: PrimeField,
        _ row: Words
    ) {
        let lanes = PrimeLanes(field)
        let wideEnd = width & ~3
        var column = 0
        while column < wideEnd {
            var value = PrimeLanes.load(row + column)
            var index = count
            while index > 0 {
                index &-= 1
                value = lanes.append(
                    PrimeLanes.load(words + (index &* width &+ column)), to: value)
            }
            // Below p + 2^31, which is below 3 p.
            PrimeLanes.store(lanes.reduced(lanes.reduced(value)), to: row + column)
            column &+= 4
        }
        while column < width {
            var value = row[column]
            var index = count
            while index > 0 {
                index &-= 1
                let word = words[index &* width &+ column]
                value = field.multiply(value, field.wordShift) &+ word
            }
            row[column] = field.reduced(field.reduced(value))
            column &+= 1
        }
    }

    /// Replaces residues by integers: row `i` of `words` holds the residues modulo prime `i`, for
    /// `count` primes. The result is the least integer that is not negative or, if `isSigned`, the
    /// one of least magnitude, with these residues (Chinese remainder theorem).
    ///
    /// - Parameters:
    ///   - product: room for `count` words.
    ///   - scratch: room for `width` words.
    package static func rebuild(
        _ words: Words, count: Int, width: Int, isSigned: Bool, product: Words, scratch: Words
    ) {
        let system = ResidueSystem.shared
        // The product of the primes so far.
        product[0] = system[0].field.prime
        for index in 1..<max(count, 1) {
            let prime = system[index]
            let field = prime.field
            // x + product ((residue - x) / product mod p)
            let row = words + index &* width
            scratch.update(repeating: 0, count: width)
            reduce(words, index, width, field, scratch)
            for column in 0..<width {
                scratch[column] = field.multiply(
                    field.subtract(row[column], scratch[column]), prime.inverseOfPredecessors)
            }
            addProducts(words, width, product, index, factors: scratch)
            product[index] = multiply(product, index, by: field.prime)
        }
        if isSigned {
            for column in 0..<width {
                centre(words + column, count, width, product)
            }
        }
    }

    /// Adds product factor to every integer of `count` words; the carry becomes the next word.
    @inline(__always)
    private static func addProducts(
        _ words: Words, _ width: Int, _ product: UnsafePointer<UInt32>, _ count: Int,
        factors: UnsafePointer<UInt32>
    ) {
        let wideEnd = width & ~3
        var column = 0
        // Sums are below 2^62 + 2^31 + 2^31.
        while column < wideEnd {
            let factor = PrimeLanes.load(factors + column)
            var carry = PrimeLanes.Lanes()
            for index in 0..<count {
                let integer = words + (index &* width &+ column)
                let weight = PrimeLanes.Lanes(repeating: UInt64(product[index]))
                let sum =
                    PrimeLanes.product(weight, factor) &+ PrimeLanes.load(integer) &+ carry
                PrimeLanes.store(sum & PrimeLanes.Lanes(repeating: UInt64(mask)), to: integer)
                carry = sum &>> 31
            }
            PrimeLanes.store(carry, to: words + (count &* width &+ column))
            column &+= 4
        }
        while column < width {
            let factor = UInt64(factors[column])
            var carry: UInt64 = 0
            for index in 0..<count {
                let position = index &* width &+ column
                let sum = UInt64(product[index]) &* factor &+ UInt64(words[position]) &+ carry
                words[position] = UInt32(truncatingIfNeeded: sum) & mask
                carry = sum &>> 31
            }
            words[count &* width &+ column] = UInt32(truncatingIfNeeded: carry)
            column &+= 1
        }
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
