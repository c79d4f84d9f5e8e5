import Falcon
import Testing

@Suite struct FourierTests {
    @Test func `rounding is to nearest, ties to even`() {
        let cases: [(Double, Int64)] = [
            (0, 0), (-0.0, 0), (0.5, 0), (-0.5, 0), (1.5, 2), (2.5, 2), (-1.5, -2), (-2.5, -2),
            (0.49999999999999994, 0), (1e15 + 0.5, 1_000_000_000_000_000),
            (-123456.75, -123457), (2_251_799_813_685_247.5, 2_251_799_813_685_248),
        ]
        for (value, expected) in cases {
            #expect(Rounding.nearestInteger(value) == expected, "\(value)")
            #expect(Rounding.nearest(value) == Double(expected), "\(value)")
        }
        #expect(Rounding.nearest(4_503_599_627_370_497) == 4_503_599_627_370_497)
        #expect(Rounding.nearest(2_251_799_813_685_249.5) == 2_251_799_813_685_250)
        #expect(Rounding.nearest(-9e18) == -9e18)
    }

    @Test func `floor is the greatest integral value below`() {
        var random = SplitMix(seed: 9)
        for _ in 0..<10_000 {
            let value = Double.random(in: -1e6...1e6, using: &random)
            #expect(Rounding.floor(value) == value.rounded(.down))
        }
        for value in [0, -0.0, 1, -1, 0.5, -0.5, -1e-300, 1e-300, 1.5, -1.5, 1e15, -1e15] {
            #expect(Rounding.floor(value) == value.rounded(.down), "\(value)")
        }
    }

    private func forward(_ values: [Double], _ logDegree: Int) -> [Double] {
        var values = values
        values.withUnsafeMutableBufferPointer {
            FourierTransform.forward($0.baseAddress!, logDegree: logDegree)
        }
        return values
    }

    private func inverse(_ values: [Double], _ logDegree: Int) -> [Double] {
        var values = values
        values.withUnsafeMutableBufferPointer {
            FourierTransform.inverse($0.baseAddress!, logDegree: logDegree)
        }
        return values
    }

    @Test(arguments: 1...10)
    func `the inverse undoes the transform`(logDegree: Int) {
        var random = SplitMix(seed: UInt64(logDegree))
        let values = (0..<(1 << logDegree)).map { _ in Double.random(in: -100...100, using: &random)
        }
        let back = inverse(forward(values, logDegree), logDegree)
        for index in values.indices {
            #expect(abs(back[index] - values[index]) < 1e-11)
        }
    }

    @Test(arguments: 1...10)
    func `transforms multiply polynomials`(logDegree: Int) {
        let n = 1 << logDegree
        var random = SplitMix(seed: UInt64(logDegree))
        let a = (0..<n).map { _ in Double(Int.random(in: -99...99, using: &random)) }
        let b = (0..<n).map { _ in Double(Int.random(in: -99...99, using: &random)) }
        var product = forward(a, logDegree)
        let factor = forward(b, logDegree)
        product.withUnsafeMutableBufferPointer {
            FourierTransform.multiply($0.baseAddress!, factor, n)
        }
        product = inverse(product, logDegree)
        var expected = [Double](repeating: 0, count: n)
        for i in 0..<n {
            for j in 0..<n {
                expected[(i + j) % n] += i + j < n ? a[i] * b[j] : -a[i] * b[j]
            }
        }
        #expect(product.map { Double(Rounding.nearestInteger($0)) } == expected)
    }
}
