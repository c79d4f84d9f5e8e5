public import LibP2P
public import Primitives

/// One side of a connection that is being encrypted, from the first byte of the handshake on
/// (behind multistream-select). A byte mover; it need not be a value.
public protocol SecurityEndpoint {
    /// The peer, from the moment that it is proven; nil for ever when the handshake fails.
    var remotePeer: PeerID? { get }
    /// Takes bytes from the network and returns the plaintext in them. An error is final: nothing
    /// is ever returned behind it.
    mutating func receive(_ bytes: [UInt8]) throws -> [UInt8]
    /// The peer will send nothing more. Throws when the handshake is not over.
    mutating func receiveEndOfStream() throws
    /// Takes plaintext of any length for the peer; called when `remotePeer` is known.
    mutating func send(_ plaintext: [UInt8]) throws
    /// All bytes for the network; empty when there are none.
    mutating func nextOutput() -> [UInt8]
}

/// A security protocol, as `SecurityConformance` checks it.
public protocol SecurityImplementation: Sendable {
    associatedtype Endpoint: SecurityEndpoint

    /// Stands in failures.
    var name: String { get }

    /// A side of a new connection. All its randomness comes from the generator; with
    /// `expectedPeer`, any other peer fails the handshake.
    func makeEndpoint(
        role: ConnectionRole, identity: NodeIdentity, expectedPeer: PeerID?,
        using generator: inout SeededGenerator
    ) -> Endpoint
}
