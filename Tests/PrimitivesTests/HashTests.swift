import Primitives
import SCALE
import Testing

struct HashTests {
    // RFC 7693 gives the algorithm; the first is published with the reference code, the last is
    // the root of an empty Substrate trie.
    @Test(
        "BLAKE2b-256 gives the published values",
        arguments: [
            ("", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
            ("616263", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
            ("00", "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"),
        ])
    func blake2b(input: String, hash: String) throws {
        let bytes = try #require([UInt8](hex: input))
        #expect(BLAKE2b256.hash(bytes) == Hash256(hex: hash))
        #expect(BLAKE2bPrefix(bytes).hash(followedBy: []) == Hash256(hex: hash))
    }

    @Test func `parts give the hash of the whole`() {
        let whole = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let expected = BLAKE2b256.hash(whole)
        for cut in [0, 1, 127, 128, 129, 255, 256, 257, 999, 1_000] {
            var parts = BLAKE2b256()
            parts.update(Array(whole[..<cut]))
            parts.update(Array(whole[cut...]))
            #expect(parts.finalize() == expected)
            let prefix = BLAKE2bPrefix(Array(whole[..<cut]))
            #expect(prefix.hash(followedBy: Array(whole[cut...])) == expected)
            // Continuing does not use the beginning up.
            #expect(prefix.hash(followedBy: [1]) == BLAKE2b256.hash(whole[..<cut] + [1]))
            #expect(prefix.hash(followedBy: Array(whole[cut...])) == expected)
        }
    }

    @Test func `a hash takes exactly 32 bytes`() {
        for count in [0, 31, 33, 64] {
            #expect(Hash256([UInt8](repeating: 1, count: count)) == nil)
            #expect(AccountID([UInt8](repeating: 1, count: count)) == nil)
            #expect(Hash256(hex: String(repeating: "01", count: count)) == nil)
        }
        let bytes = (0..<32).map { UInt8($0) }
        #expect(Hash256(bytes)?.bytes == bytes)
        #expect(AccountID(bytes)?.bytes == bytes)
        #expect(Hash256(bytes.lazy.reversed().reversed())?.bytes == bytes)
        #expect(Hash256(([9] + bytes + [9])[1..<33])?.bytes == bytes)
        #expect(Hash256([UInt8](repeating: 0, count: 32)) == .zero)
    }

    @Test("hashes are ordered as byte strings", arguments: 1...4)
    func order(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var left = (0..<32).map { _ in UInt8.random(in: 0...2, using: &random) }
            let right = (0..<32).map { _ in UInt8.random(in: 0...2, using: &random) }
            left.replaceSubrange(0..<Int.random(in: 0...32, using: &random), with: [])
            left = Array(right.prefix(32 - left.count)) + left
            let (a, b) = (try #require(Hash256(left)), try #require(Hash256(right)))
            #expect((a < b) == left.lexicographicallyPrecedes(right), "seed \(seed)")
            #expect((a == b) == (left == right), "seed \(seed)")
        }
    }

    @Test func `a hash is written in full or short`() throws {
        let text = "0x12" + String(repeating: "00", count: 30) + "ef"
        let hash = try #require(Hash256(hex: text))
        #expect(hash.description == text)
        #expect(hash.short == "0x1200…00ef")
        #expect(try SCALEDecoder.decode(Hash256.self, from: hash.scaleBytes) == hash)
        #expect(hash.scaleBytes == hash.bytes)
        #expect(throws: SCALEError.truncated(offset: 0, needed: 1)) {
            _ = try SCALEDecoder.decode(AccountID.self, from: Array(hash.bytes.dropLast()))
        }
    }
}

struct HexadecimalTests {
    @Test func `digits of either case are read, with or without 0x`() {
        #expect([UInt8](hex: "00fFA9") == [0, 255, 169])
        #expect([UInt8](hex: "0x00fFA9") == [0, 255, 169])
        #expect([UInt8](hex: "0X01") == [1])
        #expect([UInt8](hex: "") == [])
        #expect([UInt8](hex: "0x") == [])
    }

    @Test(
        "what is no digit is refused",
        arguments: ["0", "0x0", "0g", "/0", ":0", "@0", "`0", "0 ", "é0", "0x0x00"])
    func refused(text: String) {
        #expect([UInt8](hex: text) == nil)
    }

    @Test func `all bytes are written in lower case and read back`() {
        let all = (0...255).map { UInt8($0) }
        #expect(all.hex.hasPrefix("000102030405060708090a0b"))
        #expect([UInt8](hex: all.hex) == all)
    }
}
