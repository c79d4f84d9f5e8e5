import LibP2P
import Primitives
import Testing

/// Keys and handshakes that the Noise and upgrade tests share.
enum NoiseFixture {
    static func identity(_ number: UInt8) throws -> NodeIdentity {
        try #require(NodeIdentity(seed: [UInt8](repeating: 0, count: 31) + [number]))
    }

    static func key(_ byte: UInt8) throws -> NoisePrivateKey {
        try #require(NoisePrivateKey([UInt8](repeating: byte, count: 32)))
    }

    static func credentials(
        _ number: UInt8, earlyMuxers: [String] = []
    ) throws -> NoiseCredentials {
        NoiseCredentials(
            identity: try identity(number), staticKey: try key(number), earlyMuxers: earlyMuxers)
    }

    /// The initiator has identity and static key 1, ephemeral key 3; the responder 2 and 4: as in
    /// the vectors.
    static func handshake(
        _ role: ConnectionRole, expecting peer: PeerID? = nil, earlyMuxers: [String] = []
    ) throws -> NoiseHandshake {
        NoiseHandshake(
            role: role,
            credentials: try credentials(role == .dialer ? 1 : 2, earlyMuxers: earlyMuxers),
            ephemeralKey: try key(role == .dialer ? 3 : 4), expectedPeer: peer)
    }

    /// The two ends of an established channel.
    static func channels(recordNumber: UInt64 = 0) -> (SecuredChannel, SecuredChannel) {
        let first = [UInt8](repeating: 5, count: 32)
        let second = [UInt8](repeating: 6, count: 32)
        return (
            SecuredChannel(sendingKey: first, receivingKey: second, recordNumber: recordNumber),
            SecuredChannel(sendingKey: second, receivingKey: first, recordNumber: recordNumber)
        )
    }
}

extension NoiseHandshake {
    /// Feeds bytes in pieces of `step` and collects what is sent.
    mutating func feed(_ bytes: [UInt8], step: Int = .max) -> [UInt8] {
        var sent = nextOutput() ?? []
        var rest = bytes[...]
        while !rest.isEmpty {
            receive(Array(rest.prefix(step)))
            rest = rest.dropFirst(step)
            while let output = nextOutput() { sent += output }
        }
        return sent
    }

    var session: NoiseSession? {
        guard case .established(let session) = outcome else { return nil }
        return session
    }

    var error: NoiseError? {
        guard case .failed(let error) = outcome else { return nil }
        return error
    }
}

/// A frame of the handshake.
func noiseFrame(_ message: [UInt8]) -> [UInt8] {
    [UInt8(message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
}
