import Foundation
import Primitives
import Testing

/// Headers of public chains.
struct HeaderVectors: Decodable, Sendable {
    struct Item: Decodable, Sendable {
        let kind: String
        let index: UInt8
        let engine: String
        let data_len: Int
        let raw: String
    }

    struct JSONForm: Decodable, Sendable {
        struct Digest: Decodable, Sendable { let logs: [String] }
        let parentHash: String
        let number: String
        let stateRoot: String
        let extrinsicsRoot: String
        let digest: Digest
    }

    struct Vector: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let number: UInt32
        let scale: String?
        let scale_file: String?
        let hash: String
        let pre_seal_scale: String?
        let pre_seal_hash: String?
        let digest_items: [Item]?
        let json: JSONForm?
        var testDescription: String { name }

        /// The header's bytes; nil for the one that is listed by its hash only.
        var bytes: [UInt8]? {
            if let scale { return [UInt8](hex: scale) }
            guard let scale_file, !scale_file.hasPrefix("("),
                let text = try? String(
                    contentsOf: HeaderVectors.folder.appending(path: scale_file), encoding: .utf8)
            else { return nil }
            return [UInt8](hex: text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    let headers: [Vector]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Vectors/chain").standardized

    /// The vectors whose bytes are at hand: six of seven.
    static func load() throws -> [Vector] {
        let file = folder.appending(path: "header.json")
        let all = try JSONDecoder().decode(HeaderVectors.self, from: Data(contentsOf: file))
        return all.headers.filter { $0.bytes != nil }
    }
}
