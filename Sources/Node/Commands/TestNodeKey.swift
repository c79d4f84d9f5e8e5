internal import LibP2P
internal import Primitives

/// The node key of a validator of test networks; like all development keys, everybody knows it.
public struct TestNodeKey: Sendable {
    /// 64 hexadecimal digits.
    public let digits: String
    public let peerID: String

    /// The key of the development account of that URI: BLAKE2b-256 of
    /// "quantumharmony/dev-node/1" and the URI.
    public init?(uri: String) {
        let seed = BLAKE2b256.hash(Array("quantumharmony/dev-node/1".utf8) + Array(uri.utf8)).bytes
        guard let identity = NodeIdentity(seed: Array(seed)) else { return nil }
        digits = seed.hex
        peerID = "\(identity.peerID)"
    }
}
