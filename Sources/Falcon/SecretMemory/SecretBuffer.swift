private import Synchronization

/// One heap block for secrets: zero at first, erased before it is given back.
///
/// Everything derived from a secret key, temporaries included, lives in such a block. It cannot be
/// copied, and nobody but its owner sees its address.
package struct SecretBuffer: ~Copyable {
    /// Alignment of the block: a cache line.
    package static let alignment = 64

    /// The block's bytes; their number is a multiple of 8.
    package let bytes: UnsafeMutableRawBufferPointer

    /// Allocates `byteCount` zero bytes, rounded up to a multiple of 8.
    package init(byteCount: Int) {
        bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: (byteCount + 7) & ~7, alignment: Self.alignment)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        Self.erase(bytes)
        bytes.deallocate()
    }

    /// Overwrites `bytes`, aligned to and as many as a multiple of 8, with zeros.
    ///
    /// A compiler may drop plain stores to memory that is about to be freed. It may not drop atomic
    /// ones with an ordering, which other threads could observe.
    package static func erase(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        let words = base.bindMemory(to: Atomic<UInt64>.self, capacity: bytes.count / 8)
        for index in 0..<(bytes.count / 8) {
            words[index].store(0, ordering: .relaxed)
        }
    }

    /// Overwrites 16 KiB of the stack below the caller's frame, where functions it has called have
    /// left what did not fit in registers. The deepest of ours use less than half of that.
    @inline(never)
    static func eraseStack() {
        var words = InlineArray<2048, UInt64>(repeating: 0)
        withUnsafeMutableBytes(of: &words) { erase($0) }
    }
}
