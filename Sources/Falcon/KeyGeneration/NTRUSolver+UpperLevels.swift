extension NTRUSolver {
    /// Level 1: F and G, 40 bits, fit a `Double` whole, and one step of rounding reduces them.
    ///
    /// - Returns: false if k gets out of bounds.
    func liftAndReduceLevel1(arena: inout SecretArena) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let level = levels[1]
        let (n, width, logDegree) = (level.degree, level.width, level.logDegree)
        let liftedCount = NTRULevel.liftedWordCount[1]
        let lifted = arena.take(UInt32.self, liftedCount * width)
        lift(
            to: level, wordCount: liftedCount, lifted, transforms: nil, transformCount: 0,
            arena: &arena)
        // F, G, f, g, one after the other.
        let bigF = arena.take(Double.self, 2 * n)
        let f = arena.take(Double.self, 2 * n)
        let (bigG, g) = (bigF + n, f + n)
        let k = arena.take(Double.self, n)
        let inverseNorm = arena.take(Double.self, n)
        WideIntegers.convert(lifted, count: liftedCount, stride: width, width: width, to: bigF)
        WideIntegers.convert(
            level.integers, count: level.wordCount, stride: width, width: width, to: f)
        for polynomial in [bigF, bigG, f, g] {
            FourierTransform.forward(polynomial, logDegree: logDegree)
        }
        FourierTransform.addProductsWithAdjoints(k, bigF, bigG, f, g, n)
        FourierTransform.inverseNorm(inverseNorm, f, g, n)
        FourierTransform.multiplyReal(k, inverseNorm, n)
        FourierTransform.inverse(k, logDegree: logDegree)
        for index in 0..<n {
            guard k[index].magnitude < 9_223_372_036_854_775_808 else { return false }
            k[index] = Rounding.nearest(k[index])
        }
        FourierTransform.forward(k, logDegree: logDegree)
        FourierTransform.multiply(f, k, n)
        FourierTransform.multiply(g, k, n)
        FourierTransform.subtract(bigF, f, n)
        FourierTransform.subtract(bigG, g, n)
        FourierTransform.inverse(bigF, logDegree: logDegree)
        FourierTransform.inverse(bigG, logDegree: logDegree)
        for index in 0..<width {
            // Small, if the key is any good.
            let value = Rounding.nearestInteger(bigF[index])
            current[index] = UInt32(truncatingIfNeeded: value) & WideIntegers.mask
        }
        return true
    }

    /// Level 0: all in one prime of 31 bits, but for the division that gives k.
    func liftAndReduceLevel0(arena: inout SecretArena) {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let level = levels[0]
        let (n, width) = (level.degree, level.width)
        let field = system[0].field
        let lifted = arena.take(UInt32.self, width)
        liftLevel0(lifted, arena: &arena)

        // F adj(f) + G adj(g) and f adj(f) + g adj(g).
        let numerator = arena.take(UInt32.self, n)
        let denominator = arena.take(UInt32.self, n)
        for index in 0..<n {
            // adj(f) has the value of f at the inverse, that is the conjugate, root: in bit-reversed
            // order, the one with all bits of the index flipped.
            let conjugate = n &- 1 &- index
            let f = field.montgomery(level.transforms[conjugate])
            let g = field.montgomery(level.transforms[n &+ conjugate])
            numerator[index] = field.add(
                field.multiply(lifted[index], f), field.multiply(lifted[n &+ index], g))
            denominator[index] = field.add(
                field.multiply(level.transforms[index], f),
                field.multiply(level.transforms[n &+ index], g))
        }
        system.inverse(numerator, logDegree: logDegree, prime: 0)
        system.inverse(denominator, logDegree: logDegree, prime: 0)
        let k = arena.take(Double.self, n)
        let divisor = arena.take(Double.self, n)
        for index in 0..<n {
            k[index] = Double(field.centred(numerator[index]))
            divisor[index] = Double(field.centred(denominator[index]))
        }
        FourierTransform.forward(divisor, logDegree: logDegree)
        FourierTransform.forward(k, logDegree: logDegree)
        FourierTransform.divideReal(k, divisor, n)
        FourierTransform.inverse(k, logDegree: logDegree)
        for index in 0..<n {
            let value = Int32(truncatingIfNeeded: Rounding.nearestInteger(k[index]))
            numerator[index] = field.element(value)
        }
        system.forward(numerator, logDegree: logDegree, prime: 0)
        for index in 0..<n {
            let factor = field.montgomery(numerator[index])
            for position in [index, n &+ index] {
                lifted[position] = field.subtract(
                    lifted[position], field.multiply(factor, level.transforms[position]))
            }
        }
        inversePair(lifted, logDegree: logDegree, prime: 0)
        for index in 0..<width {
            current[index] =
                UInt32(bitPattern: field.centred(lifted[index])) & WideIntegers.mask
        }
    }

    /// The transforms of the lifted F and G, over prime 0.
    private func liftLevel0(_ lifted: Words, arena: inout SecretArena) {
        let level = levels[0]
        let n = level.degree
        let field = system[0].field
        let lower = arena.take(UInt32.self, n)
        for index in 0..<n {
            lower[index] = field.element(WideIntegers.signed(current[index]))
        }
        transformPair(lower, logDegree: logDegree - 1, prime: 0)
        for position in 0..<(n / 2) {
            let bigF = field.montgomery(lower[position])
            let bigG = field.montgomery(lower[n / 2 &+ position])
            let even = 2 &* position
            lifted[even] = field.multiply(bigF, level.transforms[n &+ even &+ 1])
            lifted[even &+ 1] = field.multiply(bigF, level.transforms[n &+ even])
            lifted[n &+ even] = field.multiply(bigG, level.transforms[even &+ 1])
            lifted[n &+ even &+ 1] = field.multiply(bigG, level.transforms[even])
        }
    }
}
