import BlockSync
import Chain
import Primitives
import SCALE
import VoteGossip

/// The messages of the vote gossip and of block sync.
enum MessageTargets {
    static let all = [
        gossipMessage, gossipHandshake, announcements, blockRequest, blockResponse,
    ]

    static let gossipMessage = FuzzTarget(
        "gossip-message", reads: "a message of /quantumharmony/coherence/1", runs: 20_000,
        samples: { try SampleChain.shared().gossipMessages().map(\.scaleBytes) },
        check: { bytes throws(FuzzFinding) in
            let outcome = try Properties.canonical(
                bytes, decode: { try? GossipMessage.decode($0) }, encode: \.scaleBytes)
            switch Result(catching: { () throws(GossipMessage.Malformed) in
                try GossipMessage.decode(bytes)
            }) {
            case .success(let message):
                try Properties.require(
                    bytes.count <= message.kind.maximumByteCount, "larger than its kind allows")
            case .failure(let reason):
                try Properties.require(
                    outcome == .refused && isTrue(reason, of: bytes), "\(reason)")
            }
            return outcome
        })

    /// Whether the reason of a refusal fits the bytes.
    private static func isTrue(_ reason: GossipMessage.Malformed, of bytes: [UInt8]) -> Bool {
        let kind = bytes.first.flatMap(GossipMessageKind.init)
        switch reason {
        case .unknownIndex(let index): return kind == nil && bytes.first == index
        case .oversize(let found):
            return found == kind
                && bytes.count > (kind?.maximumByteCount ?? GossipMessageKind.largestByteCount)
        case .undecodable(let found): return found == kind && (kind != nil || bytes.isEmpty)
        case .trailingBytes(let found): return found == kind
        }
    }

    static let gossipHandshake = FuzzTarget(
        "gossip-handshake", reads: "the handshake of the vote gossip", runs: 20_000, upTo: 1_100,
        samples: { [try SampleChain.shared().gossipHandshake.scaleBytes] },
        check: { bytes throws(FuzzFinding) in
            try Properties.canonical(
                bytes, decode: { try? GossipHandshake.decode($0) }, encode: \.scaleBytes)
        })

    static let announcements = FuzzTarget(
        "announcements", reads: "block announcements, their handshake, extrinsics in gossip",
        runs: 10_000,
        samples: {
            let chain = try SampleChain.shared()
            return [
                [0] + chain.announcement(of: chain.blocks[0]).scaleBytes,
                [1] + chain.announcesHandshake.scaleBytes,
                [2] + TransactionsMessage([chain.extrinsic]).scaleBytes,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let rest = Array(bytes.dropFirst())
            return switch form % 3 {
            case 0: try Properties.scale(BlockAnnouncement.self, rest)
            case 1: try Properties.scale(BlockAnnouncesHandshake.self, rest)
            default: try Properties.scale(TransactionsMessage.self, rest)
            }
        })

    static let blockRequest = FuzzTarget(
        "block-request", reads: "a request of /<g>/sync/2", runs: 20_000, upTo: 300,
        samples: {
            let chain = try SampleChain.shared()
            return [
                try chain.request(from: .number(BlockNumber(3)), count: 64),
                try chain.request(from: .hash(chain.blocks[2].header.hash), count: 1),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            try Properties.roundTrip(
                bytes, decode: { try? BlockRequest(decoding: $0) }, encode: { try? $0.encoded() })
        })

    static let blockResponse = FuzzTarget(
        "block-response", reads: "a response of /<g>/sync/2", runs: 8_000, upTo: 64 * 1024,
        samples: {
            let chain = try SampleChain.shared()
            return [
                try chain.response(with: Array(chain.blocks.prefix(3))),
                try chain.response(with: []),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            let limit = 3
            let outcome = try Properties.roundTrip(
                bytes, decode: { try? BlockResponse(decoding: $0, limit: limit) },
                encode: { try? $0.encoded() })
            if let response = try? BlockResponse(decoding: bytes, limit: limit) {
                try Properties.require(response.blocks.count <= limit, "more blocks than allowed")
                try Properties.require(
                    response.blocks.allSatisfy { $0.header.map(\.hash) ?? $0.hash == $0.hash },
                    "a header of another hash")
            }
            return outcome
        })
}
