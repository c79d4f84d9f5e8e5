package import Primitives
package import SCALE

/// A set of validators as a bitmap: bit `i % 8` of byte `i / 8`, least significant first, is
/// validator `i`.
///
/// On the wire a byte vector of exactly `ceil(n / 8)` bytes whose spare bits are zero
/// (docs/protocol.md, "GossipMessage"). The number of validators is not part of the encoding, so a
/// decoded bitmap says nothing until `fits` was asked.
package struct Bits: Sendable, Hashable {
    /// The packed bits.
    package private(set) var bytes: [UInt8]

    /// The longest bitmap that any validator set can need.
    package static let maximumByteCount = (ValidatorSet.maximumCount + 7) / 8

    /// An empty set over `validatorCount` validators.
    package init(validatorCount: Int) {
        precondition(validatorCount >= 0)
        bytes = [UInt8](repeating: 0, count: (validatorCount + 7) / 8)
    }

    /// A set whose packed form is at hand.
    package init(packed: [UInt8]) { bytes = packed }

    /// A set over `validatorCount` validators with these members; indices beyond it are left out.
    package init(validatorCount: Int, members: some Sequence<ValidatorIndex>) {
        self.init(validatorCount: validatorCount)
        for member in members where Int(member.rawValue) < validatorCount { insert(member) }
    }

    /// Whether this is a well-formed bitmap for a set of that many validators.
    package func fits(validatorCount: Int) -> Bool {
        guard bytes.count == (validatorCount + 7) / 8 else { return false }
        let spare = validatorCount % 8
        guard spare != 0, let last = bytes.last else { return true }
        return last >> spare == 0
    }

    /// Whether the validator is a member; false beyond the bitmap's end.
    package func contains(_ index: ValidatorIndex) -> Bool {
        let position = Int(index.rawValue)
        guard position / 8 < bytes.count else { return false }
        return bytes[position / 8] >> (position % 8) & 1 == 1
    }

    /// Adds a validator; without effect beyond the bitmap's end.
    package mutating func insert(_ index: ValidatorIndex) {
        let position = Int(index.rawValue)
        guard position / 8 < bytes.count else { return }
        bytes[position / 8] |= 1 << (position % 8)
    }

    /// Removes a validator.
    package mutating func remove(_ index: ValidatorIndex) {
        let position = Int(index.rawValue)
        guard position / 8 < bytes.count else { return }
        bytes[position / 8] &= ~(1 << (position % 8))
    }

    /// Adds the members of another bitmap of the same length; a bitmap of another length adds
    /// nothing.
    package mutating func formUnion(_ other: Bits) {
        guard other.bytes.count == bytes.count else { return }
        for position in bytes.indices { bytes[position] |= other.bytes[position] }
    }

    /// The members that are not in `other`.
    package func subtracting(_ other: Bits) -> Bits {
        guard other.bytes.count == bytes.count else { return self }
        var result = self
        for position in bytes.indices { result.bytes[position] &= ~other.bytes[position] }
        return result
    }

    /// The members that are in `other` too.
    package func intersection(_ other: Bits) -> Bits {
        var result = self
        for position in bytes.indices {
            result.bytes[position] &=
                other.bytes.count == bytes.count ? other.bytes[position] : 0
        }
        return result
    }

    /// How many members there are.
    package var count: Int { bytes.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Whether there is no member.
    package var isEmpty: Bool { bytes.allSatisfy { $0 == 0 } }

    /// Whether every member is in `other`.
    package func isSubset(of other: Bits) -> Bool { subtracting(other).isEmpty }

    /// The members, ascending.
    package var members: [ValidatorIndex] {
        var result: [ValidatorIndex] = []
        for (position, byte) in bytes.enumerated() where byte != 0 {
            for bit in 0..<8 where byte >> bit & 1 == 1 {
                result.append(ValidatorIndex(UInt16(truncatingIfNeeded: position * 8 + bit)))
            }
        }
        return result
    }
}

extension Bits: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) { encoder.appendBytes(bytes) }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        bytes = try decoder.readBytes(limit: Self.maximumByteCount)
    }
}
