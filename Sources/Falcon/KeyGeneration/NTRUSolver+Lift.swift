extension NTRUSolver {
    /// Lifts the current (F', G') of the level below: F = F'(X^2) g(-X), G = G'(X^2) f(-X).
    ///
    /// Writes (F, G) as signed integers of `wordCount` words to `lifted`. Leaves the transforms of
    /// (f, g) over the first `transformCount` <= `wordCount` primes in `transforms`, if given.
    func lift(
        to level: Level, wordCount: Int, _ lifted: Words,
        transforms: Words?, transformCount: Int, arena: inout SecretArena
    ) {
        let mark = arena.mark
        defer { arena.release(to: mark) }
        let (n, width) = (level.degree, level.width)
        let lower = arena.take(UInt32.self, n)
        let buffer = arena.take(UInt32.self, width)
        for index in 0..<wordCount {
            let field = system[index].field
            WideIntegers.reduceSigned(
                current, count: NTRULevel.wordCount[level.depth + 1], width: n, field, to: lower)
            transformPair(lower, logDegree: level.logDegree - 1, prime: index)
            let upper: Words
            if index < level.wordCount {
                upper = level.transforms + index * width
            } else {
                WideIntegers.reduceSigned(
                    level.integers, count: level.wordCount, width: width, field, to: buffer)
                transformPair(buffer, logDegree: level.logDegree, prime: index)
                upper = buffer
            }
            if let transforms, index < transformCount {
                (transforms + index * width).update(from: upper, count: width)
            }
            let row = lifted + index * width
            // f(-w) is next to f(w); F'(w^2) is the same for both.
            for position in 0..<(n / 2) {
                let bigF = field.montgomery(lower[position])
                let bigG = field.montgomery(lower[n / 2 &+ position])
                let even = 2 &* position
                row[even] = field.multiply(bigF, upper[n &+ even &+ 1])
                row[even &+ 1] = field.multiply(bigF, upper[n &+ even])
                row[n &+ even] = field.multiply(bigG, upper[even &+ 1])
                row[n &+ even &+ 1] = field.multiply(bigG, upper[even])
            }
            inversePair(row, logDegree: level.logDegree, prime: index)
        }
        WideIntegers.rebuild(
            lifted, count: wordCount, width: width, isSigned: true,
            product: arena.take(UInt32.self, wordCount), scratch: buffer)
    }
}
