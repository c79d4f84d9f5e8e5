extension NTRUSolver {
    /// Coefficients longer than this many words are converted to floating point by their top words.
    private static let convertedWords = 10

    /// From this level up (in the direction of smaller integers), k f and k g are computed by
    /// transforms; below, where degrees are small, by the sum of all products.
    private static let deepestTransformedDepth = 4

    /// What a reduction works on: f and g in floating point, and the working space of a step.
    private struct Reduction {
        let level: Level
        /// adj(f), adj(g), 1 / (f adj(f) + g adj(g)), transformed.
        let f, g, inverseNorm: FourierTransform.Polynomial
        /// Top words of F and G.
        let bigF, bigG: FourierTransform.Polynomial
        let k: UnsafeMutablePointer<Int32>
        /// (F, G) to reduce, of the lifted number of words.
        let lifted: Words
        /// Transforms of (f, g) over `productCount` primes, and room for k f and k g.
        let transforms, product, productPrimes, kRow: Words
        /// Words of k f and k g.
        var productCount: Int { level.wordCount + 1 }

        init(_ level: Level, liftedCount: Int, arena: inout SecretArena) {
            self.level = level
            let n = level.degree
            lifted = arena.take(UInt32.self, liftedCount * level.width)
            transforms = arena.take(UInt32.self, (level.wordCount + 1) * level.width)
            product = arena.take(UInt32.self, (level.wordCount + 1) * level.width)
            productPrimes = arena.take(UInt32.self, level.wordCount + 1)
            kRow = arena.take(UInt32.self, level.width)
            f = arena.take(Double.self, n)
            g = arena.take(Double.self, n)
            inverseNorm = arena.take(Double.self, n)
            bigF = arena.take(Double.self, n)
            bigG = arena.take(Double.self, n)
            k = arena.take(Int32.self, n)
        }
    }

    /// Lifts the current (F, G) to `level` and reduces it to the size of (f, g): specification,
    /// algorithm 7, repeated with k of 25 and more bits.
    ///
    /// - Returns: false if k gets out of bounds, which only happens where no solution is near.
    func liftAndReduce(_ level: Level, arena: inout SecretArena) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let liftedCount = NTRULevel.liftedWordCount[level.depth]
        let reduction = Reduction(level, liftedCount: liftedCount, arena: &arena)
        lift(
            to: level, wordCount: liftedCount, reduction.lifted,
            transforms: reduction.transforms, transformCount: reduction.productCount,
            arena: &arena)
        let wordCount = prepare(reduction)
        guard let finalCount = reduce(reduction, liftedCount, wordCount) else { return false }
        // What is left has the words of (f, g), or fewer: then the sign is extended.
        for column in 0..<level.width {
            let sign = WideIntegers.signWord(
                reduction.lifted[(finalCount - 1) * level.width + column])
            for index in 0..<level.wordCount {
                let position = index * level.width + column
                current[position] = index < finalCount ? reduction.lifted[position] : sign
            }
        }
        return true
    }

    /// Sets adj(f), adj(g) and the inverse norm from the top words of f and g.
    ///
    /// - Returns: how many words were left out.
    private func prepare(_ reduction: Reduction) -> Int {
        let level = reduction.level
        let (n, logDegree) = (level.degree, level.logDegree)
        let converted = min(level.wordCount, Self.convertedWords)
        let omitted = level.wordCount - converted
        let top = level.integers + omitted * level.width
        WideIntegers.convert(
            top, count: converted, stride: level.width, width: n, to: reduction.f)
        WideIntegers.convert(
            top + n, count: converted, stride: level.width, width: n, to: reduction.g)
        FourierTransform.forward(reduction.f, logDegree: logDegree)
        FourierTransform.forward(reduction.g, logDegree: logDegree)
        FourierTransform.inverseNorm(reduction.inverseNorm, reduction.f, reduction.g, n)
        FourierTransform.adjoin(reduction.f, n)
        FourierTransform.adjoin(reduction.g, n)
        return omitted
    }

    /// Reduces (F, G), `liftedCount` words long. The sizes of numbers are not looked at but assumed:
    /// (f, g) within six deviations of the average, (F, G) shrinking by 25 bits a step.
    ///
    /// - Returns: how many words (F, G) have in the end, or `nil` if k got out of bounds.
    private func reduce(
        _ reduction: Reduction, _ liftedCount: Int, _ omittedWords: Int
    ) -> Int? {
        let bits = NTRULevel.bitLength[reduction.level.depth]
        let leastBits = bits.average - 6 * bits.deviation
        let greatestBits = bits.average + 6 * bits.deviation
        var wordCount = liftedCount
        var liftedBits = 31 * liftedCount
        // k is computed in units of 2^scale.
        var scale = liftedBits - leastBits
        while true {
            let converted = min(wordCount, Self.convertedWords)
            computeQuotient(reduction, wordCount, converted)
            let omittedBits = 31 * (wordCount - converted)
            guard round(reduction, shift: scale - omittedBits + 31 * omittedWords) else {
                return nil
            }
            subtractMultiple(reduction, wordCount, scale: scale)
            // The new size, at most; ten bits for what rounding leaves.
            if scale + greatestBits + 10 < liftedBits {
                liftedBits = scale + greatestBits + 10
                if wordCount * 31 >= liftedBits + 31 {
                    wordCount -= 1
                }
            }
            if scale <= 0 {
                return wordCount
            }
            scale = max(scale - 25, 0)
        }
    }

    /// (F adj(f) + G adj(g)) / (f adj(f) + g adj(g)) from the top words of F and G, to `bigG`.
    private func computeQuotient(_ reduction: Reduction, _ wordCount: Int, _ converted: Int) {
        let level = reduction.level
        let (n, logDegree) = (level.degree, level.logDegree)
        let top = reduction.lifted + (wordCount - converted) * level.width
        WideIntegers.convert(
            top, count: converted, stride: level.width, width: n, to: reduction.bigF)
        WideIntegers.convert(
            top + n, count: converted, stride: level.width, width: n, to: reduction.bigG)
        FourierTransform.forward(reduction.bigF, logDegree: logDegree)
        FourierTransform.forward(reduction.bigG, logDegree: logDegree)
        FourierTransform.multiply(reduction.bigF, reduction.f, n)
        FourierTransform.multiply(reduction.bigG, reduction.g, n)
        FourierTransform.add(reduction.bigG, reduction.bigF, n)
        FourierTransform.multiplyReal(reduction.bigG, reduction.inverseNorm, n)
        FourierTransform.inverse(reduction.bigG, logDegree: logDegree)
    }

    /// k = the quotient / 2^`shift`, rounded.
    ///
    /// - Returns: false if a coefficient is not within ±(2^31 - 1); the key is discarded then, and
    ///   may as well be known.
    private func round(_ reduction: Reduction, shift: Int) -> Bool {
        // A power of two of any sign, |shift| below 1023, without rounding.
        let factor = Double(sign: .plus, exponent: -shift, significand: 1)
        for index in 0..<reduction.level.degree {
            let value = reduction.bigG[index] * factor
            guard value > -2_147_483_647, value < 2_147_483_647 else { return false }
            reduction.k[index] = Int32(truncatingIfNeeded: Rounding.nearestInteger(value))
        }
        return true
    }

    /// F -= k f 2^scale, G -= k g 2^scale.
    private func subtractMultiple(_ reduction: Reduction, _ wordCount: Int, scale: Int) {
        let wordShift = scale / 31
        let bitShift = UInt32(scale % 31)
        if reduction.level.depth <= Self.deepestTransformedDepth {
            computeProduct(reduction)
            WideIntegers.subtractShifted(
                reduction.lifted, wordCount, reduction.product, reduction.productCount,
                width: reduction.level.width, wordShift: wordShift, bitShift: bitShift)
        } else {
            subtractProducts(reduction, wordCount, wordShift, bitShift)
        }
    }

    /// (k f, k g) to `product`, by transforms.
    private func computeProduct(_ reduction: Reduction) {
        let level = reduction.level
        let (n, width) = (level.degree, level.width)
        for index in 0..<reduction.productCount {
            let field = system[index].field
            let row = reduction.product + index * width
            let transforms = reduction.transforms + index * width
            for position in 0..<n {
                reduction.kRow[position] = field.element(reduction.k[position])
            }
            system.forward(reduction.kRow, logDegree: level.logDegree, prime: index)
            for position in 0..<n {
                let k = field.montgomery(reduction.kRow[position])
                row[position] = field.multiply(k, transforms[position])
                row[n &+ position] = field.multiply(k, transforms[n &+ position])
            }
            inversePair(row, logDegree: level.logDegree, prime: index)
        }
        WideIntegers.rebuild(
            reduction.product, count: reduction.productCount, width: width, isSigned: true,
            product: reduction.productPrimes, scratch: reduction.kRow)
    }

    /// Subtracts every product of a coefficient of k and one of f or g where it belongs: X^n = -1.
    private func subtractProducts(
        _ reduction: Reduction, _ wordCount: Int, _ wordShift: Int, _ bitShift: UInt32
    ) {
        let level = reduction.level
        let (n, width) = (level.degree, level.width)
        for kIndex in 0..<n {
            let k = reduction.k[kIndex]
            for index in 0..<n {
                let isWrapped = kIndex + index >= n
                let target = (kIndex + index) & (n - 1)
                let factor = isWrapped ? k : 0 &- k
                WideIntegers.addProductShifted(
                    reduction.lifted + target, wordCount, level.integers + index,
                    level.wordCount, width: width, second: n, factor: factor,
                    wordShift: wordShift, bitShift: bitShift)
            }
        }
    }
}
