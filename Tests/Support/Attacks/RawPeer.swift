package import LibP2P
package import Primitives

/// A peer that gets through the handshake, and then sends any bytes that it is told to.
package final class RawPeer {
    private let connection: RawConnection
    private var channel: SecuredChannel

    /// Connects from an address of 127.0.0.0/8 as somebody new.
    package init(port: Int, from source: String, random: inout SeededGenerator) throws {
        connection = try RawConnection(port: port, from: source, patience: 2)
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let identity = NodeIdentity(seed: secret) else {
            throw TestFailure("32 bytes are a key")
        }
        var upgrade = ConnectionUpgrade(
            role: .dialer,
            credentials: NoiseCredentials(
                identity: identity, staticKey: NoisePrivateKey(using: &random)),
            ephemeralKey: NoisePrivateKey(using: &random), now: .zero)
        while true {
            while let output = upgrade.nextOutput() { _ = connection.send(output) }
            switch upgrade.nextEvent() {
            case .secured(let secured):
                channel = secured.channel
                return
            case .failed(let error): throw error
            case nil: break
            }
            guard let bytes = try connection.receive(within: 10), !bytes.isEmpty else {
                throw TestFailure("cut off in the handshake")
            }
            upgrade.receive(bytes, now: .zero)
        }
    }

    /// Sends plaintext; false when the node has cut the connection, or takes nothing any more.
    package func send(_ plaintext: [UInt8]) -> Bool {
        var records: [UInt8] = []
        do { try channel.seal(plaintext, into: &records) } catch { return false }
        return connection.send(records)
    }

    /// Sends the headers of yamux frames, and nothing after them.
    package func send(_ frames: [YamuxFrame]) -> Bool {
        var bytes: [UInt8] = []
        for frame in frames { frame.append(to: &bytes) }
        return send(bytes)
    }

    /// Throws away what has arrived; false when the node has cut the connection.
    package func discard() throws -> Bool {
        while let bytes = try connection.receive(within: 0) {
            if bytes.isEmpty { return false }
        }
        return true
    }
}
