/// What a node shows in its handshakes: an X25519 static key, and the identity's signature for it.
///
/// Made once, used for any number of connections: the signature does not depend on the handshake.
public struct NoiseCredentials: Sendable {
    /// The node itself.
    public let peerID: PeerID
    let staticKey: NoisePrivateKey
    let payload: NoisePayload
    /// How connections may be encrypted.
    public let security: SecurityPolicy

    /// Credentials of a node. `earlyMuxers` are the multiplexers to be offered inside the
    /// handshake, best first: with none, which is what Substrate nodes do, the multiplexer is
    /// negotiated after it. A policy with the hybrid encryption is told to the peer inside the
    /// handshake, so that both notice when somebody in between talks them out of it.
    public init(
        identity: NodeIdentity, staticKey: NoisePrivateKey, earlyMuxers: [String] = [],
        security: SecurityPolicy = .classical
    ) {
        precondition(earlyMuxers.count <= NoisePayload.maximumMuxerCount)
        precondition(earlyMuxers.allSatisfy(MultistreamMessage.isProtocolName))
        peerID = identity.peerID
        self.security = security
        self.staticKey = staticKey
        payload = NoisePayload(
            identity: identity, staticKey: staticKey.publicKey, streamMuxers: earlyMuxers,
            securityProtocols: security == .classical ? [] : security.protocols.map(\.name))
    }
}
