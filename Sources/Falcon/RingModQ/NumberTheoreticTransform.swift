/// The number-theoretic transform of Z_q[X]/(X^n + 1), eight coefficients at a time.
///
/// The forward transform is Cooley and Tukey's, the inverse is Gentleman and Sande's; level `l`
/// joins coefficients n / 2^l apart. Down to distance 8 those lie in different vectors. For the last
/// three levels every group of 64 coefficients is transposed as an 8 x 8 matrix, so that again a
/// level works between vectors, and is left that way: the *transformed order* of coefficients is
/// private to this type, the inverse undoes it.
///
/// Bounds, by which the places of the reductions are chosen. T(B) = 6144 B / 2^16 + 6146 bounds a
/// product with a twiddle factor.
///
/// - Forward, input within ±6144: u ± t grows to 12866, 20218, 28260; level 4 reduces u first and
///   starts over at 6145 + T(28260) = 14941, then 22488, 30743; level 7 reduces: 15174, 22743, 31022;
///   level 10 reduces: 15200. All below 2^15.
/// - Inverse, input within ±9219: sums are reduced at levels 1, 3, 4, 6, 7 and 9. The bounds after
///   the levels are 7876, 15752, 9101, 7854, 15708, 9093, 7852, 15704, 9092 and 18184.
package struct NumberTheoreticTransform {
    package typealias Lanes = ModQ.Lanes

    static let falcon512 = NumberTheoreticTransform(logDegree: 9)
    static let falcon1024 = NumberTheoreticTransform(logDegree: 10)

    package static func of(_ parameters: FalconParameters) -> NumberTheoreticTransform {
        parameters == .falcon512 ? falcon512 : falcon1024
    }

    private let logDegree: Int
    /// Twiddle factors in the order of use, each followed by itself times 1 / q mod 2^16.
    private let forwardTwiddles: [Lanes]
    private let inverseTwiddles: [Lanes]

    /// Vectors in a polynomial.
    private var vectorCount: Int { 1 << (logDegree - 3) }

    private init(logDegree: Int) {
        self.logDegree = logDegree
        let powers = Self.powersInBitReversedOrder(of: 7, logDegree: logDegree)
        // 8778 = 1 / 7 modulo q.
        let inversePowers = Self.powersInBitReversedOrder(of: 8778, logDegree: logDegree)
        self.forwardTwiddles = Self.twiddles(powers, logDegree: logDegree)
        self.inverseTwiddles = Self.inverseOrder(
            Self.twiddles(inversePowers, logDegree: logDegree), logDegree: logDegree)
    }

    /// Transforms the n `coefficients`, within ±6144, in place. The result is in transformed order, within ±31022.
    package func forward(_ coefficients: UnsafeMutablePointer<Int16>) {
        let polynomial = LaneView(coefficients)
        forwardTwiddles.withUnsafeBufferPointer { twiddles in
            var twiddle = twiddles.baseAddress.unsafelyUnwrapped
            var distance = vectorCount / 2
            for level in 1...(logDegree - 3) {
                for block in 0..<(1 << (level - 1)) {
                    let low = polynomial + block &* 2 &* distance
                    Self.forwardBlock(
                        low, low + distance, distance, twiddle, reducing: level == 4 || level == 7)
                    twiddle += 2
                }
                distance /= 2
            }
            for group in 0..<(vectorCount / 8) {
                Self.forwardGroup(polynomial + 8 &* group, twiddle, logDegree: logDegree)
                twiddle += 14
            }
        }
    }

    /// Undoes `forward` and multiplies by n: takes coefficients within ±9219 in transformed order.
    /// The result is centred.
    package func inverseTimesDegree(_ coefficients: UnsafeMutablePointer<Int16>) {
        let polynomial = LaneView(coefficients)
        inverseTwiddles.withUnsafeBufferPointer { twiddles in
            var twiddle = twiddles.baseAddress.unsafelyUnwrapped
            for group in 0..<(vectorCount / 8) {
                Self.inverseGroup(polynomial + 8 &* group, twiddle)
                twiddle += 14
            }
            var distance = 1
            for level in 4...logDegree {
                for block in 0..<(1 << (logDegree - level)) {
                    let low = polynomial + block &* 2 &* distance
                    Self.inverseBlock(
                        low, low + distance, distance, twiddle,
                        reducing: level != 5 && level != 8 && level != 10)
                    twiddle += 2
                }
                distance *= 2
            }
        }
        for index in 0..<vectorCount {
            polynomial[index] = ModQ.centred(polynomial[index])
        }
    }

    // MARK: Levels between vectors

    @inline(__always)
    private static func forwardBlock(
        _ low: LaneView, _ high: LaneView, _ count: Int,
        _ twiddle: UnsafePointer<Lanes>, reducing: Bool
    ) {
        let (s, sScaled) = (twiddle[0], twiddle[1])
        if reducing {
            for index in 0..<count {
                let u = ModQ.centred(low[index])
                let t = ModQ.multiply(high[index], s, sScaled)
                low[index] = u &+ t
                high[index] = u &- t
            }
        } else {
            for index in 0..<count {
                let u = low[index]
                let t = ModQ.multiply(high[index], s, sScaled)
                low[index] = u &+ t
                high[index] = u &- t
            }
        }
    }

    @inline(__always)
    private static func inverseBlock(
        _ low: LaneView, _ high: LaneView, _ count: Int,
        _ twiddle: UnsafePointer<Lanes>, reducing: Bool
    ) {
        let (s, sScaled) = (twiddle[0], twiddle[1])
        if reducing {
            for index in 0..<count {
                let (u, v) = (low[index], high[index])
                low[index] = ModQ.centred(u &+ v)
                high[index] = ModQ.multiply(u &- v, s, sScaled)
            }
        } else {
            for index in 0..<count {
                let (u, v) = (low[index], high[index])
                low[index] = u &+ v
                high[index] = ModQ.multiply(u &- v, s, sScaled)
            }
        }
    }

    // MARK: The last three levels, within a group of 64 coefficients

    @inline(__always)
    private static func forwardGroup(
        _ group: LaneView, _ twiddle: UnsafePointer<Lanes>, logDegree: Int
    ) {
        var rows = Rows(group)
        rows.transpose()
        // These are levels 8, 9 and 10 of n = 1024, and 7, 8 and 9 of n = 512.
        rows.forward(distance4: twiddle, reducing: logDegree == 9)
        rows.forward(distance2: twiddle + 2)
        rows.forward(distance1: twiddle + 6, reducing: logDegree == 10)
        rows.store(to: group)
    }

    @inline(__always)
    private static func inverseGroup(
        _ group: LaneView, _ twiddle: UnsafePointer<Lanes>
    ) {
        var rows = Rows(group)
        rows.inverse(distance1: twiddle)
        rows.inverse(distance2: twiddle + 8)
        rows.inverse(distance4: twiddle + 12)
        rows.transpose()
        rows.store(to: group)
    }
}
