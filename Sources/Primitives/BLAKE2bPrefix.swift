internal import CSodium

/// A BLAKE2b-256 hash that has taken the beginning of its input and can be continued many times:
/// long constant beginnings are hashed once.
public struct BLAKE2bPrefix: Sendable {
    /// libsodium's state: plain memory without pointers, so that a copy is a state of its own.
    private let state: [UInt8]

    /// Takes the beginning of the input.
    public init(_ beginning: [UInt8]) {
        let count = crypto_generichash_blake2b_statebytes()
        state = Self.withState { memory in
            let pointer = OpaquePointer(memory)
            let status = crypto_generichash_blake2b_init(pointer, nil, 0, Hash256.byteCount)
            precondition(status == 0, "32 bytes is a valid BLAKE2b output length")
            crypto_generichash_blake2b_update(pointer, beginning, UInt64(beginning.count))
            return [UInt8](UnsafeRawBufferPointer(start: memory, count: count))
        }
    }

    /// The hash of the beginning followed by `ending`.
    public func hash(followedBy ending: [UInt8]) -> Hash256 {
        var output = [UInt8](repeating: 0, count: Hash256.byteCount)
        Self.withState { memory in
            state.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: memory, count: $0.count).copyMemory(from: $0)
            }
            let pointer = OpaquePointer(memory)
            crypto_generichash_blake2b_update(pointer, ending, UInt64(ending.count))
            crypto_generichash_blake2b_final(pointer, &output, output.count)
        }
        guard let hash = Hash256(output) else { preconditionFailure("the output has 32 bytes") }
        return hash
    }

    private static func withState<Result>(_ body: (UnsafeMutableRawPointer) -> Result) -> Result {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: crypto_generichash_blake2b_statebytes(), alignment: 64)
        defer { memory.deallocate() }
        return body(memory)
    }
}
