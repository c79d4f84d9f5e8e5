/// A residue number system of 308 primes, with number-theoretic transforms of polynomials over each.
///
/// Polynomials over prime `index` may have any degree up to `maximumDegree(index)`, which is as far
/// as key generation goes. A transform is Cooley and Tukey's, in bit-reversed order: values at a root
/// and at its negative are neighbours.
package struct ResidueSystem: Sendable {
    package static let shared = ResidueSystem()

    /// A prime of the system.
    package struct Prime: BitwiseCopyable, Sendable {
        package let field: PrimeField
        /// R divided by the product of all primes before this one.
        let inverseOfPredecessors: UInt32
        /// Where its powers of roots of unity start.
        fileprivate let firstRoot: Int
    }

    private let primes: [Prime]
    /// Powers of a root of unity in bit-reversed order, times R; for all primes one after the other.
    private let roots: [UInt32]
    /// Powers of the root's inverse.
    private let inverseRoots: [UInt32]

    package subscript(index: Int) -> Prime { primes[index] }

    /// The greatest degree needed: see `NTRULevel.liftedWordCount`, the degree falling by half from
    /// level to level.
    private static func maximumDegree(_ index: Int) -> Int {
        var degree = 1024
        for depth in 0..<10 {
            if index < NTRULevel.liftedWordCount[depth] {
                return degree
            }
            degree /= 2
        }
        return 1
    }

    private init() {
        var primes: [Prime] = []
        var roots: [UInt32] = []
        var inverseRoots: [UInt32] = []
        for (index, multiplier) in PrimeTable.multipliers.enumerated() {
            let field = PrimeField(prime: (1 << 31) + 1 - 2048 * UInt32(multiplier))
            var product = field.montgomery(1)
            for earlier in primes {
                product = field.multiply(
                    product, field.montgomery(field.reduced(earlier.field.prime)))
            }
            primes.append(
                Prime(
                    field: field,
                    inverseOfPredecessors: field.power(product, field.prime - 2),
                    firstRoot: roots.count))
            let root = Self.rootOfUnity(field)
            let degree = Self.maximumDegree(index)
            roots += Self.powersInBitReversedOrder(root, field, count: degree)
            inverseRoots += Self.powersInBitReversedOrder(
                field.power(root, 2047), field, count: degree)
        }
        self.primes = primes
        self.roots = roots
        self.inverseRoots = inverseRoots
    }

    /// A primitive 2048th root of unity, times R.
    private static func rootOfUnity(_ field: PrimeField) -> UInt32 {
        let minusOne = field.subtract(0, field.montgomery(1))
        var base: UInt32 = 2
        while true {
            let root = field.power(field.montgomery(base), (field.prime - 1) / 2048)
            if field.power(root, 1024) == minusOne {
                return root
            }
            base += 1
        }
    }

    /// The first `count` of root^rev(i), rev reversing ten bits. They are what a transform of degree
    /// `count` needs, whatever it is.
    private static func powersInBitReversedOrder(
        _ root: UInt32, _ field: PrimeField, count: Int
    ) -> [UInt32] {
        (0..<count).map { index in
            var reversed: UInt32 = 0
            for bit in 0..<10 {
                reversed |= UInt32(index >> bit & 1) << UInt32(9 - bit)
            }
            return field.power(root, reversed)
        }
    }

    // MARK: Transforms

    /// Transforms the 2^`logDegree` elements of prime `index` at `row` in place.
    package func forward(_ row: UnsafeMutablePointer<UInt32>, logDegree: Int, prime index: Int) {
        let prime = primes[index]
        roots.withUnsafeBufferPointer { roots in
            let roots = roots.baseAddress.unsafelyUnwrapped + prime.firstRoot
            var distance = (1 << logDegree) >> 1
            var blocks = 1
            while distance >= 1 {
                for block in 0..<blocks {
                    let root = roots[blocks &+ block]
                    let low = row + 2 &* block &* distance
                    Self.forwardBlock(low, low + distance, distance, root, prime.field)
                }
                distance /= 2
                blocks *= 2
            }
        }
    }

    /// Undoes ``forward(_:logDegree:prime:)``.
    package func inverse(_ row: UnsafeMutablePointer<UInt32>, logDegree: Int, prime index: Int) {
        let prime = primes[index]
        let field = prime.field
        inverseRoots.withUnsafeBufferPointer { roots in
            let roots = roots.baseAddress.unsafelyUnwrapped + prime.firstRoot
            var distance = 1
            var blocks = (1 << logDegree) >> 1
            while blocks >= 1 {
                for block in 0..<blocks {
                    let root = roots[blocks &+ block]
                    let low = row + 2 &* block &* distance
                    Self.inverseBlock(low, low + distance, distance, root, field)
                }
                distance *= 2
                blocks /= 2
            }
        }
        // R / 2^logDegree, and R is 2^32.
        let scale = UInt32((UInt64(1) << UInt64(32 - logDegree)) % UInt64(field.prime))
        for position in 0..<(1 << logDegree) {
            row[position] = field.multiply(row[position], scale)
        }
    }

    @inline(__always)
    private static func forwardBlock(
        _ low: UnsafeMutablePointer<UInt32>, _ high: UnsafeMutablePointer<UInt32>, _ count: Int,
        _ root: UInt32, _ field: PrimeField
    ) {
        for position in 0..<count {
            let u = low[position]
            let t = field.multiply(high[position], root)
            low[position] = field.add(u, t)
            high[position] = field.subtract(u, t)
        }
    }

    @inline(__always)
    private static func inverseBlock(
        _ low: UnsafeMutablePointer<UInt32>, _ high: UnsafeMutablePointer<UInt32>, _ count: Int,
        _ root: UInt32, _ field: PrimeField
    ) {
        for position in 0..<count {
            let (u, v) = (low[position], high[position])
            low[position] = field.add(u, v)
            high[position] = field.multiply(field.subtract(u, v), root)
        }
    }
}
