import Foundation
import Primitives
import Testing

/// The vector files of the security half of LibP2P, read from `Vectors/libp2p`.
enum SecurityVectors {
    static let varint: VarintFile = load("varint")
    static let peerID: PeerIDFile = load("peerid")
    static let multiaddr: MultiaddrFile = load("multiaddr")
    static let multistream: MultistreamFile = load("multistream")
    static let noise: NoiseFile = load("noise")
    static let identitySignatures: IdentitySignaturesFile = load("identity_signatures")

    struct VarintFile: Decodable {
        var valid: [Valid]
        var invalid: [Invalid]

        struct Valid: Decodable, Sendable {
            var value: String
            var hex: String
        }
        struct Invalid: Decodable, Sendable {
            var hex: String
            var why: String
        }
    }

    struct PeerIDFile: Decodable {
        var dev_node_keys: [NodeKey]
        var libp2p_spec_keys: [String: SpecKey]
        var text_forms: [TextForm]
        var invalid_text: [String]

        struct NodeKey: Decodable, Sendable {
            var node_key: String
            var ed25519_pub: String
            var public_key_protobuf: String
            var multihash: String
            var base58: String
            var cidv1_base32: String
            var cidv1_base36: String
        }
        struct SpecKey: Decodable, Sendable {
            var protobuf: String
            var multihash: String?
            var base58: String?
            var cidv1_base32: String?
        }
        struct TextForm: Decodable, Sendable {
            var text: String
            var multihash: String
            var cidv1_base32: String
        }
    }

    struct MultiaddrFile: Decodable {
        var codes: [String: UInt64]
        var valid: [Pair]
        var invalid_text: [String]

        struct Pair: Decodable, Sendable {
            var text: String
            var hex: String
        }
    }

    struct IdentitySignaturesFile: Decodable {
        var secp256k1: [Signature]
        var rsa: [Signature]
        var shortRSA: Signature

        struct Signature: Decodable, Sendable {
            /// Bits of an RSA modulus.
            var bits: Int?
            var key: String
            var message: String
            var signature: String
            /// The signature with n - s in the place of s.
            var otherHalf: String?
        }
    }

    struct MultistreamFile: Decodable {
        var messages: [String: String]
        var ls_response: ListResponse
        var ls_response_empty: String

        struct ListResponse: Decodable, Sendable {
            var protocols: [String]
            var hex: String
        }
    }

    struct NoiseFile: Decodable {
        var cacophony: Pattern
        var snow: Pattern
        var libp2p_xx_no_extensions: Handshake
        var libp2p_xx_with_stream_muxers: Handshake
        var xxhfs_public_kat_1: Hybrid

        struct Hybrid: Decodable, Sendable {
            var protocol_name: String
            var init_static: String
            var resp_static: String
            var init_ephemeral: String
            var kem_keygen_d: String
            var kem_keygen_z: String
            var msg_a: String
            var msg_b: String
            var msg_c: String
            var handshake_hash: String
            var cs1_k_initiator_to_responder: String
            var cs2_k_responder_to_initiator: String
        }
        struct Pattern: Decodable, Sendable {
            var protocol_name: String
            var init_prologue: String
            var init_static: String
            var init_ephemeral: String
            var resp_prologue: String
            var resp_static: String
            var resp_ephemeral: String
            var handshake_hash: String?
            var messages: [Message]

            struct Message: Decodable, Sendable {
                var payload: String
                var ciphertext: String
            }
        }
        struct Handshake: Decodable, Sendable {
            var init_identity_seed: String
            var resp_identity_seed: String
            var init_static: String
            var resp_static: String
            var init_ephemeral: String
            var resp_ephemeral: String
            var init_static_pub: String
            var resp_static_pub: String
            var payload_2_responder: String
            var payload_3_initiator: String
            var frame_1: String
            var frame_2: String
            var frame_3: String
            var handshake_hash: String
            var transport_plaintext: String
            var transport_frame_init_n0: String
            var transport_frame_resp_n0: String
        }
    }

    private static func load<File: Decodable>(_ name: String) -> File {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Vectors/libp2p/\(name).json")
        do {
            return try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
        } catch {
            preconditionFailure("\(url.path): \(error)")
        }
    }
}

/// The bytes of hexadecimal digits that a test writes.
func bytes(_ hex: String) throws -> [UInt8] { try #require([UInt8](hex: hex)) }

/// How many cases a seeded property loop runs, and random bytes for them.
extension SeededGenerator {
    mutating func bytes(count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
    }
}
