internal import Primitives

/// A text form that names its base in the first character (the multibase specification).
package enum Multibase {
    /// The byte string of a text in base16 `f`, base32 `b`, base36 `k`, base58btc `z` or base64url
    /// `u`; nil for any other base and for malformed digits.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard let prefix = text.utf8.first else { return nil }
        let digits = text.unicodeScalars.dropFirst()
        let rest = String(String.UnicodeScalarView(digits))
        switch prefix {
        case UInt8(ascii: "b"): return BitEncoding.base32.decode(rest)
        case UInt8(ascii: "k"): return RadixEncoding.base36.decode(rest)
        case UInt8(ascii: "z"): return RadixEncoding.base58.decode(rest)
        case UInt8(ascii: "u"): return BitEncoding.base64URL.decode(rest)
        case UInt8(ascii: "f"): return rest.hasPrefix("0x") ? nil : [UInt8](hex: rest)
        default: return nil
        }
    }

    /// The text of a byte string in base64url: the usual form of certificate hashes.
    package static func encodeBase64URL(_ bytes: [UInt8]) -> String {
        "u" + BitEncoding.base64URL.encode(bytes)
    }
}
