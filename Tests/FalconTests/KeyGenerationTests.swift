import Falcon
import Testing

@Suite struct KeyGenerationTests {
    // MARK: The residue system

    private func power(_ base: UInt64, _ exponent: UInt64, _ modulus: UInt64) -> UInt64 {
        var (result, base, exponent) = (UInt64(1), base % modulus, exponent)
        while exponent > 0 {
            if exponent & 1 == 1 { result = result * base % modulus }
            base = base * base % modulus
            exponent >>= 1
        }
        return result
    }

    /// Miller and Rabin's test to the bases 2, 3, 5 and 7, which is a proof below 3 215 031 751.
    private func isPrime(_ n: UInt64) -> Bool {
        let twos = (n - 1).trailingZeroBitCount
        return ([2, 3, 5, 7] as [UInt64]).allSatisfy { base in
            var x = power(base, (n - 1) >> UInt64(twos), n)
            if x == 1 || x == n - 1 { return true }
            for _ in 1..<twos {
                x = x * x % n
                if x == n - 1 { return true }
            }
            return false
        }
    }

    @Test func `the moduli are the 308 greatest primes that are 1 modulo 2048`() {
        var expected: [UInt16] = []
        var multiplier: UInt16 = 1
        while expected.count < 308 {
            if isPrime((1 << 31) + 1 - 2048 * UInt64(multiplier)) {
                expected.append(multiplier)
            }
            multiplier += 1
        }
        #expect(PrimeTable.multipliers == expected)
    }

    @Test(arguments: [1, 2, 5, 20], [1, 2, 4, 6, 16])
    func `signed integers come back from their residues`(count: Int, width: Int) {
        var random = SplitMix(seed: UInt64(count))
        // Within a quarter of the product of the moduli, which is a bit below 2^(31 count).
        var words = (0..<(count * width)).map { _ in
            UInt32(truncatingIfNeeded: random.next() & 0x7FFF_FFFF)
        }
        for column in 0..<width {
            let last = (count - 1) * width + column
            let signed = Int32(bitPattern: words[last] << 1) >> 4
            words[last] = UInt32(bitPattern: signed) & 0x7FFF_FFFF
        }
        var residues = [UInt32](repeating: 0, count: count * width)
        var product = [UInt32](repeating: 0, count: count)
        var scratch = [UInt32](repeating: 0, count: width)
        residues.withUnsafeMutableBufferPointer { residues in
            for index in 0..<count {
                WideIntegers.reduceSigned(
                    words, count: count, width: width, ResidueSystem.shared[index].field,
                    to: residues.baseAddress! + index * width)
            }
            WideIntegers.rebuild(
                residues.baseAddress!, count: count, width: width, isSigned: true,
                product: &product, scratch: &scratch)
        }
        #expect(residues == words)
    }

    @Test(arguments: [(0, 10), (1, 9), (4, 8), (11, 6), (307, 1)])
    func `a transform over a prime comes back`(prime: Int, logDegree: Int) {
        let field = ResidueSystem.shared[prime].field
        var random = SplitMix(seed: UInt64(prime))
        let values = (0..<(1 << logDegree)).map { _ in
            UInt32(truncatingIfNeeded: random.next() % UInt64(field.prime))
        }
        var row = values
        row.withUnsafeMutableBufferPointer { row in
            ResidueSystem.shared.forward(row.baseAddress!, logDegree: logDegree, prime: prime)
        }
        #expect(row != values)
        row.withUnsafeMutableBufferPointer { row in
            ResidueSystem.shared.inverse(row.baseAddress!, logDegree: logDegree, prime: prime)
        }
        #expect(row == values)
    }

    // MARK: Bezout

    /// Solves for numbers of 61 bits, two words.
    private func solve(_ x: UInt64, _ y: UInt64) -> (u: UInt64, v: UInt64)? {
        func words(_ value: UInt64) -> [UInt32] {
            [UInt32(value & 0x7FFF_FFFF), UInt32(value >> 31)]
        }
        var arena = SecretArena(byteCount: 4096)
        let (xWords, yWords) = (words(x), words(y))
        return xWords.withUnsafeBufferPointer { xWords in
            yWords.withUnsafeBufferPointer { yWords in
                let solver = BezoutSolver(
                    x: xWords.baseAddress!, y: yWords.baseAddress!, count: 2, arena: &arena)
                guard solver.solve() else { return nil }
                return (
                    UInt64(solver.u[0]) | UInt64(solver.u[1]) << 31,
                    UInt64(solver.v[0]) | UInt64(solver.v[1]) << 31
                )
            }
        }
    }

    private func greatestCommonDivisor(_ x: UInt64, _ y: UInt64) -> UInt64 {
        y == 0 ? x : greatestCommonDivisor(y, x % y)
    }

    @Test(arguments: [31, 32, 33] as [UInt64])
    func `x u - y v is 1 wherever x and y have no common divisor`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var solved = 0
        for _ in 0..<2000 {
            let shift = random.next() % 50
            let x = random.next() >> 3 | 1
            let y = random.next() >> (3 + shift) | 1
            let solution = solve(x, y)
            #expect((solution != nil) == (greatestCommonDivisor(x, y) == 1), "\(x), \(y)")
            if let (u, v) = solution {
                #expect(u <= y)
                #expect(v <= x)
                let left = x.multipliedFullWidth(by: u)
                let right = y.multipliedFullWidth(by: v)
                let (low, borrow) = left.low.subtractingReportingOverflow(right.low)
                #expect(low == 1)
                #expect(left.high == right.high + (borrow ? 1 : 0))
                solved += 1
            }
        }
        #expect(solved > 1000)
    }

    @Test func `even numbers and common divisors have no solution`() {
        #expect(solve(2, 3) == nil)
        #expect(solve(3, 2) == nil)
        #expect(solve(15, 21) == nil)
        #expect(solve(1 << 40 | 1, 1 << 40 | 1) == nil)
        #expect(solve(1, 1) != nil)
    }
}
