internal import Crypto
internal import Primitives

/// A secret as words (BIP-39, English), turned into a seed in Substrate's way.
///
/// Unlike BIP-39, which stretches the text of the phrase, Substrate stretches the entropy that the
/// words encode: PBKDF2-HMAC-SHA512(entropy, "mnemonic" || password, 2,048 rounds), of whose 64
/// bytes the first 32 are the seed (crate substrate-bip39).
package struct SecretPhrase: ~Copyable {
    /// The word counts there are, with 16 to 32 bytes of entropy.
    package static let wordCounts = [12, 15, 18, 21, 24]
    /// The bytes of a seed.
    package static let seedByteCount = 32
    /// The phrase of development keys, known to everybody.
    package static let development =
        "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
    /// The words that phrases are made of, in their order.
    package static var allWords: [String] { EnglishWords.all.map(String.init) }
    private static let roundCount = 2_048
    private static let bitsPerWord = 11

    private let entropy: SecretBytes

    /// A new phrase of that many words, from the operating system's randomness; nil for a count
    /// that there is not.
    package init?(wordCount: Int) throws(KeystoreError) {
        guard Self.wordCounts.contains(wordCount) else { return nil }
        entropy = try SystemRandomness.bytes(count: wordCount / 3 * 4)
    }

    /// Reads a phrase; its words are separated by one or more spaces.
    ///
    /// - Throws: `invalidURI` for a wrong number of words, an unknown word or a wrong checksum.
    package init(_ text: some StringProtocol) throws(KeystoreError) {
        let words = text.split(separator: " ", maxSplits: 24)
        guard Self.wordCounts.contains(words.count) else {
            throw .invalidURI(
                reason: "a phrase has 12, 15, 18, 21 or 24 words, this one \(words.count)")
        }
        let entropyCount = words.count / 3 * 4
        // One byte for the checksum of 4 to 8 bits.
        var bits = SecretBytes(count: entropyCount + 1)
        for (place, word) in words.enumerated() {
            guard let number = EnglishWords.number(of: word) else {
                throw .invalidURI(reason: "word \(place + 1) of the phrase is not in the list")
            }
            bits.withBytes { Self.write(number, at: place * Self.bitsPerWord, into: $0) }
        }
        let found = bits.withBytes { $0[entropyCount] }
        bits.truncate(to: entropyCount)
        guard found == Self.checksum(of: bits) else {
            throw .invalidURI(reason: "the phrase is mistyped: its checksum is wrong")
        }
        entropy = bits
    }

    /// The words. The text is the caller's to look after; nothing erases it.
    package var words: String {
        let all = SecretBytes(count: entropy.count + 1)
        all.withBytes { target in
            entropy.withBytes { target.copyMemory(from: UnsafeRawBufferPointer($0)) }
            target[entropy.count] = Self.checksum(of: entropy)
        }
        let wordCount = entropy.count / 4 * 3
        return all.withBytes { bytes in
            (0..<wordCount).map { String(EnglishWords.all[Self.number(at: $0, in: bytes)]) }
        }.joined(separator: " ")
    }

    /// The 32 bytes that keys are made of.
    package borrowing func seed(password: String) -> SecretBytes {
        let key = entropy.withBytes { SymmetricKey(data: UnsafeRawBufferPointer($0)) }
        var block = Array(
            HMAC<SHA512>.authenticationCode(
                for: Array("mnemonic".utf8) + Array(password.utf8) + [0, 0, 0, 1], using: key))
        var sum = block
        defer {
            block.erase()
            sum.erase()
        }
        for _ in 1..<Self.roundCount {
            block = Array(HMAC<SHA512>.authenticationCode(for: block, using: key))
            for place in sum.indices { sum[place] ^= block[place] }
        }
        return SecretBytes(copying: sum.prefix(Self.seedByteCount))
    }

    /// The first bits of the entropy's SHA-256, one for each 32, at the top of a byte.
    private static func checksum(of entropy: borrowing SecretBytes) -> UInt8 {
        let hash = entropy.withBytes { SHA256.hash(data: UnsafeRawBufferPointer($0)) }
        let bitCount = entropy.count / 4
        let first = hash.withUnsafeBytes { $0[0] }
        return first & ~UInt8(truncatingIfNeeded: 0xFF >> bitCount)
    }

    private static func write(
        _ number: Int, at bit: Int, into bytes: UnsafeMutableRawBufferPointer
    ) {
        for place in 0..<bitsPerWord where number >> (bitsPerWord - 1 - place) & 1 == 1 {
            bytes[(bit + place) / 8] |= 0x80 >> ((bit + place) % 8)
        }
    }

    private static func number(at place: Int, in bytes: UnsafeMutableRawBufferPointer) -> Int {
        let bit = place * bitsPerWord
        return (bit..<bit + bitsPerWord).reduce(0) { number, bit in
            number << 1 | Int(bytes[bit / 8] >> (7 - bit % 8) & 1)
        }
    }
}
