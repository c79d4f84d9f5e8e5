import Coherence
import Falcon
import Foundation
import Primitives
import SCALE
import Testing

/// Checks signatures with Falcon-1024.
struct FalconSignatures: SignatureVerifier {
    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        guard let validator = set.validator(at: index) else { return false }
        return verify(signature, message: message, publicKey: validator.falconPublicKey)
    }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard let key = try? FalconPublicKey(bytes: publicKey) else { return false }
        return FalconVerifyingKey(key).verify(message: message, paddedSignature: signature)
    }
}

@Suite("The article on Coherence")
struct CoherenceArticle {
    /// A certificate and the set that it is of, recorded from a running node.
    private struct Recorded: Decodable {
        struct Proof: Decodable { let certificate: String }
        struct Validators: Decodable {
            struct Member: Decodable {
                let accountId: String
                let falconPublicKey: String
            }
            let setId: UInt64
            let supermajority: String
            let validators: [Member]
        }
        let genesisHash: String
        let proof: Proof
        let validators: Validators
    }

    private func recorded() throws -> (set: ValidatorSet, genesis: Hash256, hex: String) {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Vectors/protocol/certificate-local.json")
        let recorded = try JSONDecoder().decode(
            Recorded.self, from: Foundation.Data(contentsOf: file))
        let members = try recorded.validators.validators.map { member in
            let account = try #require([UInt8](hex: member.accountId).flatMap { AccountID($0) })
            let key = try #require([UInt8](hex: member.falconPublicKey))
            return try #require(ValidatorIdentity(account: account, falconPublicKey: key))
        }
        let policy = try #require(QuorumPolicy(name: recorded.validators.supermajority))
        let set = try ValidatorSet(
            id: SetID(recorded.validators.setId), validators: members, policy: policy)
        let genesis = try #require(Hash256(hex: recorded.genesisHash))
        return (set, genesis, recorded.proof.certificate)
    }

    @Test("a certificate from a node is verified with the set that is trusted")
    func verification() throws {
        let (set, genesis, hex) = try recorded()
        let bytes = try #require([UInt8](hex: hex))
        let certificate = try SCALEDecoder.decode(FinalityCertificate.self, from: bytes)
        try certificate.verify(set: set, genesisHash: genesis, verifier: FalconSignatures())
        #expect(certificate.target.number.rawValue == 2)
        #expect(certificate.precommits.count >= set.quorum)
    }

    @Test("a certificate with a changed signature, or of another chain, is refused")
    func refusals() throws {
        let (set, genesis, hex) = try recorded()
        var bytes = try #require([UInt8](hex: hex))
        let certificate = try SCALEDecoder.decode(FinalityCertificate.self, from: bytes)
        #expect(throws: CertificateInvalid.self) {
            try certificate.verify(set: set, genesisHash: set.hash, verifier: FalconSignatures())
        }
        bytes[bytes.count - 1_270] ^= 1
        let forged = try SCALEDecoder.decode(FinalityCertificate.self, from: bytes)
        #expect(throws: CertificateInvalid.self) {
            try forged.verify(set: set, genesisHash: genesis, verifier: FalconSignatures())
        }
    }
}
