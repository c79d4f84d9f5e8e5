import Keystore
import Primitives
import RemoteSigning
import SCALE

/// Secrets as people write them, and what nodes and signing processes say to each other.
enum KeyTargets {
    static let all = [secrets, signer]

    static let secrets = FuzzTarget(
        "secrets", reads: "secret URIs and phrases", runs: 10_000, upTo: 256,
        samples: {
            [
                [0] + Array("//Alice/soft//7///password".utf8),
                [0] + Array("0x\(String(repeating: "07", count: 32))//0".utf8),
                [1] + Array(SecretPhrase.development.utf8),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first, let text = IdentityTargets.text(bytes.dropFirst()) else {
                return .refused
            }
            guard form % 2 == 1 else {
                guard let uri = try? SecretURI(text) else { return .refused }
                try Properties.require(
                    uri.junctions.count <= SecretURI.maximumJunctionCount
                        && uri.junctions.allSatisfy { $0.chainCode.count == 32 },
                    "\(text): junctions out of bounds")
                return .accepted
            }
            guard let words = try? SecretPhrase(text).words else { return .refused }
            try Properties.require(
                (try? SecretPhrase(words).words) == words, "\(text): is read as another phrase")
            return .accepted
        })

    static let signer = FuzzTarget(
        "signer", reads: "queries and answers of signing processes, and what is to be signed",
        runs: 20_000, upTo: 2_048,
        samples: {
            let extrinsic =
                Array("quantumharmony/extrinsic/1".utf8) + [UInt8](repeating: 1, count: 33) + [0]
                + [UInt8](repeating: 2, count: 40) + [0]
            let key = [UInt8](repeating: 9, count: 1_793)
            return [
                [0] + SignerQuery.keys.scaleBytes, [0] + SignerQuery.makeKey.scaleBytes,
                [0] + SignerQuery.sign(.extrinsic(extrinsic), key: .zero).scaleBytes,
                [1] + SignerAnswer.keys([key]).scaleBytes,
                [1] + SignerAnswer.refused("no").scaleBytes,
                [2, SigningRequest.Kind.extrinsic.rawValue] + extrinsic,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let rest = Array(bytes.dropFirst())
            switch form % 3 {
            case 0: return try Properties.scale(SignerQuery.self, rest)
            case 1: return try Properties.scale(SignerAnswer.self, rest)
            default:
                guard let kind = rest.first.flatMap({ SigningRequest.Kind(rawValue: $0) }) else {
                    return .refused
                }
                let request = SigningRequest(kind, Array(rest.dropFirst()))
                return (try? request.meaning(for: [])) == nil ? .refused : .accepted
            }
        })
}
