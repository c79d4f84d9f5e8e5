/// SHAKE256 of FIPS 202: absorb any number of bytes, then squeeze any number of bytes.
///
/// A value starts out absorbing; the first squeeze pads the input and ends that phase for good.
/// Copies are independent, so a state that has absorbed a common prefix can be reused.
public struct Shake256: Sendable, BitwiseCopyable {
    /// Bytes absorbed or squeezed between two permutations: 1600 bits less twice the 256-bit
    /// security strength.
    public static let rate = 136

    private var lanes = InlineArray<25, UInt64>(repeating: 0)
    /// Next byte of the block to absorb into or to squeeze from, 0...`rate`.
    private var position = 0
    private var isSqueezing = false

    /// An empty input, ready to absorb.
    public init() {}

    /// Starts with `bytes` absorbed.
    public init(absorbing bytes: [UInt8]) {
        absorb(bytes)
    }

    /// Appends `bytes` to the input. Absorbing after the first squeeze is a programming error.
    public mutating func absorb(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { absorb($0) }
    }

    /// Appends `bytes` to the input. Absorbing after the first squeeze is a programming error.
    public mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
        precondition(!isSqueezing, "SHAKE256 cannot absorb after squeezing")
        withState { state, position, _ in
            for byte in bytes {
                state[position] ^= byte
                position &+= 1
                if position == Self.rate {
                    Self.permute(state)
                    position = 0
                }
            }
        }
    }

    /// The next `byteCount` bytes of output.
    public mutating func squeeze(byteCount: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            squeeze(into: UnsafeMutableRawBufferPointer(buffer))
            initializedCount = byteCount
        }
    }

    /// Fills `bytes` with the next output.
    public mutating func squeeze(into bytes: UnsafeMutableRawBufferPointer) {
        withState { state, position, isSqueezing in
            Self.startSqueezing(state, &position, &isSqueezing)
            for index in bytes.indices {
                if position == Self.rate {
                    Self.permute(state)
                    position = 0
                }
                bytes[index] = state[position]
                position &+= 1
            }
        }
    }

    /// The next eight bytes, little-endian. Only for use when all that was squeezed so far is a
    /// multiple of eight bytes.
    mutating func squeezeWord() -> UInt64 {
        withState { state, position, isSqueezing in
            Self.startSqueezing(state, &position, &isSqueezing)
            if position == Self.rate {
                Self.permute(state)
                position = 0
            }
            let word = UnsafeRawPointer(state).load(fromByteOffset: position, as: UInt64.self)
            position &+= 8
            return word
        }
    }

    /// Hands out the next whole block of `rate` bytes as 17 little-endian lanes. Only for use from
    /// a block boundary, that is, when nothing was squeezed yet or only whole blocks were.
    mutating func squeezeBlock<Result>(_ body: (UnsafePointer<UInt64>) -> Result) -> Result {
        withState { state, position, isSqueezing in
            if isSqueezing {
                precondition(position == Self.rate, "squeezing a block from within a block")
                Self.permute(state)
            } else {
                Self.startSqueezing(state, &position, &isSqueezing)
            }
            position = Self.rate
            return body(UnsafeRawPointer(state).assumingMemoryBound(to: UInt64.self))
        }
    }

    /// Pads the input (suffix 1111 for SHAKE, then 10*1) and permutes, once.
    @inline(__always)
    private static func startSqueezing(
        _ state: UnsafeMutablePointer<UInt8>, _ position: inout Int, _ isSqueezing: inout Bool
    ) {
        guard !isSqueezing else { return }
        state[position] ^= 0x1F
        state[rate - 1] ^= 0x80
        permute(state)
        position = 0
        isSqueezing = true
    }

    @inline(__always)
    private static func permute(_ state: UnsafeMutablePointer<UInt8>) {
        // The bytes are those of `lanes`, whose memory is bound to UInt64.
        KeccakLanes.permute(UnsafeMutableRawPointer(state).assumingMemoryBound(to: UInt64.self))
    }

    /// Gives `body` the state as 200 bytes: lane bytes are little-endian, as this package's
    /// platforms are, so byte `i` of the sponge is byte `i` of memory.
    @inline(__always)
    private mutating func withState<Result>(
        _ body: (UnsafeMutablePointer<UInt8>, inout Int, inout Bool) -> Result
    ) -> Result {
        withUnsafeMutablePointer(to: &lanes) { lanes in
            let bytes = UnsafeMutableRawPointer(lanes).assumingMemoryBound(to: UInt8.self)
            return body(bytes, &position, &isSqueezing)
        }
    }
}
