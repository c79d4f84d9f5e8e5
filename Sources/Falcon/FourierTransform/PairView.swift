/// An array of `Double` seen two neighbours at a time, at any index.
struct PairView {
    typealias Pair = SIMD2<Double>

    private let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ values: UnsafeMutablePointer<Double>) {
        base = UnsafeMutableRawPointer(values)
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
