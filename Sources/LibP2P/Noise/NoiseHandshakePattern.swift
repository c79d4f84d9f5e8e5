/// A step of a handshake message (Noise specification, "Handshake patterns").
package enum NoiseToken: Sendable, Equatable {
    /// The sender's ephemeral public key.
    case e
    /// The sender's static public key, encrypted once there is a key.
    case s
    /// Diffie-Hellman of both ephemeral keys.
    case ee
    /// Diffie-Hellman of the initiator's ephemeral and the responder's static key.
    case es
    /// Diffie-Hellman of the initiator's static and the responder's ephemeral key.
    case se
    /// The initiator's ephemeral encapsulation key, encrypted once there is a key (Noise HFS).
    case e1
    /// A secret encapsulated to that key: its ciphertext, and then the secret itself is mixed in
    /// (Noise HFS).
    case ekem1
}

/// A handshake: its full protocol name, and the steps of its messages, the initiator's first and
/// then in turn.
package struct NoiseHandshakePattern: Sendable, Equatable {
    package let protocolName: String
    package let messages: [[NoiseToken]]

    /// The handshake of libp2p: both sides learn each other's static key, the responder reveals its
    /// own first.
    package static let xx = NoiseHandshakePattern(
        protocolName: "Noise_XX_25519_ChaChaPoly_SHA256",
        messages: [[.e], [.e, .ee, .s, .es], [.s, .se]])

    /// The same with hybrid forward secrecy: the session keys also need the secret of an ephemeral
    /// ML-KEM-768 key.
    package static let xxHybrid = NoiseHandshakePattern(
        protocolName: "Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256",
        messages: [[.e, .e1], [.e, .ee, .ekem1, .s, .es], [.s, .se]])
}

/// The two sides of a handshake.
package enum NoiseRole: Sendable, Equatable {
    case initiator
    case responder
}
