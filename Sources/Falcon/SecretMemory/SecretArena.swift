/// A ``SecretBuffer`` handed out piece by piece, in the manner of a stack.
///
/// The pieces are valid as long as the arena. Capacity is computed by the caller from the degree;
/// running out is a programming error.
package struct SecretArena: ~Copyable {
    private let buffer: SecretBuffer
    private var used = 0

    package init(byteCount: Int) {
        buffer = SecretBuffer(byteCount: byteCount)
    }

    /// Takes room for `count` values of a trivial type, aligned to a cache line. The contents are
    /// whatever was there before: zeros, or bytes of a piece since released.
    package mutating func take<Value: BitwiseCopyable>(
        _ type: Value.Type, _ count: Int
    ) -> UnsafeMutablePointer<Value> {
        let start = used
        let end = start + MemoryLayout<Value>.stride * count
        used = (end + SecretBuffer.alignment - 1) & ~(SecretBuffer.alignment - 1)
        precondition(end <= buffer.bytes.count, "the arena is too small")
        return (buffer.bytes.baseAddress.unsafelyUnwrapped + start)
            .bindMemory(to: Value.self, capacity: count)
    }

    /// How much is taken, to be given to ``release(to:)``.
    package var mark: Int { used }

    /// Gives back all pieces taken since `mark` was read.
    package mutating func release(to mark: Int) {
        used = mark
    }
}
