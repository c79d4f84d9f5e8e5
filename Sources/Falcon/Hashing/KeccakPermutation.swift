/// Keccak-f[1600] of FIPS 202, section 3.3: the permutation under SHAKE256.
///
/// The 25 lanes live in stored properties rather than in an array, and every step is written out:
/// the optimiser then keeps them in registers and stack slots with constant addresses, which is
/// twice as fast as indexing. Lane `a(x + 5y)` is A[x, y] of the standard.
///
/// Lanes 1, 2, 8, 12, 17 and 20 are held complemented. By De Morgan's rules most of the 25 negations
/// of chi then vanish into an OR in place of an AND; the few that are left keep those six lanes
/// complemented from round to round (Keccak implementation overview 3.2, section 2.2).
struct KeccakLanes {
    private var a0: UInt64, a1: UInt64, a2: UInt64, a3: UInt64, a4: UInt64
    private var a5: UInt64, a6: UInt64, a7: UInt64, a8: UInt64, a9: UInt64
    private var a10: UInt64, a11: UInt64, a12: UInt64, a13: UInt64, a14: UInt64
    private var a15: UInt64, a16: UInt64, a17: UInt64, a18: UInt64, a19: UInt64
    private var a20: UInt64, a21: UInt64, a22: UInt64, a23: UInt64, a24: UInt64

    /// Reads the 25 lanes that start at `state`.
    @inline(__always)
    private init(_ state: UnsafePointer<UInt64>) {
        a0 = state[0]
        a1 = ~state[1]
        a2 = ~state[2]
        a3 = state[3]
        a4 = state[4]
        a5 = state[5]
        a6 = state[6]
        a7 = state[7]
        a8 = ~state[8]
        a9 = state[9]
        a10 = state[10]
        a11 = state[11]
        a12 = ~state[12]
        a13 = state[13]
        a14 = state[14]
        a15 = state[15]
        a16 = state[16]
        a17 = ~state[17]
        a18 = state[18]
        a19 = state[19]
        a20 = ~state[20]
        a21 = state[21]
        a22 = state[22]
        a23 = state[23]
        a24 = state[24]
    }

    @inline(__always)
    private func store(to state: UnsafeMutablePointer<UInt64>) {
        state[0] = a0
        state[1] = ~a1
        state[2] = ~a2
        state[3] = a3
        state[4] = a4
        state[5] = a5
        state[6] = a6
        state[7] = a7
        state[8] = ~a8
        state[9] = a9
        state[10] = a10
        state[11] = a11
        state[12] = ~a12
        state[13] = a13
        state[14] = a14
        state[15] = a15
        state[16] = a16
        state[17] = ~a17
        state[18] = a18
        state[19] = a19
        state[20] = ~a20
        state[21] = a21
        state[22] = a22
        state[23] = a23
        state[24] = a24
    }

    @inline(__always)
    private static func rotate(_ x: UInt64, _ count: UInt64) -> UInt64 {
        (x &<< count) | (x &>> (64 &- count))
    }

    /// One round: theta, rho and pi, chi, iota.
    @inline(__always)
    private mutating func round(_ constant: UInt64) {
        let c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
        let c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
        let c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
        let c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
        let c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
        let d0 = c4 ^ Self.rotate(c1, 1)
        let d1 = c0 ^ Self.rotate(c2, 1)
        let d2 = c1 ^ Self.rotate(c3, 1)
        let d3 = c2 ^ Self.rotate(c4, 1)
        let d4 = c3 ^ Self.rotate(c0, 1)

        let b0 = a0 ^ d0
        let b1 = Self.rotate(a6 ^ d1, 44)
        let b2 = Self.rotate(a12 ^ d2, 43)
        let b3 = Self.rotate(a18 ^ d3, 21)
        let b4 = Self.rotate(a24 ^ d4, 14)
        let b5 = Self.rotate(a3 ^ d3, 28)
        let b6 = Self.rotate(a9 ^ d4, 20)
        let b7 = Self.rotate(a10 ^ d0, 3)
        let b8 = Self.rotate(a16 ^ d1, 45)
        let b9 = Self.rotate(a22 ^ d2, 61)
        let b10 = Self.rotate(a1 ^ d1, 1)
        let b11 = Self.rotate(a7 ^ d2, 6)
        let b12 = Self.rotate(a13 ^ d3, 25)
        let b13 = Self.rotate(a19 ^ d4, 8)
        let b14 = Self.rotate(a20 ^ d0, 18)
        let b15 = Self.rotate(a4 ^ d4, 27)
        let b16 = Self.rotate(a5 ^ d0, 36)
        let b17 = Self.rotate(a11 ^ d1, 10)
        let b18 = Self.rotate(a17 ^ d2, 15)
        let b19 = Self.rotate(a23 ^ d3, 56)
        let b20 = Self.rotate(a2 ^ d2, 62)
        let b21 = Self.rotate(a8 ^ d3, 55)
        let b22 = Self.rotate(a14 ^ d4, 39)
        let b23 = Self.rotate(a15 ^ d0, 41)
        let b24 = Self.rotate(a21 ^ d1, 2)

        a0 = b0 ^ (b1 | b2) ^ constant
        a1 = b1 ^ (~b2 | b3)
        a2 = b2 ^ (b3 & b4)
        a3 = b3 ^ (b4 | b0)
        a4 = b4 ^ (b0 & b1)

        a5 = b5 ^ (b6 | b7)
        a6 = b6 ^ (b7 & b8)
        a7 = b7 ^ (b8 | ~b9)
        a8 = b8 ^ (b9 | b5)
        a9 = b9 ^ (b5 & b6)

        let n13 = ~b13
        a10 = b10 ^ (b11 | b12)
        a11 = b11 ^ (b12 & b13)
        a12 = b12 ^ (n13 & b14)
        a13 = n13 ^ (b14 | b10)
        a14 = b14 ^ (b10 & b11)

        let n18 = ~b18
        a15 = b15 ^ (b16 & b17)
        a16 = b16 ^ (b17 | b18)
        a17 = b17 ^ (n18 | b19)
        a18 = n18 ^ (b19 & b15)
        a19 = b19 ^ (b15 | b16)

        let n21 = ~b21
        a20 = b20 ^ (n21 & b22)
        a21 = n21 ^ (b22 | b23)
        a22 = b22 ^ (b23 & b24)
        a23 = b23 ^ (b24 | b20)
        a24 = b24 ^ (b20 & b21)
    }

    /// Applies all 24 rounds to the 25 lanes at `state`.
    @inline(never)
    static func permute(_ state: UnsafeMutablePointer<UInt64>) {
        var lanes = KeccakLanes(state)
        lanes.round(0x0000_0000_0000_0001)
        lanes.round(0x0000_0000_0000_8082)
        lanes.round(0x8000_0000_0000_808a)
        lanes.round(0x8000_0000_8000_8000)
        lanes.round(0x0000_0000_0000_808b)
        lanes.round(0x0000_0000_8000_0001)
        lanes.round(0x8000_0000_8000_8081)
        lanes.round(0x8000_0000_0000_8009)
        lanes.round(0x0000_0000_0000_008a)
        lanes.round(0x0000_0000_0000_0088)
        lanes.round(0x0000_0000_8000_8009)
        lanes.round(0x0000_0000_8000_000a)
        lanes.round(0x0000_0000_8000_808b)
        lanes.round(0x8000_0000_0000_008b)
        lanes.round(0x8000_0000_0000_8089)
        lanes.round(0x8000_0000_0000_8003)
        lanes.round(0x8000_0000_0000_8002)
        lanes.round(0x8000_0000_0000_0080)
        lanes.round(0x0000_0000_0000_800a)
        lanes.round(0x8000_0000_8000_000a)
        lanes.round(0x8000_0000_8000_8081)
        lanes.round(0x8000_0000_0000_8080)
        lanes.round(0x0000_0000_8000_0001)
        lanes.round(0x8000_0000_8000_8008)
        lanes.store(to: state)
    }
}

/// The permutation alone, for sponges other than SHAKE256.
package enum KeccakPermutation {
    /// The bytes of a state.
    package static let stateByteCount = 200

    /// Applies all 24 rounds to a state of 200 bytes that is aligned as `UInt64` is; lanes are
    /// little-endian.
    package static func apply(to state: UnsafeMutableRawBufferPointer) {
        precondition(state.count == stateByteCount, "a state has 200 bytes")
        let lanes = state.bindMemory(to: UInt64.self)
        guard let start = lanes.baseAddress else { return }
        KeccakLanes.permute(start)
    }
}
