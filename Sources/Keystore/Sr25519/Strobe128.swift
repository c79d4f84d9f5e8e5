internal import Falcon

/// STROBE-128 over Keccak-f[1600] (STROBE protocol framework 1.0.2), as far as Merlin needs it:
/// associated data, keys and pseudo-random output, nothing that is sent.
///
/// The state is erased when it goes: secrets pass through it.
struct Strobe128: ~Copyable {
    /// The bytes of a block: 200 less twice the strength of 128 bits, less the two of the padding.
    private static let rate = 166

    private enum Flag {
        static let inbound: UInt8 = 1
        static let application: UInt8 = 2
        static let cipher: UInt8 = 4
        static let meta: UInt8 = 16
    }

    private let state: SecretBytes
    private var position = 0
    /// One more than where the operation at hand began; 0 in an earlier block.
    private var begin: UInt8 = 0
    private var flags: UInt8 = 0

    /// A new protocol.
    init(label: String) {
        state = SecretBytes(count: KeccakPermutation.stateByteCount)
        let start: [UInt8] = [1, UInt8(Self.rate) + 2, 1, 0, 1, 96] + Array("STROBEv1.0.2".utf8)
        state.withBytes { buffer in
            buffer.copyBytes(from: start)
            KeccakPermutation.apply(to: buffer)
        }
        metaAssociate(Array(label.utf8), isContinued: false)
    }

    private init(copying other: borrowing Strobe128) {
        state = SecretBytes(count: KeccakPermutation.stateByteCount)
        state.withBytes { target in
            other.state.withBytes { target.copyMemory(from: UnsafeRawBufferPointer($0)) }
        }
        position = other.position
        begin = other.begin
        flags = other.flags
    }

    /// A second state that goes on from here by itself.
    borrowing func copy() -> Strobe128 { Strobe128(copying: self) }

    /// meta-AD.
    mutating func metaAssociate(_ bytes: [UInt8], isContinued: Bool) {
        beginOperation(Flag.meta | Flag.application, isContinued: isContinued)
        bytes.withUnsafeBytes { absorb($0) }
    }

    /// AD.
    mutating func associate(_ bytes: UnsafeRawBufferPointer) {
        beginOperation(Flag.application, isContinued: false)
        absorb(bytes)
    }

    /// KEY: overwrites the state, so that it cannot be computed backwards.
    mutating func key(_ bytes: UnsafeRawBufferPointer) {
        beginOperation(Flag.application | Flag.cipher, isContinued: false)
        for byte in bytes {
            state.withBytes { $0[position] = byte }
            advance()
        }
    }

    /// PRF: fills a buffer.
    mutating func output(into target: UnsafeMutableRawBufferPointer) {
        beginOperation(Flag.inbound | Flag.application | Flag.cipher, isContinued: false)
        for place in target.indices {
            target[place] = state.withBytes { buffer in
                defer { buffer[position] = 0 }
                return buffer[position]
            }
            advance()
        }
    }

    private mutating func beginOperation(_ flags: UInt8, isContinued: Bool) {
        guard !isContinued else {
            precondition(flags == self.flags, "only the same operation goes on")
            return
        }
        let previous = begin
        begin = UInt8(position) + 1
        self.flags = flags
        [previous, flags].withUnsafeBytes { absorb($0) }
        if flags & Flag.cipher != 0 && position != 0 { permute() }
    }

    private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            state.withBytes { $0[position] ^= byte }
            advance()
        }
    }

    private mutating func advance() {
        position += 1
        if position == Self.rate { permute() }
    }

    private mutating func permute() {
        state.withBytes { buffer in
            buffer[position] ^= begin
            buffer[position + 1] ^= 0x04
            buffer[Self.rate + 1] ^= 0x80
            KeccakPermutation.apply(to: buffer)
        }
        position = 0
        begin = 0
    }
}
