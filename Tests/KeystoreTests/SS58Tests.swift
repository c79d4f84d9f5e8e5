import Foundation
import Keystore
import Primitives
import Testing

@Suite("SS58 addresses")
struct SS58Tests {
    struct Vectors: Decodable {
        struct Valid: Decodable, Sendable, CustomTestStringConvertible {
            var prefix: UInt16
            var pubkey: String
            var address: String
            var testDescription: String { address }
        }
        struct Invalid: Decodable, Sendable, CustomTestStringConvertible {
            var address: String
            var why: String
            var testDescription: String { "\(address): \(why)" }
        }
        var valid: [Valid]
        var invalid: [Invalid]
    }

    static let vectors: Vectors = {
        do {
            return try JSONDecoder().decode(
                Vectors.self, from: VectorFile.contents("keystore/ss58.json"))
        } catch {
            preconditionFailure("ss58.json: \(error)")
        }
    }()

    @Test("the vectors' addresses go both ways", arguments: vectors.valid)
    func valid(vector: Vectors.Valid) throws {
        let account = try #require([UInt8](hex: vector.pubkey).flatMap { AccountID($0) })
        let address = try #require(SS58Address(account, prefix: vector.prefix))
        #expect(address.description == vector.address)
        #expect(try SS58Address(vector.address) == address)
        #expect(try SS58Address(vector.address, expecting: vector.prefix) == address)
        let other: UInt16 = vector.prefix == 42 ? 43 : 42
        #expect(throws: SS58Error.otherPrefix(expected: other, found: vector.prefix)) {
            try SS58Address(vector.address, expecting: other)
        }
    }

    @Test("the vectors' invalid addresses are refused", arguments: vectors.invalid)
    func invalid(vector: Vectors.Invalid) {
        #expect(throws: SS58Error.self) { try SS58Address(vector.address) }
    }

    @Test("each refusal says what is wrong")
    func reasons() throws {
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
        #expect(throws: SS58Error.notBase58) { try SS58Address("") }
        #expect(throws: SS58Error.notBase58) { try SS58Address("0" + alice.dropFirst()) }
        #expect(throws: SS58Error.notBase58) { try SS58Address(" " + alice) }
        #expect(throws: SS58Error.notBase58) { try SS58Address(alice + "é") }
        #expect(throws: SS58Error.wrongChecksum) { try SS58Address(alice.dropLast() + "Z") }
        #expect(throws: SS58Error.wrongLength(byteCount: 36)) { try SS58Address(alice + "1") }
        #expect(throws: SS58Error.reservedPrefix(46)) {
            try SS58Address("5g1axYPrdA2VeKsqmz8WKpa8f3n4T9ou8Qv3f8BaeheH3ApS")
        }
        #expect(throws: SS58Error.invalidPrefix) {
            try SS58Address("DrZg9tnv91k6T93t3eGTHiNyeqWAxBSabYLp7AvGcpQG7do5")
        }
        for error: SS58Error in [
            .notBase58, .wrongLength(byteCount: 3), .invalidPrefix, .reservedPrefix(46),
            .wrongChecksum, .otherPrefix(expected: 42, found: 0),
        ] { #expect(!error.description.isEmpty) }
    }

    @Test("every prefix that is not reserved goes both ways")
    func allPrefixes() throws {
        let account = try #require(AccountID([UInt8](repeating: 7, count: 32)))
        for prefix in UInt16(0)...SS58Address.maximumPrefix {
            guard let address = SS58Address(account, prefix: prefix) else {
                #expect(prefix == 46 || prefix == 47)
                continue
            }
            #expect(try SS58Address(address.description).prefix == prefix)
        }
        #expect(SS58Address(account, prefix: 16_384) == nil)
    }

    @Test("a wrong character never passes for another account", arguments: [1, 2, 3])
    func typingErrors(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
        let alice = Array("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
        var passed = 0
        for _ in 0..<2_000 {
            var text = alice
            let position = Int.random(in: 0..<text.count, using: &generator)
            text[position] = alphabet.randomElement(using: &generator) ?? "1"
            if text != alice, (try? SS58Address(String(text))) != nil { passed += 1 }
        }
        // The checksum has 16 bits: one in 65,536 passes.
        #expect(passed <= 1, "seed \(seed)")
    }
}

/// Reads files from `Vectors`.
enum VectorFile {
    static func contents(_ path: String) throws -> Data {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try Data(contentsOf: root.appending(path: "Vectors/\(path)"))
    }
}
