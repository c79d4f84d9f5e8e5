import Keystore
import LibP2P
import Primitives

/// Names, keys and addresses of libp2p, in bytes and in text.
enum IdentityTargets {
    static let all = [varint, keys, peerID, multiaddr, accounts]

    /// A node's own identity, always the same.
    static func identity() throws -> NodeIdentity {
        guard let identity = NodeIdentity(seed: [UInt8](repeating: 7, count: 32)) else {
            throw FuzzFinding("32 bytes are no seed")
        }
        return identity
    }

    /// The text of an input; nil when it is not UTF-8.
    static func text(_ bytes: some Sequence<UInt8>) -> String? {
        String(validating: Array(bytes), as: UTF8.self)
    }

    static let varint = FuzzTarget(
        "varint", reads: "an unsigned varint, and frames behind one", runs: 40_000, upTo: 512,
        samples: {
            [
                [0], [0x7F], [0x80, 1], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
                [3, 1, 2, 3, 0, 2, 9, 9],
            ]
        },
        check: { bytes throws(FuzzFinding) in
            var isComplete = false
            if case .complete(let value, let count)? = try? UnsignedVarint.decode(bytes) {
                isComplete = true
                try Properties.require(
                    UnsignedVarint.encode(value) == Array(bytes.prefix(count))
                        && UnsignedVarint.byteCount(of: value) == count,
                    "\(value) in \(count) bytes is not canonical")
            }
            struct Frames: Equatable {
                var frames: [[UInt8]] = []
                var failure: FramingError?
                var rest: [UInt8] = []
            }
            let seen = try Properties.agreeing(bytes) { pieces throws(FuzzFinding) in
                var decoder = LengthPrefixedDecoder(maximumByteCount: 200)
                var seen = Frames()
                for piece in pieces {
                    decoder.receive(piece)
                    do throws(FramingError) {
                        while let frame = try decoder.nextFrame() { seen.frames.append(frame) }
                    } catch {
                        seen.failure = error
                    }
                }
                seen.rest = decoder.takeRemaining()
                return seen
            }
            try Properties.require(
                seen.frames.allSatisfy { $0.count <= 200 }, "a frame above the limit")
            return isComplete || !seen.frames.isEmpty ? .accepted : .refused
        })

    static let keys = FuzzTarget(
        "keys", reads: "public and private keys, signatures, the payload of Noise", runs: 4_000,
        upTo: 4_096,
        samples: {
            let identity = try Self.identity()
            let message = Array("a message".utf8)
            let payload = NoisePayload(
                identity: identity, staticKey: [UInt8](repeating: 9, count: 32),
                streamMuxers: ["/yamux/1.0.0"])
            return [
                [0] + identity.publicKey.protobuf, [1] + identity.protobuf,
                [2] + payload.protobuf, [3] + identity.sign(message),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let rest = Array(bytes.dropFirst())
            switch form % 4 {
            case 0:
                return try Properties.canonical(
                    rest, decode: { try? PublicKey(protobuf: $0) }, encode: \.protobuf)
            case 1:
                guard let key = try? NodeIdentity(protobuf: rest) else { return .refused }
                let again = try? NodeIdentity(protobuf: key.protobuf)
                try Properties.require(again?.peerID == key.peerID, "a key of another peer")
                return .accepted
            case 2:
                let outcome = try Properties.roundTrip(
                    rest, decode: { try? NoisePayload(protobuf: $0) }, encode: \.protobuf)
                if let payload = try? NoisePayload(protobuf: rest) {
                    try Properties.require(
                        payload.streamMuxers.count <= NoisePayload.maximumMuxerCount, "muxers")
                    _ = try? payload.verifiedKey(staticKey: [UInt8](repeating: 9, count: 32))
                }
                return outcome
            default:
                let isGood =
                    (try? identity().publicKey.isValidSignature(
                        rest, for: Array("a message".utf8))) ?? false
                return isGood ? .accepted : .refused
            }
        })

    static let peerID = FuzzTarget(
        "peer-id", reads: "a peer id in bytes or in any text form", runs: 20_000, upTo: 256,
        samples: {
            let peer = try identity().peerID
            return [
                [0] + peer.bytes, [1] + Array(peer.description.utf8),
                [1] + Array(peer.cidBase32.utf8), [1] + Array(peer.cidBase36.utf8),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let rest = Array(bytes.dropFirst())
            if form % 2 == 0 {
                guard let peer = try? PeerID(bytes: rest) else { return .refused }
                try Properties.require(peer.bytes == rest, "not canonical")
                try textForms(of: peer)
                return .accepted
            }
            guard let text = text(rest), let peer = try? PeerID(text) else { return .refused }
            try textForms(of: peer)
            return .accepted
        })

    private static func textForms(of peer: PeerID) throws(FuzzFinding) {
        for text in [peer.description, peer.cidBase32, peer.cidBase36] {
            // A hash with a code other than a key's has no text that begins as base58 ids do.
            guard let read = try? PeerID(text) else {
                throw FuzzFinding("the text \(text) of a peer id cannot be read")
            }
            try Properties.require(read == peer, "the text \(text) is another peer's")
        }
    }

    static let multiaddr = FuzzTarget(
        "multiaddr", reads: "a multiaddr in bytes or in text", runs: 20_000, upTo: 1_200,
        samples: {
            let peer = try identity().peerID
            let addresses = [
                "/ip4/127.0.0.1/tcp/30333/p2p/\(peer)", "/ip6/2001:db8::1/udp/4001/quic-v1",
                "/dns4/example.org/tcp/443/wss", "/unix/a/b", "/memory/7", "/ip6/::ffff:1.2.3.4",
                "/ip6zone/eth0/ip6/fe80::1/tcp/1", "/p2p/\(peer)/p2p-circuit/p2p/\(peer)",
            ]
            return try addresses.flatMap { text in
                [[0] + (try Multiaddr(text)).bytes, [1] + Array(text.utf8)]
            }
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let rest = Array(bytes.dropFirst())
            if form % 2 == 0 {
                guard let address = try? Multiaddr(bytes: rest) else { return .refused }
                try Properties.require(address.bytes == rest, "not canonical")
                return .accepted
            }
            guard let text = text(rest), let address = try? Multiaddr(text) else {
                return .refused
            }
            let read = try? Multiaddr(address.description)
            try Properties.require(read == address, "\(text): its text is another address")
            let decoded = try? Multiaddr(bytes: address.bytes)
            try Properties.require(decoded == address, "\(text): its bytes are another address")
            return .accepted
        })

    static let accounts = FuzzTarget(
        "accounts", reads: "SS58 addresses, development URIs, node keys in hexadecimal",
        runs: 10_000, upTo: 256,
        samples: {
            let alice = try DevelopmentAccount(name: "Alice")
            guard let address = SS58Address(alice.account) else {
                throw FuzzFinding("Alice has no address")
            }
            return [
                [0] + Array(address.description.utf8), [1] + Array("//Alice//stash".utf8),
                [2] + Array(String(repeating: "07", count: 32).utf8),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first, let text = text(bytes.dropFirst()) else {
                return .refused
            }
            switch form % 3 {
            case 0:
                guard let address = try? SS58Address(text) else { return .refused }
                try Properties.require(address.description == text, "\(text): not canonical")
            case 1:
                guard (try? DevelopmentAccount(uri: text)) != nil else { return .refused }
            default:
                guard NodeKey.identity(hex: text) != nil else { return .refused }
            }
            return .accepted
        })
}
