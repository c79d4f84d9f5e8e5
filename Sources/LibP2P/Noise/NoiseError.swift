/// Why a Noise handshake or a secured connection ends.
///
/// There is no alert in Noise: whatever the case, the connection is closed.
public enum NoiseError: Error, Sendable, Equatable {
    /// A handshake message or a record ends before its last field.
    case messageTooShort(byteCount: Int)
    /// A handshake message above `NoiseHandshake.maximumMessageByteCount`.
    case messageTooLong(byteCount: Int)
    /// The tag does not match: altered, replayed, or encrypted with another key.
    case decryptionFailed
    /// A public key of small order: the shared secret would be all zeros.
    case weakPublicKey
    /// An ML-KEM-768 encapsulation key whose coefficients are not reduced.
    case invalidEncapsulationKey
    /// Both sides have the hybrid encryption and yet agreed on the classical one: somebody in
    /// between changed what was proposed.
    case downgraded
    /// The handshake payload is no protobuf message of its kind.
    case malformedPayload
    /// The handshake payload has no identity key or no signature.
    case missingIdentity
    /// The identity key cannot be read or used.
    case invalidIdentityKey(KeyError)
    /// The identity key did not sign the static key.
    case invalidIdentitySignature
    /// Somebody else than the peer that was dialled.
    case unexpectedPeer(expected: PeerID, actual: PeerID)
    /// More records without content in a row than `SecuredChannel.maximumEmptyRecordCount`.
    case tooManyEmptyRecords
    /// 2^64 - 1 records in one direction.
    case nonceExhausted
    /// The connection ended before the handshake did.
    case endOfStream
}
