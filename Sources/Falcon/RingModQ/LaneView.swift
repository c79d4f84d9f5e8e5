/// A polynomial's memory seen eight 16-bit coefficients at a time.
///
/// The memory is bound to `Int16`; vectors are loaded and stored as raw bytes, which is allowed
/// whatever the binding. It must be aligned to 16 bytes.
struct LaneView {
    private let base: UnsafeMutableRawPointer

    @inline(__always)
    init(_ coefficients: UnsafeMutablePointer<Int16>) {
        base = UnsafeMutableRawPointer(coefficients)
    }

    @inline(__always)
    private init(base: UnsafeMutableRawPointer) {
        self.base = base
    }

    /// The vector of coefficients 8 `index` to 8 `index` + 7.
    @inline(__always)
    subscript(index: Int) -> ModQ.Lanes {
        get { base.load(fromByteOffset: index &* 16, as: ModQ.Lanes.self) }
        nonmutating set {
            base.storeBytes(of: newValue, toByteOffset: index &* 16, as: ModQ.Lanes.self)
        }
    }

    /// The view that starts `count` vectors on.
    @inline(__always)
    static func + (view: LaneView, count: Int) -> LaneView {
        LaneView(base: view.base + count &* 16)
    }
}
