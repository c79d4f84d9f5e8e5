import Foundation
import TestSupport

/// The answer to `coherence_timings`: microseconds of the machine's monotonic clock.
struct NodeTimings: Decodable {
    struct Vote: Decodable {
        let round: UInt64
        let voteType: String
        let validator: Int
        let sent: Int?
        let counted: Int?

        /// The same at every node.
        var slot: String { "\(round) \(voteType) \(validator)" }
    }

    struct Block: Decodable {
        let number: UInt32
        let hash: String
        let imported: Int?
        let finalised: Int?
    }

    let votes: [Vote]
    let blocks: [Block]
}

/// The answer to `coherence_statistics`: counted since the node's start.
struct NodeStatistics: Decodable {
    struct Gossip: Decodable {
        let received: [String: Int]
        let receivedBytes: [String: Int]
        let entriesReceived: Int
        let entriesDistinct: Int
        let signaturesChecked: Int
    }

    /// The router of the topic.
    struct Topic: Decodable {
        let duplicates: Int
    }

    struct Traffic: Decodable {
        let bytesIn: Int
    }

    struct Commits: Decodable {
        let count: Int
        let totalMicroseconds: Int
        let longestMicroseconds: Int
    }

    struct Storage: Decodable {
        let chainCommits: Commits
        let signLogCommits: Commits
    }

    struct Process: Decodable {
        let cpuMicroseconds: Int
        let residentBytes: Int
    }

    let gossip: Gossip
    /// Nil without GossipSub.
    let topic: Topic?
    let gossipHeldBytes: Int
    let protocols: [String: Traffic]
    let connections: Traffic
    let storage: Storage
    let process: Process
}

extension RPCClient {
    func timings() throws -> NodeTimings { try result(of: "coherence_timings") }

    func statistics() throws -> NodeStatistics { try result(of: "coherence_statistics") }

    /// The slot of a block, from its header's first digest item: pre-runtime item (6) of the engine
    /// `aura`, eight bytes, little-endian.
    func slot(ofBlock hash: String) throws -> UInt64 {
        struct Header: Decodable {
            struct Digest: Decodable { let logs: [String] }
            let digest: Digest
        }
        let header: Header = try result(of: "chain_getHeader", [hash])
        let prefix = "0x066175726120"
        guard let item = header.digest.logs.first(where: { $0.hasPrefix(prefix) }),
            let bigEndian = UInt64(item.dropFirst(prefix.count), radix: 16)
        else { throw MeasurementFailure("the header of \(hash) has no slot") }
        return bigEndian.byteSwapped
    }

    /// Calls a method and decodes its result.
    func result<Value: Decodable>(of method: String, _ parameters: [String] = []) throws -> Value {
        let body = try JSONEncoder().encode(RPCRequest(method: method, params: parameters))
        let answer = try post([UInt8](body))
        do {
            return try JSONDecoder().decode(RPCAnswer<Value>.self, from: Data(answer)).result
        } catch {
            let text = String(decoding: answer.prefix(200), as: UTF8.self)
            throw MeasurementFailure("\(method): \(text): \(error)")
        }
    }
}

private struct RPCRequest: Encodable {
    let jsonrpc = "2.0"
    let id = 1
    let method: String
    let params: [String]
}

private struct RPCAnswer<Value: Decodable>: Decodable {
    let result: Value
}
