package import Primitives
package import SCALE

/// A set of validators as a bitmap: bit `i % 8` of byte `i / 8`, least significant first, is
/// validator `i`.
///
/// On the wire a byte vector of exactly `ceil(n / 8)` bytes whose spare bits are zero
/// (docs/protocol.md, "GossipMessage"). The number of validators is not part of the encoding, so a
/// decoded bitmap says nothing until `fits` was asked.
package struct Bits: Sendable, Hashable {
    /// The first 128 bits: sets of usual size need no memory of their own.
    private var low: UInt128 = 0
    /// The bytes after the first 16; as many as there are.
    private var rest: [UInt8] = []
    /// See `byteCount`. In this width and place, thousands of bitmaps take 32 bytes each.
    private let shortByteCount: UInt16

    /// How many bytes the bitmap has.
    private var byteCount: Int { Int(shortByteCount) }

    private static let lowByteCount = 16

    /// The longest bitmap that any validator set can need.
    package static let maximumByteCount = (ValidatorSet.maximumCount + 7) / 8

    /// An empty set over `validatorCount` validators.
    package init(validatorCount: Int) {
        precondition(validatorCount >= 0)
        shortByteCount = UInt16((validatorCount + 7) / 8)
        if byteCount > Self.lowByteCount {
            rest = [UInt8](repeating: 0, count: byteCount - Self.lowByteCount)
        }
    }

    /// A set whose packed form is at hand.
    package init(packed: [UInt8]) {
        shortByteCount = UInt16(packed.count)
        withUnsafeMutableBytes(of: &low) { $0.copyBytes(from: packed.prefix(Self.lowByteCount)) }
        low = UInt128(littleEndian: low)
        if byteCount > Self.lowByteCount { rest = Array(packed[Self.lowByteCount...]) }
    }

    /// A set over `validatorCount` validators with these members; indices beyond it are left out.
    package init(validatorCount: Int, members: some Sequence<ValidatorIndex>) {
        self.init(validatorCount: validatorCount)
        for member in members where Int(member.rawValue) < validatorCount { insert(member) }
    }

    /// All of `validatorCount` validators.
    init(allOf validatorCount: Int) {
        self.init(
            validatorCount: validatorCount,
            members: (0..<validatorCount).lazy.map { ValidatorIndex(UInt16($0)) })
    }

    /// The packed bits.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for position in 0..<min(byteCount, Self.lowByteCount) {
            bytes.append(UInt8(truncatingIfNeeded: low >> (8 * position)))
        }
        return bytes + rest
    }

    /// Whether this is a well-formed bitmap for a set of that many validators.
    package func fits(validatorCount: Int) -> Bool {
        guard byteCount == (validatorCount + 7) / 8 else { return false }
        let spare = validatorCount % 8
        guard spare != 0 else { return true }
        let last =
            rest.last ?? UInt8(truncatingIfNeeded: low >> (8 * (byteCount - 1)))
        return last >> spare == 0
    }

    /// Whether the validator is a member; false beyond the bitmap's end.
    package func contains(_ index: ValidatorIndex) -> Bool {
        let position = Int(index.rawValue)
        guard position / 8 < byteCount else { return false }
        guard position >= 8 * Self.lowByteCount else { return low >> position & 1 == 1 }
        return rest[position / 8 - Self.lowByteCount] >> (position % 8) & 1 == 1
    }

    /// Adds a validator; without effect beyond the bitmap's end.
    package mutating func insert(_ index: ValidatorIndex) {
        let position = Int(index.rawValue)
        guard position / 8 < byteCount else { return }
        guard position >= 8 * Self.lowByteCount else { return low |= 1 << UInt128(position) }
        rest[position / 8 - Self.lowByteCount] |= 1 << (position % 8)
    }

    /// Removes a validator.
    package mutating func remove(_ index: ValidatorIndex) {
        let position = Int(index.rawValue)
        guard position / 8 < byteCount else { return }
        guard position >= 8 * Self.lowByteCount else { return low &= ~(1 << UInt128(position)) }
        rest[position / 8 - Self.lowByteCount] &= ~(1 << (position % 8))
    }

    /// Adds the members of another bitmap of the same length; a bitmap of another length adds
    /// nothing.
    package mutating func formUnion(_ other: Bits) {
        guard other.byteCount == byteCount else { return }
        low |= other.low
        for position in rest.indices { rest[position] |= other.rest[position] }
    }

    /// The members that are not in `other`.
    package func subtracting(_ other: Bits) -> Bits {
        guard other.byteCount == byteCount else { return self }
        var result = self
        result.low &= ~other.low
        for position in rest.indices { result.rest[position] &= ~other.rest[position] }
        return result
    }

    /// The members that are in `other` too.
    package func intersection(_ other: Bits) -> Bits {
        var result = self
        let isSameLength = other.byteCount == byteCount
        result.low &= isSameLength ? other.low : 0
        for position in rest.indices {
            result.rest[position] &= isSameLength ? other.rest[position] : 0
        }
        return result
    }

    /// How many members there are.
    package var count: Int { rest.reduce(low.nonzeroBitCount) { $0 + $1.nonzeroBitCount } }

    /// Whether there is no member.
    package var isEmpty: Bool { low == 0 && rest.allSatisfy { $0 == 0 } }

    /// Whether every member is in `other`.
    package func isSubset(of other: Bits) -> Bool { subtracting(other).isEmpty }

    /// The members, ascending.
    package var members: [ValidatorIndex] {
        var result: [ValidatorIndex] = []
        result.reserveCapacity(count)
        var left = low
        while left != 0 {
            result.append(ValidatorIndex(UInt16(left.trailingZeroBitCount)))
            left &= left - 1
        }
        for (position, byte) in rest.enumerated() where byte != 0 {
            for bit in 0..<8 where byte >> bit & 1 == 1 {
                let index = (position + Self.lowByteCount) * 8 + bit
                result.append(ValidatorIndex(UInt16(truncatingIfNeeded: index)))
            }
        }
        return result
    }
}

extension Bits: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.appendCompact(UInt64(byteCount))
        for position in 0..<min(byteCount, Self.lowByteCount) {
            encoder.append(UInt8(truncatingIfNeeded: low >> (8 * position)))
        }
        encoder.appendRaw(rest)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        shortByteCount = UInt16(try decoder.readCount(limit: Self.maximumByteCount))
        for position in 0..<min(byteCount, Self.lowByteCount) {
            low |= UInt128(try decoder.readByte()) << (8 * position)
        }
        if byteCount > Self.lowByteCount {
            rest = try decoder.readRaw(byteCount - Self.lowByteCount)
        }
    }
}
