import Falcon
import Foundation
import Testing

/// Both directions against pqcrypto 0.4.0, which ships PQClean's portable Falcon.
///
/// Needs a Python with that package: `QH_PYTHON` names the interpreter, "python3" if it is not set.
/// Without it the tests fail; they are not skipped.
@Suite(.serialized) struct FalconPQCryptoTests {
    private static let rounds = 50

    @Test func `pqcrypto is there, in the version meant`() throws {
        let peer = try PQCrypto()
        #expect(try peer.ask(["op": "version"]).version == "0.4.0")
    }

    @Test(arguments: ["padded", "variable"])
    func `signatures of pqcrypto are valid here`(scheme: String) throws {
        let peer = try PQCrypto()
        for round in 0..<Self.rounds {
            let pair = try peer.ask(["op": "keygen", "scheme": scheme])
            let publicKey = try #require(pair.publicKey)
            let secretKey = try #require(pair.secretKey)
            let message = Self.message(round)
            let reply = try peer.ask([
                "op": "sign", "scheme": scheme, "secretKey": secretKey,
                "message": Self.hex(message),
            ])
            let signature = Self.bytes(try #require(reply.signature))
            let key = FalconVerifyingKey(try FalconPublicKey(bytes: Self.bytes(publicKey)))
            if scheme == "padded" {
                #expect(key.verify(message: message, paddedSignature: signature))
            }
            #expect(key.verify(message: message, variableLengthSignature: signature))
            #expect(!key.verify(message: message + [0], variableLengthSignature: signature))
            // The other side's secret key is one here as well, and has the same public key.
            let loaded = try FalconSecretKey(bytes: Self.bytes(secretKey))
            #expect(loaded.publicKey == key.publicKey)
        }
    }

    @Test(arguments: ["padded", "variable"])
    func `our signatures are valid for pqcrypto`(scheme: String) throws {
        let peer = try PQCrypto()
        var random = SystemRandomNumberGenerator()
        func fill(_ buffer: UnsafeMutableRawBufferPointer) {
            for index in buffer.indices {
                buffer[index] = UInt8.random(in: .min ... .max, using: &random)
            }
        }
        for round in 0..<Self.rounds {
            let key = FalconSecretKey(randomness: fill)
            let message = Self.message(round)
            let signature: [UInt8]
            if scheme == "padded" {
                signature = key.sign(message: message, randomness: fill)
            } else {
                let natural = key.signVariableLength(message: message, randomness: fill)
                signature = try #require(natural)
            }
            var request = [
                "op": "verify", "scheme": scheme, "publicKey": Self.hex(key.publicKey.bytes),
                "message": Self.hex(message), "signature": Self.hex(signature),
            ]
            #expect(try peer.ask(request).valid == true)
            request["message"] = Self.hex(message + [0])
            #expect(try peer.ask(request).valid == false)
            // Our secret key signs there, too.
            let reply = try peer.ask([
                "op": "sign", "scheme": scheme, "secretKey": Self.hex(key.bytes),
                "message": Self.hex(message),
            ])
            let theirs = Self.bytes(try #require(reply.signature))
            let verifyingKey = FalconVerifyingKey(key.publicKey)
            #expect(verifyingKey.verify(message: message, variableLengthSignature: theirs))
        }
    }

    private static func message(_ round: Int) -> [UInt8] {
        (0..<(7 * round)).map { UInt8(truncatingIfNeeded: $0 * round) }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String(format: "%02x", $0) }.joined()
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { Character(UnicodeScalar($0)).hexDigitValue ?? 0 }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}

/// A Python process that answers requests; see falcon_pqcrypto.py.
private final class PQCrypto {
    struct Reply: Decodable {
        var version: String?
        var publicKey: String?
        var secretKey: String?
        var signature: String?
        var valid: Bool?
        var error: String?
    }

    enum Failure: Error {
        /// The process ended or closed its output; what it wrote to its standard error is there.
        case noAnswer(String)
        case refused(String)
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()
    private var buffered = Data()

    init() throws {
        let python = ProcessInfo.processInfo.environment["QH_PYTHON"] ?? "python3"
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "falcon_pqcrypto.py")
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python, script.path()]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        // A peer that is gone must be an error of the write, not the end of the tests.
        signal(SIGPIPE, SIG_IGN)
        try process.run()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    func ask(_ request: [String: String]) throws -> Reply {
        var line = try JSONEncoder().encode(request)
        line.append(0x0A)
        do {
            try input.fileHandleForWriting.write(contentsOf: line)
        } catch {
            throw missing()
        }
        while true {
            if let end = buffered.firstIndex(of: 0x0A) {
                let reply = try JSONDecoder().decode(Reply.self, from: buffered[..<end])
                buffered = Data(buffered[(end + 1)...])
                if let error = reply.error {
                    throw Failure.refused(error)
                }
                return reply
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty {
                throw missing()
            }
            buffered.append(more)
        }
    }

    private func missing() -> Failure {
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return .noAnswer(
            "no answer from pqcrypto; QH_PYTHON must name a Python that has pqcrypto 0.4.0: "
                + text)
    }
}
