/// Text forms in which a byte string is one large number: base58btc and base36.
///
/// Every leading zero byte becomes one leading zero digit. The work grows with the square of the
/// length, so decoding refuses texts longer than any identifier.
package struct RadixEncoding: Sendable {
    /// The most characters that `decode` looks at.
    package static let maximumTextByteCount = 512

    /// Bitcoin's alphabet without 0, O, I and l.
    package static let base58 = RadixEncoding(
        alphabet: "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
    /// Digits and lower-case letters.
    package static let base36 = RadixEncoding(alphabet: "0123456789abcdefghijklmnopqrstuvwxyz")

    private let alphabet: [UInt8]
    private let values: [UInt8?]

    private init(alphabet: String) {
        self.alphabet = Array(alphabet.utf8)
        values = inverse(of: self.alphabet)
    }

    /// The text of a byte string.
    package func encode(_ bytes: [UInt8]) -> String {
        let zeros = bytes.prefix { $0 == 0 }.count
        let digits = Self.convert(bytes.dropFirst(zeros).map(\.self), from: 256, to: alphabet.count)
        let leading = repeatElement(alphabet[0], count: zeros)
        return String(decoding: leading + digits.map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// The byte string of a text; nil when a character is no digit or the text is too long.
    package func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count <= Self.maximumTextByteCount else { return nil }
        var digits: [UInt8] = []
        for character in text.utf8 {
            guard let value = values[Int(character)] else { return nil }
            digits.append(value)
        }
        let zeros = digits.prefix { $0 == 0 }.count
        let bytes = Self.convert(
            digits.dropFirst(zeros).map(\.self), from: alphabet.count, to: 256)
        return repeatElement(0, count: zeros) + bytes
    }

    /// Changes the base of a number, most significant digit first, without leading zeros.
    private static func convert(_ digits: [UInt8], from base: Int, to target: Int) -> [UInt8] {
        var result: [UInt8] = []
        for digit in digits {
            var carry = Int(digit)
            for index in result.indices {
                carry += Int(result[index]) * base
                result[index] = UInt8(carry % target)
                carry /= target
            }
            while carry > 0 {
                result.append(UInt8(carry % target))
                carry /= target
            }
        }
        return result.reversed()
    }
}

/// For every byte its position in an alphabet, nil where it is not in it.
func inverse(of alphabet: [UInt8]) -> [UInt8?] {
    var values = [UInt8?](repeating: nil, count: 256)
    for (position, character) in alphabet.enumerated() {
        values[Int(character)] = UInt8(position)
    }
    return values
}
