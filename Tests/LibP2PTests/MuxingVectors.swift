import Foundation
import LibP2P
import Primitives
import Testing

/// The vector files of the multiplexing half of LibP2P, read from `Vectors/libp2p`.
enum MuxingVectors {
    static let yamux: YamuxFile = load("yamux")
    static let protobuf: ProtobufFile = load("protobuf")
    static let substrate: SubstrateFile = load("substrate-net")
    static let mdns: MDNSFile = load("mdns")

    struct YamuxFile: Decodable {
        var initial_window: UInt32
        var frames: [Frame]
        var invalid: [Invalid]

        struct Frame: Decodable, Sendable {
            var name: String
            var hex: String
        }
        struct Invalid: Decodable, Sendable {
            var hex: String
            var why: String
        }
    }

    struct ProtobufFile: Decodable {
        var identify: Identify
        var kad_find_node_request: String
        var kad_find_node_response: String
        var gossipsub: GossipSub

        struct Identify: Decodable {
            var pb: String
            var framed: String
        }
        /// Framed RPCs, and a signed message.
        struct GossipSub: Decodable {
            var topic: String
            var subscribe: String
            var publish_strict_no_sign: String
            var ihave: String
            var iwant: String
            var graft: String
            var prune_backoff_60: String
            var idontwant: String
            var strict_sign: StrictSign

            struct StrictSign: Decodable {
                var signed_bytes: String
                var signature: String
                var message: String
                var rpc_framed: String
                var default_message_id: String
            }
        }
    }

    struct MDNSFile: Decodable {
        var query: String
        var response_spec_form: String
        var response_as_rust_libp2p_emits: String
        var meta_response: String
        var txt: String
    }

    struct SubstrateFile: Decodable {
        var block_announces_handshake: Handshake
        var roles_only_handshake: Roles
        var block_request_by_hash: BlockRequest
        var grandpa_neighbor: Message
        var empty_handshake: String

        struct Handshake: Decodable {
            var genesis: String
            var scale: String
            var on_wire: String
        }
        struct Roles: Decodable {
            var full: String
            var authority: String
            var light: String
        }
        struct BlockRequest: Decodable {
            var pb: String
            var on_wire: String
        }
        struct Message: Decodable {
            var scale: String
            var on_wire: String
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

extension Instant {
    /// A test's clock: milliseconds after its start.
    static func milliseconds(_ count: UInt64) -> Instant {
        Instant(nanoseconds: count * 1_000_000)
    }
}
