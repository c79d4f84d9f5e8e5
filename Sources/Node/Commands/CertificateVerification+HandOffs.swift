import Foundation
internal import Chain
internal import Coherence
internal import Primitives
internal import RPC
internal import SCALE

extension CertificateVerification {
    /// Goes from the chain's first set to a later one, by one certificate per set.
    ///
    /// - Returns: the set; the first one when there is nothing to follow.
    static func follow(
        _ proofs: [HandOffProof], from chain: ResolvedChain, to wanted: SetID
    ) throws(Invalid) -> ValidatorSet {
        var set = chain.set
        for proof in proofs where set.id < wanted {
            guard proof.certificate.setID >= set.id else { continue }
            do throws(CertificateInvalid) {
                _ = try proof.certificate.verify(
                    set: set, genesisHash: chain.genesisHash, verifier: FalconVerifier())
            } catch {
                throw .handOff("that of set \(set.id): \(error)")
            }
            guard proof.header.hash == proof.certificate.target.hash else {
                throw .handOff("that of set \(set.id) has the header of another block")
            }
            guard proof.header.handOff == HandOff(proof.nextSet),
                proof.nextSet.id == set.id.successor
            else { throw .handOff("the block of set \(set.id) does not announce the next one") }
            set = proof.nextSet
        }
        return set
    }

    /// Reads an answer of `coherence_handOffs`, alone or within its JSON-RPC answer.
    static func parseHandOffs(_ text: String) throws(Invalid) -> [HandOffProof] {
        let json = try? JSONSerialization.jsonObject(with: Foundation.Data(text.utf8))
        let list = (json as? [String: Any])?["result"] ?? json
        guard text.utf8.count <= maximumByteCount, let list = list as? [[String: Any]] else {
            throw .handOff("the input is no answer of coherence_handOffs")
        }
        var proofs: [HandOffProof] = []
        for entry in list {
            guard let certificate: FinalityCertificate = decode(entry["certificate"]),
                let header: Header = decode(entry["header"]),
                let next: ValidatorSet = decode(entry["nextSet"])
            else { throw .handOff("entry \(proofs.count) cannot be decoded") }
            proofs.append(
                HandOffProof(certificate: certificate, header: header, nextSet: next))
        }
        return proofs
    }

    private static func decode<Value: SCALEDecodable>(_ digits: Any?) -> Value? {
        (digits as? String).flatMap { [UInt8](hex: $0) }.flatMap {
            try? SCALEDecoder.decode(from: $0)
        }
    }
}
