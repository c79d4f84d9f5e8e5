/// Finds u and v with x u - y v = 1 for two great odd integers: the deepest level of the NTRU
/// equation.
///
/// A binary extended Euclidean algorithm, in runs of 31 steps that are decided on the top 62 and low
/// 31 bits of the running values and then applied to all their words at once. The number of runs
/// depends on the size only and nothing branches on a word. (The method is that of the reference
/// implementation; ePrint 2020/972 describes it.)
///
/// Integers are `count` words of 31 bits, contiguous. Invariants, with a and b starting as x and y:
///
/// - a = x u0 - y v0 and b = x u1 - y v1,
/// - 0 <= u0 < y, 0 <= v0 < x, 0 <= u1 <= y, 0 <= v1 < x.
package struct BezoutSolver {
    package typealias Words = WideIntegers.Words

    private let count: Int
    private let x, y: UnsafePointer<UInt32>
    private let a, b, u0, u1, v0, v1: Words

    /// The numbers by which a run replaces (a, b): (a pa + b pb, a qa + b qb) / 2^31.
    private struct Factors {
        var pa: Int64 = 1
        var pb: Int64 = 0
        var qa: Int64 = 0
        var qb: Int64 = 1
    }

    /// Takes six integers of working space from `arena`.
    package init(
        x: UnsafePointer<UInt32>, y: UnsafePointer<UInt32>, count: Int, arena: inout SecretArena
    ) {
        self.count = count
        self.x = x
        self.y = y
        a = arena.take(UInt32.self, count)
        b = arena.take(UInt32.self, count)
        u0 = arena.take(UInt32.self, count)
        u1 = arena.take(UInt32.self, count)
        v0 = arena.take(UInt32.self, count)
        v1 = arena.take(UInt32.self, count)
    }

    /// Whether x and y are odd and have no common divisor; if so, u and v are in ``u`` and ``v``.
    package func solve() -> Bool {
        a.update(from: x, count: count)
        b.update(from: y, count: count)
        u0.update(repeating: 0, count: count)
        u0[0] = 1
        v0.update(repeating: 0, count: count)
        u1.update(from: y, count: count)
        v1.update(from: x, count: count)
        v1[0] &-= 1
        let negatedInverseOfX = Self.negatedInverse(x[0])
        let negatedInverseOfY = Self.negatedInverse(y[0])
        // a and b have 62 `count` bits to begin with, and every run takes at least 30 away.
        var bits = 62 * count + 30
        while bits >= 30 {
            var factors = decide()
            apply(&factors)
            Self.replaceModulo(u0, u1, y, count, negatedInverseOfY, factors)
            Self.replaceModulo(v0, v1, x, count, negatedInverseOfX, factors)
            bits -= 30
        }
        var excess = a[0] ^ 1
        for index in 1..<count {
            excess |= a[index]
        }
        return excess == 0 && x[0] & y[0] & 1 == 1
    }

    package var u: Words { u0 }
    package var v: Words { v0 }

    /// -1 / x modulo 2^31, for odd x.
    private static func negatedInverse(_ x: UInt32) -> UInt32 {
        var inverse = x
        for _ in 0..<4 {
            inverse &*= 2 &- x &* inverse
        }
        return (0 &- inverse) & WideIntegers.mask
    }

    /// The top 62 bits of a and of b, from the highest word that is not zero in both and the one
    /// below it.
    private func topBits() -> (a: UInt64, b: UInt64) {
        // Masks: all ones until the first, the second such word has been met.
        var beforeFirst: UInt32 = ~0
        var beforeSecond: UInt32 = ~0
        var (aFirst, aSecond, bFirst, bSecond): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
        var index = count
        while index > 0 {
            index &-= 1
            let (aWord, bWord) = (a[index], b[index])
            aFirst ^= (aFirst ^ aWord) & beforeFirst
            aSecond ^= (aSecond ^ aWord) & beforeSecond
            bFirst ^= (bFirst ^ bWord) & beforeFirst
            bSecond ^= (bSecond ^ bWord) & beforeSecond
            beforeSecond = beforeFirst
            beforeFirst &= (((aWord | bWord) &+ WideIntegers.mask) &>> 31) &- 1
        }
        // If only word 0 is left, it is all there is.
        aSecond |= aFirst & beforeSecond
        aFirst &= ~beforeSecond
        bSecond |= bFirst & beforeSecond
        bFirst &= ~beforeSecond
        return (
            UInt64(aFirst) &<< 31 &+ UInt64(aSecond), UInt64(bFirst) &<< 31 &+ UInt64(bSecond)
        )
    }

    /// Runs 31 steps on the extracted bits. A step halves a, or b, or the difference of the two that
    /// replaces the greater one, whichever is even.
    private func decide() -> Factors {
        var (aHigh, bHigh) = topBits()
        var (aLow, bLow) = (a[0], b[0])
        var factors = Factors()
        for step: UInt32 in 0..<31 {
            // 1 if aHigh > bHigh; both are below 2^62.
            let isGreater = UInt32(truncatingIfNeeded: (bHigh &- aHigh) &>> 63)
            let aOdd = aLow &>> step & 1
            let bOdd = bLow &>> step & 1
            let takesBFromA = aOdd & bOdd & isGreater
            let takesAFromB = aOdd & bOdd & ~isGreater
            let halvesA = takesBFromA | (aOdd ^ 1)

            let fromA = 0 &- UInt64(takesBFromA)
            aLow &-= bLow & UInt32(truncatingIfNeeded: fromA)
            aHigh &-= bHigh & fromA
            factors.pa &-= factors.qa & Int64(bitPattern: fromA)
            factors.pb &-= factors.qb & Int64(bitPattern: fromA)
            let fromB = 0 &- UInt64(takesAFromB)
            bLow &-= aLow & UInt32(truncatingIfNeeded: fromB)
            bHigh &-= aHigh & fromB
            factors.qa &-= factors.pa & Int64(bitPattern: fromB)
            factors.qb &-= factors.pb & Int64(bitPattern: fromB)

            // The low bits stay where they are while `step` moves on: the one that is halved stays,
            // the other is doubled, and so are the factors.
            let halves = 0 &- UInt64(halvesA)
            let doubles = ~halves
            aLow &+= aLow & UInt32(truncatingIfNeeded: doubles)
            factors.pa &+= factors.pa & Int64(bitPattern: doubles)
            factors.pb &+= factors.pb & Int64(bitPattern: doubles)
            aHigh ^= (aHigh ^ (aHigh &>> 1)) & halves
            bLow &+= bLow & UInt32(truncatingIfNeeded: halves)
            factors.qa &+= factors.qa & Int64(bitPattern: halves)
            factors.qb &+= factors.qb & Int64(bitPattern: halves)
            bHigh ^= (bHigh ^ (bHigh &>> 1)) & doubles
        }
        return factors
    }

    /// Replaces a and b; where the result is negative, negates it and the factors.
    private func apply(_ factors: inout Factors) {
        let (pa, pb) = (UInt64(bitPattern: factors.pa), UInt64(bitPattern: factors.pb))
        let (qa, qb) = (UInt64(bitPattern: factors.qa), UInt64(bitPattern: factors.qb))
        var aCarry: UInt64 = 0
        var bCarry: UInt64 = 0
        for index in 0..<count {
            let (aWord, bWord) = (UInt64(a[index]), UInt64(b[index]))
            let aSum = aWord &* pa &+ bWord &* pb &+ aCarry
            let bSum = aWord &* qa &+ bWord &* qb &+ bCarry
            if index > 0 {
                a[index &- 1] = UInt32(truncatingIfNeeded: aSum) & WideIntegers.mask
                b[index &- 1] = UInt32(truncatingIfNeeded: bSum) & WideIntegers.mask
            }
            aCarry = UInt64(bitPattern: Int64(bitPattern: aSum) &>> 31)
            bCarry = UInt64(bitPattern: Int64(bitPattern: bSum) &>> 31)
        }
        a[count &- 1] = UInt32(truncatingIfNeeded: aCarry)
        b[count &- 1] = UInt32(truncatingIfNeeded: bCarry)
        let aNegative = Int64(bitPattern: aCarry) &>> 63
        let bNegative = Int64(bitPattern: bCarry) &>> 63
        Self.negate(a, count, ifAllOnes: aNegative)
        Self.negate(b, count, ifAllOnes: bNegative)
        factors.pa = (factors.pa ^ aNegative) &- aNegative
        factors.pb = (factors.pb ^ aNegative) &- aNegative
        factors.qa = (factors.qa ^ bNegative) &- bNegative
        factors.qb = (factors.qb ^ bNegative) &- bNegative
    }

    private static func negate(_ integer: Words, _ count: Int, ifAllOnes control: Int64) {
        let flip = UInt32(truncatingIfNeeded: control) & WideIntegers.mask
        var carry = flip & 1
        for index in 0..<count {
            let word = (integer[index] ^ flip) &+ carry
            integer[index] = word & WideIntegers.mask
            carry = word &>> 31
        }
    }

    /// Replaces s and t, both in 0...m, by (s pa + t pb) / 2^31 and (s qa + t qb) / 2^31 modulo the
    /// odd number m: Montgomery multiplications.
    private static func replaceModulo(
        _ s: Words, _ t: Words, _ m: UnsafePointer<UInt32>, _ count: Int, _ negatedInverse: UInt32,
        _ factors: Factors
    ) {
        let (pa, pb) = (UInt64(bitPattern: factors.pa), UInt64(bitPattern: factors.pb))
        let (qa, qb) = (UInt64(bitPattern: factors.qa), UInt64(bitPattern: factors.qb))
        // The multiples of m that make the low words zero.
        let (s0, t0) = (UInt64(s[0]), UInt64(t[0]))
        let inverse = UInt64(negatedInverse)
        let sMultiple = ((s0 &* pa &+ t0 &* pb) &* inverse) & UInt64(WideIntegers.mask)
        let tMultiple = ((s0 &* qa &+ t0 &* qb) &* inverse) & UInt64(WideIntegers.mask)
        var sCarry: UInt64 = 0
        var tCarry: UInt64 = 0
        for index in 0..<count {
            let (sWord, tWord, mWord) = (UInt64(s[index]), UInt64(t[index]), UInt64(m[index]))
            let sSum = sWord &* pa &+ tWord &* pb &+ mWord &* sMultiple &+ sCarry
            let tSum = sWord &* qa &+ tWord &* qb &+ mWord &* tMultiple &+ tCarry
            if index > 0 {
                s[index &- 1] = UInt32(truncatingIfNeeded: sSum) & WideIntegers.mask
                t[index &- 1] = UInt32(truncatingIfNeeded: tSum) & WideIntegers.mask
            }
            sCarry = UInt64(bitPattern: Int64(bitPattern: sSum) &>> 31)
            tCarry = UInt64(bitPattern: Int64(bitPattern: tSum) &>> 31)
        }
        s[count &- 1] = UInt32(truncatingIfNeeded: sCarry)
        t[count &- 1] = UInt32(truncatingIfNeeded: tCarry)
        finish(s, m, count, isNegative: UInt32(truncatingIfNeeded: sCarry &>> 63))
        finish(t, m, count, isNegative: UInt32(truncatingIfNeeded: tCarry &>> 63))
    }

    /// Brings s, -m <= s < 2 m, whose top word may use 32 bits, to 0..<m.
    private static func finish(
        _ s: Words, _ m: UnsafePointer<UInt32>, _ count: Int, isNegative: UInt32
    ) {
        var borrow: UInt32 = 0
        for index in 0..<count {
            borrow = (s[index] &- m[index] &- borrow) &>> 31
        }
        // Adds m to a negative s, as a subtraction of -m; subtracts m from s >= m.
        let flip = (0 &- isNegative) &>> 1
        let selected = 0 &- (isNegative | (1 &- borrow))
        borrow = isNegative
        for index in 0..<count {
            let word = s[index] &- ((m[index] ^ flip) & selected) &- borrow
            s[index] = word & WideIntegers.mask
            borrow = word &>> 31
        }
    }
}
