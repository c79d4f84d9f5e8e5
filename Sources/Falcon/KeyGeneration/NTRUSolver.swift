/// Finds short F and G with f G - g F = q: specification, algorithms 6 and 7 (NTRUSolve, Reduce).
///
/// The equation is taken down a tower of rings: the norms of f and g to the subring of half the
/// degree make an equation there, whose solution is lifted back and reduced. At the bottom, level 10
/// for n = 1024, it is one of integers of 6300 bits. Great integers are held in a residue number
/// system and rebuilt where sizes matter (see Pornin and Prest, ePrint 2019/015).
///
/// Keys must be the same as the reference implementation's for the same random bytes. Integer
/// arithmetic gives no choice; where floating point decides (the reductions) operations and their
/// order are those of the reference.
///
/// Polynomials come in pairs, f and g or F and G, as one ``WideIntegers`` array: the first half of
/// the columns is the first polynomial's coefficients, the second half is the second's.
struct NTRUSolver {
    typealias Words = WideIntegers.Words

    /// log2 n.
    let logDegree: Int
    let f, g: UnsafePointer<Int8>
    let system = ResidueSystem.shared
    /// (f, g) at every level, 0...logDegree.
    private(set) var levels: [Level] = []
    /// The current (F, G): reduced, the size of (f, g) at its level.
    let current: Words

    /// (f, g) at one level.
    struct Level {
        let depth: Int
        /// log2 of the degree at this level.
        let logDegree: Int
        /// Words of a coefficient.
        let wordCount: Int
        /// Row `i` has the transforms over prime `i`, for `wordCount` primes.
        let transforms: Words
        /// The coefficients; at the last level not signed, for a norm is positive there.
        let integers: Words

        /// The degree at this level.
        var degree: Int { 1 << logDegree }
        /// Columns of the pair.
        var width: Int { 2 << logDegree }

        init(depth: Int, logDegree: Int, arena: inout SecretArena) {
            self.depth = depth
            self.logDegree = logDegree - depth
            wordCount = NTRULevel.wordCount[depth]
            let count = wordCount * (2 << (logDegree - depth))
            transforms = arena.take(UInt32.self, count)
            integers = arena.take(UInt32.self, count)
        }
    }

    /// Bytes the solver takes from its arena: 30 words of n suffice for the levels, 8 n for the pairs,
    /// and the rest for the working space of any one level.
    static func arenaByteCount(logDegree: Int) -> Int { 384 << 10 }

    init(
        f: UnsafePointer<Int8>, g: UnsafePointer<Int8>, logDegree: Int, arena: inout SecretArena
    ) {
        self.f = f
        self.g = g
        self.logDegree = logDegree
        let sizes = (0...logDegree).map { NTRULevel.wordCount[$0] * (2 << (logDegree - $0)) }
        current = arena.take(UInt32.self, sizes.max() ?? 0)
        computeLevels(arena: &arena)
    }

    /// Writes F and G, all coefficients within ±127.
    ///
    /// - Returns: false if there is no such solution, or none was found.
    func solve(
        bigF: UnsafeMutablePointer<Int8>, bigG: UnsafeMutablePointer<Int8>,
        arena: inout SecretArena
    ) -> Bool {
        guard solveDeepest(arena: &arena) else { return false }
        for depth in stride(from: logDegree - 1, through: 2, by: -1) {
            guard liftAndReduce(levels[depth], arena: &arena) else { return false }
        }
        guard liftAndReduceLevel1(arena: &arena) else { return false }
        liftAndReduceLevel0(arena: &arena)
        let n = 1 << logDegree
        for index in 0..<n {
            let bigFValue = WideIntegers.signed(current[index])
            let bigGValue = WideIntegers.signed(current[n + index])
            guard (-127...127).contains(bigFValue), (-127...127).contains(bigGValue) else {
                return false
            }
            bigF[index] = Int8(bigFValue)
            bigG[index] = Int8(bigGValue)
        }
        return NTRUEquation.holds(
            f: f, g: g, bigF: bigF, bigG: bigG, logDegree: logDegree, arena: &arena)
    }

    // MARK: The norms of f and g

    private mutating func computeLevels(arena: inout SecretArena) {
        let top = Level(depth: 0, logDegree: logDegree, arena: &arena)
        let n = top.degree
        for index in 0..<n {
            let values = (Int32(f[index]), Int32(g[index]))
            top.integers[index] = UInt32(bitPattern: values.0) & WideIntegers.mask
            top.integers[n + index] = UInt32(bitPattern: values.1) & WideIntegers.mask
            top.transforms[index] = system[0].field.element(values.0)
            top.transforms[n + index] = system[0].field.element(values.1)
        }
        transformPair(top.transforms, logDegree: logDegree, prime: 0)
        levels.append(top)
        for depth in 1...logDegree {
            let level = Level(depth: depth, logDegree: logDegree, arena: &arena)
            computeNorms(of: levels[depth - 1], to: level, arena: &arena)
            levels.append(level)
        }
    }

    /// N(f)(X^2) = f(X) f(-X): over each prime, the product of the values at a root and at its
    /// negative, which are neighbours.
    private func computeNorms(of upper: Level, to level: Level, arena: inout SecretArena) {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let row = arena.take(UInt32.self, upper.width)
        for index in 0..<level.wordCount {
            let field = system[index].field
            let source: Words
            if index < upper.wordCount {
                source = upper.transforms + index * upper.width
            } else {
                WideIntegers.reduceSigned(
                    upper.integers, count: upper.wordCount, width: upper.width, field, to: row)
                transformPair(row, logDegree: upper.logDegree, prime: index)
                source = row
            }
            let transforms = level.transforms + index * level.width
            for column in 0..<level.width {
                let product = field.multiply(source[2 &* column], source[2 &* column &+ 1])
                transforms[column] = field.montgomery(product)
            }
            let integers = level.integers + index * level.width
            integers.update(from: transforms, count: level.width)
            inversePair(integers, logDegree: level.logDegree, prime: index)
        }
        WideIntegers.rebuild(
            level.integers, count: level.wordCount, width: level.width,
            isSigned: level.logDegree > 0, product: arena.take(UInt32.self, level.wordCount),
            scratch: row)
    }

    /// Transforms both polynomials of a pair.
    func transformPair(_ row: Words, logDegree: Int, prime: Int) {
        system.forward(row, logDegree: logDegree, prime: prime)
        system.forward(row + (1 << logDegree), logDegree: logDegree, prime: prime)
    }

    /// Undoes `transformPair`.
    func inversePair(_ row: Words, logDegree: Int, prime: Int) {
        system.inverse(row, logDegree: logDegree, prime: prime)
        system.inverse(row + (1 << logDegree), logDegree: logDegree, prime: prime)
    }

    // MARK: The deepest level

    /// Degree 1: (F, G) = (v q, u q) for f u - g v = 1.
    private func solveDeepest(arena: inout SecretArena) -> Bool {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let level = levels[logDegree]
        let count = level.wordCount
        let x = arena.take(UInt32.self, count)
        let y = arena.take(UInt32.self, count)
        for index in 0..<count {
            x[index] = level.integers[2 * index]
            y[index] = level.integers[2 * index + 1]
        }
        let bezout = BezoutSolver(x: x, y: y, count: count, arena: &arena)
        guard bezout.solve(),
            WideIntegers.multiply(bezout.u, count, by: 12289) == 0,
            WideIntegers.multiply(bezout.v, count, by: 12289) == 0
        else { return false }
        for index in 0..<count {
            current[2 * index] = bezout.v[index]
            current[2 * index + 1] = bezout.u[index]
        }
        return true
    }
}
