/// Four elements of a ``PrimeField`` at once, for arrays of great integers.
///
/// A lane holds 32 bits in 64: masking both factors tells the compiler that one instruction
/// multiplies two lanes.
struct PrimeLanes {
    typealias Lanes = SIMD4<UInt64>

    private let prime: Lanes
    private let negatedInverse: Lanes
    private let wordShift: Lanes

    @inline(__always)
    init(_ field: PrimeField) {
        prime = Lanes(repeating: UInt64(field.prime))
        negatedInverse = Lanes(repeating: UInt64(field.negatedInverse))
        wordShift = Lanes(repeating: UInt64(field.wordShift))
    }

    /// The four numbers at `row`.
    @inline(__always)
    static func load(_ row: UnsafePointer<UInt32>) -> Lanes {
        Lanes(UInt64(row[0]), UInt64(row[1]), UInt64(row[2]), UInt64(row[3]))
    }

    @inline(__always)
    static func store(_ lanes: Lanes, to row: UnsafeMutablePointer<UInt32>) {
        row[0] = UInt32(truncatingIfNeeded: lanes[0])
        row[1] = UInt32(truncatingIfNeeded: lanes[1])
        row[2] = UInt32(truncatingIfNeeded: lanes[2])
        row[3] = UInt32(truncatingIfNeeded: lanes[3])
    }

    /// The product of the low 32 bits. (A stored constant would hide from the compiler what the mask
    /// is.)
    @inline(__always)
    static func product(_ a: Lanes, _ b: Lanes) -> Lanes {
        let low = Lanes(repeating: 0xFFFF_FFFF)
        return (a & low) &* (b & low)
    }

    /// a if a < p, a - p if p <= a < 2 p.
    @inline(__always)
    func reduced(_ a: Lanes) -> Lanes {
        let difference = a &- prime
        return difference &+ (prime & (0 &- (difference &>> 63)))
    }

    /// value 2^31 + word modulo p, for any value and word below 2^32 and 2^31; below p + 2^31.
    @inline(__always)
    func append(_ word: Lanes, to value: Lanes) -> Lanes {
        // As PrimeField.multiply.
        let product = Self.product(value, wordShift)
        let multiple = Self.product(product, negatedInverse)
        let sum = product &+ Self.product(multiple, prime)
        return reduced(sum &>> 32) &+ word
    }
}
