import Falcon
import Foundation
import Glibc
import Primitives
import TestSupport

/// Falcon-1024 here and in pqcrypto, on the same inputs, in turn. Microseconds for each call.
struct FalconFigures: Codable {
    let keygen: Distribution
    let sign: Distribution
    /// With a key that was decoded and transformed before, as votes are verified.
    let verifyPrepared: Distribution
    /// From the encoded key: decoded, transformed, then verified.
    let verifyUnprepared: Distribution
    let pqcryptoVersion: String
    let pqcryptoKeygen: Distribution
    let pqcryptoSign: Distribution
    let pqcryptoVerify: Distribution
    /// How many times both had their turn.
    let turnCount: Int

    static func measure(isQuick: Bool) throws -> FalconFigures {
        var ours = Samples()
        var theirs = Samples()
        var version = ""
        let turnCount = isQuick ? 2 : 5
        for turn in 0..<turnCount {
            let work = FalconWork(
                seed: UInt64(turn), keyCount: isQuick ? 4 : 20, messageCount: isQuick ? 40 : 200)
            try work.run(into: &ours)
            version = try work.runInPQCrypto(into: &theirs)
        }
        return FalconFigures(
            keygen: try Distribution(ours.keygen, of: "keygen"),
            sign: try Distribution(ours.sign, of: "sign"),
            verifyPrepared: try Distribution(ours.verifyPrepared, of: "verify"),
            verifyUnprepared: try Distribution(ours.verifyUnprepared, of: "verify"),
            pqcryptoVersion: version,
            pqcryptoKeygen: try Distribution(theirs.keygen, of: "pqcrypto keygen"),
            pqcryptoSign: try Distribution(theirs.sign, of: "pqcrypto sign"),
            pqcryptoVerify: try Distribution(theirs.verifyPrepared, of: "pqcrypto verify"),
            turnCount: turnCount)
    }

    fileprivate struct Samples {
        var keygen: [Double] = []
        var sign: [Double] = []
        var verifyPrepared: [Double] = []
        var verifyUnprepared: [Double] = []
    }
}

/// Keys and messages that one turn is about.
private final class FalconWork {
    /// As long as what a vote's signature covers.
    private static let messageByteCount = 213

    private let keyCount: Int
    private let messages: [[UInt8]]
    private var secretKeys: [[UInt8]] = []
    private var publicKeys: [[UInt8]] = []
    private var signatures: [[UInt8]] = []

    init(seed: UInt64, keyCount: Int, messageCount: Int) {
        var random = SeededGenerator(seed: seed)
        self.keyCount = keyCount
        messages = (0..<messageCount).map { _ in
            (0..<Self.messageByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
    }

    func run(into samples: inout FalconFigures.Samples) throws {
        func fill(_ buffer: UnsafeMutableRawBufferPointer) {
            precondition(getentropy(buffer.baseAddress, buffer.count) == 0, "no random bytes")
        }
        signatures = messages.map { _ in [] }
        for keyNumber in 0..<keyCount {
            let start = MachineClock.nanoseconds
            let key = FalconSecretKey(randomness: fill)
            samples.keygen.append(Double(MachineClock.nanoseconds - start) / 1_000)
            for number in stride(from: keyNumber, to: messages.count, by: keyCount) {
                let start = MachineClock.nanoseconds
                signatures[number] = key.sign(message: messages[number], randomness: fill)
                samples.sign.append(Double(MachineClock.nanoseconds - start) / 1_000)
            }
            secretKeys.append(key.bytes)
            publicKeys.append(key.publicKey.bytes)
        }
        let prepared = try publicKeys.map { FalconVerifyingKey(try FalconPublicKey(bytes: $0)) }
        for (number, message) in messages.enumerated() {
            let signature = signatures[number]
            let (time, isValid) = MachineClock.time {
                prepared[number % keyCount].verify(message: message, paddedSignature: signature)
            }
            samples.verifyPrepared.append(time)
            let (longer, isValidToo) = try MachineClock.time {
                let key = try FalconPublicKey(bytes: publicKeys[number % keyCount])
                return FalconVerifyingKey(key).verify(message: message, paddedSignature: signature)
            }
            samples.verifyUnprepared.append(longer)
            guard isValid, isValidToo else {
                throw MeasurementFailure("an own signature is not valid")
            }
        }
    }

    /// Returns pqcrypto's version.
    func runInPQCrypto(into samples: inout FalconFigures.Samples) throws -> String {
        struct Request: Encodable {
            let messages, secretKeys, publicKeys, signatures: [String]
            let keygenCount: Int
        }
        struct Answer: Decodable {
            let version: String
            let keygen, sign, verify: [Double]
        }
        func hex(_ values: [[UInt8]]) -> [String] {
            values.map { $0.map { String(format: "%02x", $0) }.joined() }
        }
        let request = Request(
            messages: hex(messages), secretKeys: hex(secretKeys), publicKeys: hex(publicKeys),
            signatures: hex(signatures), keygenCount: keyCount)
        let script = Repository.root.appending(path: "Benchmarks/falcon_pqcrypto.py").path
        let (status, output) = try Program.run(
            URL(filePath: Repository.python), [script],
            input: String(decoding: try JSONEncoder().encode(request), as: UTF8.self))
        guard status == 0 else { throw MeasurementFailure("pqcrypto: \(output)") }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(output.utf8))
        samples.keygen += answer.keygen
        samples.sign += answer.sign
        samples.verifyPrepared += answer.verify
        return answer.version
    }
}
