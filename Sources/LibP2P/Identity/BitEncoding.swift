/// Text forms in which each character holds a fixed number of bits: base32 and base64url, without
/// padding (RFC 4648).
package struct BitEncoding: Sendable {
    /// Lower-case letters and 2 to 7.
    package static let base32 = BitEncoding(
        bitsPerCharacter: 5, alphabet: "abcdefghijklmnopqrstuvwxyz234567")
    /// The alphabet for URLs and file names.
    package static let base64URL = BitEncoding(
        bitsPerCharacter: 6,
        alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    private let bitsPerCharacter: Int
    private let alphabet: [UInt8]
    private let values: [UInt8?]

    private init(bitsPerCharacter: Int, alphabet: String) {
        self.bitsPerCharacter = bitsPerCharacter
        self.alphabet = Array(alphabet.utf8)
        values = inverse(of: self.alphabet)
    }

    /// The text of a byte string.
    package func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var pending = 0
        var pendingBits = 0
        for byte in bytes {
            pending = (pending << 8 | Int(byte)) & 0xFFFF
            pendingBits += 8
            while pendingBits >= bitsPerCharacter {
                pendingBits -= bitsPerCharacter
                text.append(alphabet[(pending >> pendingBits) & (alphabet.count - 1)])
            }
        }
        if pendingBits > 0 {
            let padded = pending << (bitsPerCharacter - pendingBits)
            text.append(alphabet[padded & (alphabet.count - 1)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The byte string of a text; nil when a character is not in the alphabet, when the last
    /// character is one too many, or when its unused bits are not zero.
    package func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var pending = 0
        var pendingBits = 0
        for character in text.utf8 {
            guard let value = values[Int(character)] else { return nil }
            pending = (pending << bitsPerCharacter | Int(value)) & 0xFFFF
            pendingBits += bitsPerCharacter
            if pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> pendingBits))
            }
        }
        guard pendingBits < bitsPerCharacter, pending & (1 << pendingBits - 1) == 0 else {
            return nil
        }
        return bytes
    }
}
