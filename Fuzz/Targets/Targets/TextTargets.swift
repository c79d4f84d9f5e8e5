import Falcon
import Foundation
import Node
import Primitives
import RPC
import TestSupport

/// Texts that people, files and other programs give: JSON and its documents, filters, keys.
enum TextTargets {
    static let all = [json, specification, quantumDocument, logFilter, proof, falcon]

    static let json = FuzzTarget(
        "json", reads: "any JSON text", runs: 30_000, upTo: 4_096,
        samples: {
            [
                Array(#"{"a":[1,-0.5e+3,true,false,null],"b":"x\u00e9\ud83d\ude00\n","":{}}"#.utf8),
                Array(#" [ [ ] , { } , "\"\\\/\b\f\r\t" , 1E2 , 0 ] "#.utf8),
                Array(String(repeating: "[", count: 60).utf8)
                    + Array(String(repeating: "]", count: 60).utf8),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            try Properties.roundTrip(
                bytes, decode: { try? JSONParser.parse($0) }, encode: { $0.utf8 })
        })

    static let specification = FuzzTarget(
        "chain-spec", reads: "a chain specification", runs: 2_500, upTo: 24 * 1024,
        samples: { [Array(try SpecificationBuilder(chain: "local").json().utf8)] },
        check: { bytes throws(FuzzFinding) in
            guard let text = try? SpecificationText(bytes) else { return .refused }
            guard let written = try? text.rewritten(), let again = try? SpecificationText(written)
            else { throw FuzzFinding("what is written for a specification cannot be read") }
            try Properties.require(again.genesisHash == text.genesisHash, "another chain")
            return .accepted
        })

    static let quantumDocument = FuzzTarget(
        "quantum-document", reads: "the document of a quantum source", runs: 8_000, upTo: 2_048,
        samples: {
            [
                Array(
                    """
                    {"measured_at_unix_ms": 1750000000000, "valid_proofs": 12,
                     "rejected_proofs": 1, "reporter_count": 3,
                     "average_qber_basis_points": 50, "min_qber_basis_points": 10,
                     "max_qber_basis_points": 90,
                     "entropy_pool_hash": "0x\(String(repeating: "0a", count: 32))"}
                    """.utf8)
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let document = try? QuantumDocument.parse(bytes) else { return .refused }
            try Properties.require(
                document.minimumQBER <= document.averageQBER
                    && document.averageQBER <= document.maximumQBER
                    && document.maximumQBER <= 10_000
                    && Hash256(hex: document.entropyPoolHash) != nil, "\(document)")
            return .accepted
        })

    static let logFilter = FuzzTarget(
        "log-filter", reads: "the value of -l", runs: 10_000, upTo: 512,
        samples: { [Array("info,coherence=debug,libp2p.yamux=trace,rpc=off".utf8)] },
        check: { bytes throws(FuzzFinding) in
            guard let text = IdentityTargets.text(bytes), let filter = try? LogFilter(text) else {
                return .refused
            }
            for target in filter.levels.keys.sorted() {
                try Properties.require(
                    filter.level(for: target) == filter.levels[target]
                        && filter.level(for: target + ".x") == filter.levels[target],
                    "the level of \(target)")
            }
            return .accepted
        })

    static let proof = FuzzTarget(
        "proof", reads: "the input of verify-certificate", runs: 60, upTo: 16 * 1024,
        samples: {
            let recorded = Repository.root.appending(path: "Vectors/protocol/certificate-dev.json")
            let file = try JSONParser.parse([UInt8](Data(contentsOf: recorded)))
            guard let result = file["proof"] else {
                throw FuzzFinding("the recorded proof has another form")
            }
            return [result.utf8]
        },
        check: { bytes throws(FuzzFinding) in
            guard let text = IdentityTargets.text(bytes) else { return .refused }
            let report = try? CertificateVerification(chain: "dev", text: text).report()
            return report == nil ? .refused : .accepted
        })

    private static let falconKey = FalconSecretKey(developmentURI: "//Alice").publicKey
    private static let falconSignature = sign()

    private static func sign() -> [UInt8] {
        var random = SeededGenerator(seed: 1)
        return FalconSecretKey(developmentURI: "//Alice").sign(message: [1, 2, 3]) { buffer in
            for place in buffer.indices { buffer[place] = UInt8(truncatingIfNeeded: random.next()) }
        }
    }

    static let falcon = FuzzTarget(
        "falcon", reads: "Falcon-1024 signatures and public keys", runs: 6_000, upTo: 2_048,
        samples: { [[0] + falconSignature, [1] + falconKey.bytes] },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let rest = Array(bytes.dropFirst())
            if form % 2 == 0 {
                let key = FalconVerifyingKey(falconKey)
                guard key.verify(message: [1, 2, 3], paddedSignature: rest) else {
                    return .refused
                }
                // One nonce and message have one short vector in reach of a mutation.
                try Properties.require(
                    rest == falconSignature, "another encoding of a signature is taken")
                return .accepted
            }
            guard let key = try? FalconPublicKey(bytes: rest) else { return .refused }
            _ = FalconVerifyingKey(key).verify(message: [1], paddedSignature: falconSignature)
            try Properties.require(key.bytes == rest, "not canonical")
            return .accepted
        })
}
