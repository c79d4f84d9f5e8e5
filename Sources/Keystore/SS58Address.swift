internal import LibP2P
package import Primitives

/// Why a text is no SS58 address of an account.
package enum SS58Error: Error, Sendable, Hashable, CustomStringConvertible {
    /// A character outside base58, or nothing at all.
    case notBase58
    /// Too short or too long for a prefix, 32 bytes and a checksum of two.
    case wrongLength(byteCount: Int)
    /// The first byte is 128 or more, or a prefix below 64 takes two bytes.
    case invalidPrefix
    /// Prefixes 46 and 47 are reserved by the registry.
    case reservedPrefix(UInt16)
    /// The address is mistyped.
    case wrongChecksum
    /// The address is of another chain.
    case otherPrefix(expected: UInt16, found: UInt16)

    package var description: String {
        switch self {
        case .notBase58: "the address has a character that base58 does not have"
        case .wrongLength(let count): "an address decodes to 35 or 36 bytes, this one to \(count)"
        case .invalidPrefix: "the address begins with no valid chain prefix"
        case .reservedPrefix(let prefix): "the chain prefix \(prefix) is reserved"
        case .wrongChecksum: "the address is mistyped: its checksum is wrong"
        case .otherPrefix(let expected, let found):
            "the address has the chain prefix \(found), this chain has \(expected)"
        }
    }
}

/// An account as people write it: SS58, Substrate's base58 with a chain prefix and a checksum.
///
/// The bytes are prefix || account [32] || the first two bytes of
/// BLAKE2b-512("SS58PRE" || prefix || account).
package struct SS58Address: Sendable, Hashable {
    /// The prefix of chains that have registered none.
    package static let genericPrefix: UInt16 = 42
    /// The largest prefix that fits two bytes.
    package static let maximumPrefix: UInt16 = 16_383
    private static let reservedPrefixes: [UInt16] = [46, 47]

    /// Tells chains apart, 0 to 16,383.
    package let prefix: UInt16
    /// The account.
    package let account: AccountID

    /// The address of an account; nil for a prefix that is reserved or too large.
    package init?(_ account: AccountID, prefix: UInt16 = genericPrefix) {
        guard prefix <= Self.maximumPrefix, !Self.reservedPrefixes.contains(prefix) else {
            return nil
        }
        self.prefix = prefix
        self.account = account
    }

    /// Reads an address of any chain.
    package init(_ text: some StringProtocol) throws(SS58Error) {
        guard !text.isEmpty, let bytes = RadixEncoding.base58.decode(text) else {
            throw .notBase58
        }
        guard let first = bytes.first else { throw .wrongLength(byteCount: 0) }
        let prefixCount = first < 64 ? 1 : 2
        guard first < 128 else { throw .invalidPrefix }
        guard bytes.count == prefixCount + 32 + 2 else {
            throw .wrongLength(byteCount: bytes.count)
        }
        guard Self.checksum(bytes.dropLast(2)) == Array(bytes.suffix(2)) else {
            throw .wrongChecksum
        }
        var prefix = UInt16(first)
        if prefixCount == 2 {
            let second = bytes[1]
            prefix = UInt16(first << 2 | second >> 6) | UInt16(second & 0x3F) << 8
            // The short form is the only one for small prefixes.
            guard prefix >= 64 else { throw .invalidPrefix }
        }
        guard !Self.reservedPrefixes.contains(prefix) else { throw .reservedPrefix(prefix) }
        guard let account = AccountID(bytes[prefixCount..<prefixCount + 32]) else {
            preconditionFailure("32 bytes are an account")
        }
        self.prefix = prefix
        self.account = account
    }

    /// Reads an address of the chain with that prefix.
    package init(_ text: some StringProtocol, expecting prefix: UInt16) throws(SS58Error) {
        try self.init(text)
        guard self.prefix == prefix else {
            throw .otherPrefix(expected: prefix, found: self.prefix)
        }
    }

    private static func checksum(_ payload: some Sequence<UInt8>) -> [UInt8] {
        Array(BLAKE2b512.hash(Array("SS58PRE".utf8) + payload).prefix(2))
    }
}

extension SS58Address: CustomStringConvertible {
    /// The address.
    package var description: String {
        var bytes: [UInt8] =
            prefix < 64
            ? [UInt8(prefix)]
            : [
                UInt8(truncatingIfNeeded: prefix >> 2 & 0x3F) | 0x40,
                UInt8(truncatingIfNeeded: prefix >> 8) | UInt8(truncatingIfNeeded: prefix << 6),
            ]
        bytes += account.bytes
        bytes += Self.checksum(bytes)
        return RadixEncoding.base58.encode(bytes)
    }
}
