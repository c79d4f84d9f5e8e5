/// What follows from a key's polynomials by arithmetic in Z_q[X]/(X^n + 1).
///
/// The inputs are secret; neither branches nor addresses depend on them, but for the one bit of
/// whether they make a key.
enum KeyCompletion {
    /// Three polynomials of working space, aligned for vectors.
    struct Scratch {
        fileprivate let first, second, third: UnsafeMutablePointer<Int16>

        init(arena: inout SecretArena, degree: Int) {
            first = arena.take(Int16.self, degree)
            second = arena.take(Int16.self, degree)
            third = arena.take(Int16.self, degree)
        }
    }

    /// Writes h = g / f mod q, coefficients in 0..<q, to `h`.
    ///
    /// - Returns: false if f is not invertible.
    static func publicPolynomial(
        f: UnsafePointer<Int8>, g: UnsafePointer<Int8>, to h: UnsafeMutablePointer<UInt16>,
        _ parameters: FalconParameters, _ scratch: Scratch
    ) -> Bool {
        let transform = NumberTheoreticTransform.of(parameters)
        let (quotient, divisor) = (scratch.first, scratch.second)
        load(g, quotient, parameters.degree)
        load(f, divisor, parameters.degree)
        transform.forward(quotient)
        transform.forward(divisor)
        guard invert(divisor, parameters.degree) else { return false }
        multiply(quotient, divisor, parameters.degree)
        // g / f, and R / n against the factors that remain.
        scale(quotient, by: ModQ.montgomery(inverseDegree(parameters)), parameters.degree)
        transform.inverseTimesDegree(quotient)
        for index in 0..<parameters.degree {
            // Centred to 0..<q.
            let value = quotient[index]
            h[index] = UInt16(bitPattern: value &+ (12289 & (value &>> 15)))
        }
        return true
    }

    /// Writes G = g F / f mod q to `bigG`.
    ///
    /// - Returns: false if f is not invertible or a coefficient is not in -127...127.
    static func completingPolynomial(
        f: UnsafePointer<Int8>, g: UnsafePointer<Int8>, bigF: UnsafePointer<Int8>,
        to bigG: UnsafeMutablePointer<Int8>,
        _ parameters: FalconParameters, _ scratch: Scratch
    ) -> Bool {
        let transform = NumberTheoreticTransform.of(parameters)
        let (quotient, divisor, factor) = (scratch.first, scratch.second, scratch.third)
        load(g, quotient, parameters.degree)
        load(f, divisor, parameters.degree)
        load(bigF, factor, parameters.degree)
        transform.forward(quotient)
        transform.forward(divisor)
        transform.forward(factor)
        // Brings the factors within the bound that `multiply` keeps.
        scale(factor, by: ModQ.montgomery(1), parameters.degree)
        guard invert(divisor, parameters.degree) else { return false }
        multiply(quotient, divisor, parameters.degree)
        // g F / (f R), and R^2 / n against the factors that remain.
        multiply(quotient, factor, parameters.degree)
        let square = (1 << 32) % FalconParameters.modulus
        scale(
            quotient, by: ModQ.centred(square * inverseDegree(parameters)), parameters.degree)
        transform.inverseTimesDegree(quotient)
        var excess: Int16 = 0
        for index in 0..<parameters.degree {
            let value = quotient[index]
            // Negative if value > 127 or value < -127.
            excess |= (127 &- value) | (127 &+ value)
            bigG[index] = Int8(truncatingIfNeeded: value)
        }
        return excess >= 0
    }

    private static func inverseDegree(_ parameters: FalconParameters) -> Int {
        // n (q - 1) / n = -1 modulo q.
        FalconParameters.modulus - (FalconParameters.modulus - 1) / parameters.degree
    }

    private static func load(
        _ small: UnsafePointer<Int8>, _ polynomial: UnsafeMutablePointer<Int16>, _ degree: Int
    ) {
        for index in 0..<degree {
            polynomial[index] = Int16(small[index])
        }
    }

    /// a = a b / R: within ±10511 for b within ±9219 and any a that `forward` leaves.
    private static func multiply(
        _ a: UnsafeMutablePointer<Int16>, _ b: UnsafeMutablePointer<Int16>, _ degree: Int
    ) {
        let (aLanes, bLanes) = (LaneView(a), LaneView(b))
        for index in 0..<(degree / 8) {
            aLanes[index] = product(aLanes[index], bLanes[index])
        }
    }

    /// a = a b / R for a centred number b: within ±9219 whatever a is.
    private static func scale(
        _ a: UnsafeMutablePointer<Int16>, by b: Int16, _ degree: Int
    ) {
        let lanes = LaneView(a)
        for index in 0..<(degree / 8) {
            lanes[index] = product(lanes[index], ModQ.Lanes(repeating: b))
        }
    }

    /// a b / R. The magnitude is at most |a b| / 2^16 + 6146: below 9219 if both factors' are.
    @inline(__always)
    private static func product(_ a: ModQ.Lanes, _ b: ModQ.Lanes) -> ModQ.Lanes {
        ModQ.multiply(a, b, b &* ModQ.Lanes(repeating: ModQ.modulusInverse))
    }

    /// Replaces every value x by R / x.
    ///
    /// - Returns: false if one of them is zero.
    private static func invert(_ values: UnsafeMutablePointer<Int16>, _ degree: Int) -> Bool {
        let lanes = LaneView(values)
        let square = ModQ.Lanes(
            repeating: ModQ.centred((1 << 32) % FalconParameters.modulus))
        // Negative in a lane in which no value was zero.
        var nonzero = ModQ.Lanes(repeating: -1)
        for index in 0..<(degree / 8) {
            let value = ModQ.centred(lanes[index])
            nonzero &= value | (0 &- value)
            lanes[index] = power(product(value, square))
        }
        var all: Int16 = -1
        for lane in 0..<8 {
            all &= nonzero[lane]
        }
        return all < 0
    }

    /// x^(q - 2) = 1 / x, x and the result times R. 12287 = 6143 * 2 + 1 = 0b10_1111_1111_1111.
    @inline(__always)
    private static func power(_ x: ModQ.Lanes) -> ModQ.Lanes {
        let x2 = product(x, x)
        let x3 = product(x2, x)
        let x5 = product(x3, x2)
        var x80 = x5
        for _ in 0..<4 {
            x80 = product(x80, x80)
        }
        let x160 = product(x80, x80)
        let x163 = product(x160, x3)
        let x323 = product(x163, x160)
        let x646 = product(x323, x323)
        let x1292 = product(x646, x646)
        let x1455 = product(x1292, x163)
        let x2910 = product(x1455, x1455)
        let x5820 = product(x2910, x2910)
        let x6143 = product(x5820, x323)
        let x12286 = product(x6143, x6143)
        return product(x12286, x)
    }
}
