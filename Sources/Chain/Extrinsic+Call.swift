package import Primitives
internal import SCALE

extension Extrinsic {
    /// What an extrinsic asks for: its kind with the operands that stand in the payload.
    ///
    /// Payloads: remark, any bytes; rotate key, { new_key [1793], proof [1280] }; evidence, a
    /// `DoubleVote`; nominate, { index u8 = 0, account [32], key [1793], proof [1280] } to add, {
    /// index u8 = 1, account [32] } to remove; leave, nothing.
    package enum Call: Sendable, Hashable {
        /// Bytes that stand on the chain and do nothing.
        case remark([UInt8])
        /// The signer's key in the next set, with the proof that the signer has it.
        case rotateKey(newKey: [UInt8], proof: [UInt8])
        /// Evidence that a validator voted twice, in the encoding of whoever judges it.
        case evidence([UInt8])
        /// The signer is for adding a member, who proves that it has its key.
        case nominateAddition(ValidatorIdentity, proof: [UInt8])
        /// The signer is for removing a member.
        case nominateRemoval(AccountID)
        /// The signer leaves with the next set.
        case leave

        /// The kind that stands in the extrinsic.
        package var kind: Kind {
            switch self {
            case .remark: .remark
            case .rotateKey: .rotateKey
            case .evidence: .evidence
            case .nominateAddition, .nominateRemoval: .nominate
            case .leave: .leave
            }
        }

        /// The payload that stands in the extrinsic.
        package var payload: [UInt8] {
            var encoder = SCALEEncoder(capacity: 3_200)
            switch self {
            case .remark(let bytes), .evidence(let bytes): return bytes
            case .rotateKey(let key, let proof):
                encoder.appendRaw(key)
                encoder.appendRaw(proof)
            case .nominateAddition(let identity, let proof):
                encoder.append(SetChange.add(identity))
                encoder.appendRaw(proof)
            case .nominateRemoval(let account): encoder.append(SetChange.remove(account))
            case .leave: break
            }
            return encoder.bytes
        }

        /// Reads a payload of a kind; nil when it is none.
        init?(_ kind: Kind, payload: [UInt8]) {
            do throws(SCALEError) {
                self = try Self.decode(kind, payload)
            } catch {
                return nil
            }
        }

        private static func decode(_ kind: Kind, _ payload: [UInt8]) throws(SCALEError) -> Call {
            var decoder = SCALEDecoder(payload)
            let call: Call
            switch kind {
            case .remark: return .remark(payload)
            case .evidence: return .evidence(payload)
            case .rotateKey:
                call = .rotateKey(
                    newKey: try decoder.readRaw(ValidatorIdentity.publicKeyByteCount),
                    proof: try decoder.readRaw(SignatureFormat.byteCount))
            case .nominate:
                switch try decoder.read(SetChange.self) {
                case .add(let identity):
                    call = .nominateAddition(
                        identity, proof: try decoder.readRaw(SignatureFormat.byteCount))
                case .remove(let account): call = .nominateRemoval(account)
                }
            case .leave: call = .leave
            }
            try decoder.finish()
            return call
        }
    }

    /// What the holder of a new key signs with it, so that nobody registers a key of another:
    /// "quantumharmony/key-proof/1" || genesis_hash || account || new_key.
    package static func keyProofBytes(
        genesisHash: Hash256, account: AccountID, newKey: [UInt8]
    ) -> [UInt8] {
        var encoder = SCALEEncoder(capacity: 2_048)
        encoder.appendRaw("quantumharmony/key-proof/1".utf8)
        encoder.append(genesisHash)
        encoder.append(account)
        encoder.appendRaw(newKey)
        return encoder.bytes
    }

    /// What the signer signs for a call.
    package static func signingBytes(
        call: Call, signer: AccountID, nonce: UInt64, genesisHash: Hash256
    ) -> [UInt8] {
        signingBytes(
            kind: call.kind, signer: signer, nonce: nonce, payload: call.payload,
            genesisHash: genesisHash)
    }

    /// Makes an extrinsic of a call; nil when an operand or the signature has a length that is not
    /// allowed.
    package init?(call: Call, signer: AccountID, nonce: UInt64, signature: [UInt8]) {
        self.init(
            kind: call.kind, signer: signer, nonce: nonce, payload: call.payload,
            signature: signature)
    }
}
