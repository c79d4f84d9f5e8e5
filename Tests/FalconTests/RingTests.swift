import Falcon
import Testing

@Suite struct RingTests {
    private static let q = 12289

    @Test func `centring is exact up to 30721 and within a bound beyond`() {
        for start in stride(from: -32768, through: 32760, by: 8) {
            let lanes = ModQ.Lanes((0..<8).map { Int16(start + $0) })
            let centred = ModQ.centred(lanes)
            for lane in 0..<8 {
                let (value, result) = (start + lane, Int(centred[lane]))
                #expect((value - result) % Self.q == 0)
                #expect(abs(result) <= (abs(value) <= 30721 ? 6144 : 6145), "\(value)")
            }
        }
    }

    @Test func `a Montgomery product is a b / R`() {
        var random = SplitMix(seed: 3)
        for _ in 0..<10_000 {
            let a = Int16.random(in: .min ... .max, using: &random)
            let b = Int16.random(in: -6144...6144, using: &random)
            let product = Int(ModQ.multiply(a, b))
            #expect((product * 65536 - Int(a) * Int(b)) % Self.q == 0)
            #expect(abs(product) <= 9219)
        }
    }

    // MARK: Transforms

    private func transformed(
        _ polynomial: [Int16], _ parameters: FalconParameters
    ) -> UnsafeMutablePointer<Int16> {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: 2 * polynomial.count, alignment: 64
        ).bindMemory(to: Int16.self, capacity: polynomial.count)
        memory.initialize(from: polynomial, count: polynomial.count)
        NumberTheoreticTransform.of(parameters).forward(memory)
        return memory
    }

    /// a b / R n in Z_q[X]/(X^n + 1) by transforms, in 0..<q.
    private func product(
        _ a: [Int16], _ b: [Int16], _ parameters: FalconParameters
    ) -> [Int] {
        let (left, right) = (transformed(a, parameters), transformed(b, parameters))
        defer {
            left.deallocate()
            right.deallocate()
        }
        for index in a.indices {
            #expect(abs(Int(left[index])) <= 31022)
            left[index] = ModQ.multiply(left[index], Int16(Int(right[index]) % Self.q))
        }
        NumberTheoreticTransform.of(parameters).inverseTimesDegree(left)
        return a.indices.map { (Int(left[$0]) % Self.q + Self.q) % Self.q }
    }

    /// The same by the definition.
    private func expectedProduct(_ a: [Int16], _ b: [Int16]) -> [Int] {
        let n = a.count
        var sums = [Int](repeating: 0, count: n)
        for i in 0..<n {
            for j in 0..<n {
                let term = Int(a[i]) * Int(b[j])
                sums[(i + j) % n] += i + j < n ? term : -term
            }
        }
        // n / R modulo q: 65536^-1 = 8704 * ... is found by search.
        let inverseOfR = (1..<Self.q).first { $0 * 65536 % Self.q == 1 } ?? 0
        return sums.map { ((($0 % Self.q + Self.q) % Self.q) * n % Self.q) * inverseOfR % Self.q }
    }

    @Test(arguments: FalconParameters.allCases, [1, 2] as [UInt64])
    func `transforms multiply polynomials`(parameters: FalconParameters, seed: UInt64) {
        var random = SplitMix(seed: seed)
        let n = parameters.degree
        func polynomial(_ limit: Int16) -> [Int16] {
            (0..<n).map { _ in Int16.random(in: -limit...limit, using: &random) }
        }
        let (a, b) = (polynomial(2047), polynomial(6144))
        #expect(product(a, b, parameters) == expectedProduct(a, b), "seed \(seed)")
    }

    @Test(arguments: FalconParameters.allCases)
    func `no bound is exceeded by extreme coefficients`(parameters: FalconParameters) {
        let n = parameters.degree
        let patterns: [[Int16]] = [
            [Int16](repeating: 6144, count: n),
            [Int16](repeating: -6144, count: n),
            (0..<n).map { $0 % 2 == 0 ? 6144 : -6144 },
            (0..<n).map { $0.nonzeroBitCount % 2 == 0 ? 6144 : -6144 },
        ]
        var one = [Int16](repeating: 0, count: n)
        one[0] = 1
        for pattern in patterns {
            #expect(product(pattern, one, parameters) == expectedProduct(pattern, one))
        }
    }
}
