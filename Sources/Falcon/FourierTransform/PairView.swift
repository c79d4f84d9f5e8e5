/// An array of `Double` seen two neighbours at a time, at any index.
struct PairView {
    typealias Pair = SIMD2<Double>

    private let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ values: UnsafeMutablePointer<Double>) {
        base = UnsafeMutableRawPointer(values)
    }

    /// A view that is only read from.
    @inline(__always)
    init(reading values: UnsafePointer<Double>) {
        base = UnsafeMutableRawPointer(mutating: values)
    }

    /// The first and the second values of two pairs.
    @inline(__always)
    static func transpose(_ a: Pair, _ b: Pair) -> (Pair, Pair) {
        (Pair(a[0], b[0]), Pair(a[1], b[1]))
    }

    /// The values at `index` and `index` + 1.
    @inline(__always)
    subscript(index: Int) -> Pair {
        get { base.loadUnaligned(fromByteOffset: index &* 8, as: Pair.self) }
        nonmutating set {
            base.storeBytes(of: newValue, toByteOffset: index &* 8, as: Pair.self)
        }
    }
}
