internal import CSodium

/// BLAKE2b with a 32-byte output and no key (RFC 7693): the hash of blocks, states and sets.
public struct BLAKE2b256: ~Copyable {
    private let memory: UnsafeMutableRawPointer

    private var state: OpaquePointer { OpaquePointer(memory) }

    /// A hash of nothing yet.
    public init() {
        memory = .allocate(byteCount: crypto_generichash_blake2b_statebytes(), alignment: 64)
        let status = crypto_generichash_blake2b_init(state, nil, 0, Hash256.byteCount)
        precondition(status == 0, "32 bytes is a valid BLAKE2b output length")
    }

    deinit { memory.deallocate() }

    /// Takes more input.
    public mutating func update(_ bytes: [UInt8]) {
        crypto_generichash_blake2b_update(state, bytes, UInt64(bytes.count))
    }

    /// The hash of all input.
    public consuming func finalize() -> Hash256 {
        var output = [UInt8](repeating: 0, count: Hash256.byteCount)
        crypto_generichash_blake2b_final(state, &output, output.count)
        guard let hash = Hash256(output) else { preconditionFailure("the output has 32 bytes") }
        return hash
    }

    /// The hash of one byte string.
    public static func hash(_ bytes: [UInt8]) -> Hash256 {
        Hash256 { output in
            output.withMemoryRebound(to: UInt8.self) { output in
                guard let start = output.baseAddress else { return }
                let status = crypto_generichash_blake2b(
                    start, output.count, bytes, UInt64(bytes.count), nil, 0)
                precondition(status == 0, "32 bytes is a valid BLAKE2b output length")
            }
        }
    }
}
