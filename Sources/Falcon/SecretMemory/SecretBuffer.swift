private import Synchronization

/// One heap block for secrets: zero at first, erased before it is given back.
///
/// Everything derived from a secret key, temporaries included, lives in such a block. It cannot be
/// copied, and nobody but its owner sees its address.
struct SecretBuffer: ~Copyable {
    /// Alignment of the block: a cache line.
    static let alignment = 64

    /// The block's bytes; their number is a multiple of 8.
    let bytes: UnsafeMutableRawBufferPointer

    /// Allocates `byteCount` zero bytes, rounded up to a multiple of 8.
    init(byteCount: Int) {
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
    static func erase(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        let words = base.bindMemory(to: Atomic<UInt64>.self, capacity: bytes.count / 8)
        for index in 0..<(bytes.count / 8) {
            words[index].store(0, ordering: .relaxed)
        }
    }
}
