/// What a node shows in its handshakes: an X25519 static key, and the identity's signature for it.
///
/// Made once, used for any number of connections: the signature does not depend on the handshake.
public struct NoiseCredentials: Sendable {
    /// The node itself.
    public let peerID: PeerID
    let staticKey: NoisePrivateKey
    let payload: NoisePayload

    /// Credentials of a node. `earlyMuxers` are the multiplexers to be offered inside the
    /// handshake, best first: with none, which is what Substrate nodes do, the multiplexer is
    /// negotiated after it.
    public init(identity: NodeIdentity, staticKey: NoisePrivateKey, earlyMuxers: [String] = []) {
        precondition(earlyMuxers.count <= NoisePayload.maximumMuxerCount)
        precondition(earlyMuxers.allSatisfy(MultistreamMessage.isProtocolName))
        peerID = identity.peerID
        self.staticKey = staticKey
        payload = NoisePayload(
            identity: identity, staticKey: staticKey.publicKey, streamMuxers: earlyMuxers)
    }
}
