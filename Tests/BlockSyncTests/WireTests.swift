import BlockSync
import Chain
import Foundation
import Primitives
import SCALE
import Testing

/// Substrate's networking vectors.
struct NetVectors: Decodable {
    struct Handshake: Decodable {
        let best_number: UInt32
        let best_hash: String
        let genesis: String
        let scale: String
    }
    struct Announce: Decodable {
        let len: Int
        let tail: String
    }
    struct ByHash: Decodable {
        let pb: String
        let pb_proto3_default_omitted: String
    }
    struct ByNumber: Decodable {
        let number: UInt32
        let max: UInt32
        let pb: String
    }
    struct Scale: Decodable { let scale: String }

    let block_announces_handshake: Handshake
    let block_announces_handshake_u64: Scale
    let block_announce: Announce
    let block_request_by_hash: ByHash
    let block_request_by_number: ByNumber

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Vectors").standardized

    static func load() throws -> NetVectors {
        try JSONDecoder().decode(
            NetVectors.self,
            from: Data(contentsOf: folder.appending(path: "sync/substrate-net.json")))
    }

    /// The header of Polkadot's block 1.
    static func polkadotHeader() throws -> Header {
        struct File: Decodable {
            struct Vector: Decodable {
                let name: String
                let scale: String?
            }
            let headers: [Vector]
        }
        let file = try JSONDecoder().decode(
            File.self, from: Data(contentsOf: folder.appending(path: "chain/header.json")))
        let vector = try #require(file.headers.first { $0.name == "polkadot block 1" })
        let bytes = try #require([UInt8](hex: vector.scale ?? ""))
        return try SCALEDecoder.decode(Header.self, from: bytes)
    }
}

struct WireTests {
    @Test func `the announces handshake has 69 bytes, as published`() throws {
        let vector = try NetVectors.load().block_announces_handshake
        let bytes = try #require([UInt8](hex: vector.scale))
        let handshake = BlockAnnouncesHandshake(
            roles: .authority,
            best: BlockRef(
                hash: try #require(Hash256(hex: vector.best_hash)),
                number: BlockNumber(vector.best_number)),
            genesisHash: try #require(Hash256(hex: vector.genesis)))
        #expect(handshake.scaleBytes == bytes && bytes.count == 69)
        #expect(try SCALEDecoder.decode(BlockAnnouncesHandshake.self, from: bytes) == handshake)
        for count in 0..<69 {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(
                    BlockAnnouncesHandshake.self, from: Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `a handshake with a 64-bit height or an unknown role is refused`() throws {
        let vectors = try NetVectors.load()
        let wide = try #require([UInt8](hex: vectors.block_announces_handshake_u64.scale))
        #expect(throws: SCALEError.trailingBytes(count: 4)) {
            try SCALEDecoder.decode(BlockAnnouncesHandshake.self, from: wide)
        }
        var bytes = try #require([UInt8](hex: vectors.block_announces_handshake.scale))
        for role in 0...255 {
            bytes[0] = UInt8(role)
            let decoded = try? SCALEDecoder.decode(BlockAnnouncesHandshake.self, from: bytes)
            #expect((decoded != nil) == (role < 8))
        }
    }

    @Test func `an announcement is a header, a flag and data, as published`() throws {
        let vector = try NetVectors.load().block_announce
        let header = try NetVectors.polkadotHeader()
        let message = BlockAnnouncement(header: header, isBest: true)
        let bytes = message.scaleBytes
        #expect(bytes.count == vector.len && bytes.suffix(2).hex == vector.tail)
        #expect(Array(bytes.dropLast(2)) == header.scaleBytes)
        #expect(try SCALEDecoder.decode(BlockAnnouncement.self, from: bytes) == message)
        for count in 0..<bytes.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(BlockAnnouncement.self, from: Array(bytes.prefix(count)))
            }
        }
        let long = BlockAnnouncement(
            header: header, isBest: false, data: [UInt8](repeating: 0, count: 1_025))
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(BlockAnnouncement.self, from: long.scaleBytes)
        }
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(BlockAnnouncement.self, from: header.scaleBytes + [2, 0])
        }
    }

    @Test func `block requests have the published bytes`() throws {
        let vectors = try NetVectors.load()
        let hash = try #require(Hash256(hex: vectors.block_announces_handshake.best_hash))
        let byHash = BlockRequest(
            fields: .everything, start: .hash(hash), direction: .ascending, maximumCount: 64)
        let explicit = try #require([UInt8](hex: vectors.block_request_by_hash.pb))
        let omitted = try #require(
            [UInt8](hex: vectors.block_request_by_hash.pb_proto3_default_omitted))
        #expect(try byHash.encoded() == omitted)
        #expect(try BlockRequest(decoding: omitted) == byHash)
        #expect(try BlockRequest(decoding: explicit) == byHash)
        let byNumber = BlockRequest(
            fields: .header, start: .number(BlockNumber(vectors.block_request_by_number.number)),
            direction: .descending, maximumCount: vectors.block_request_by_number.max,
            takesMultipleJustifications: false)
        let bytes = try #require([UInt8](hex: vectors.block_request_by_number.pb))
        #expect(try byNumber.encoded() == bytes)
        #expect(try BlockRequest(decoding: bytes) == byNumber)
    }

    @Test func `requests that cannot be are refused`() throws {
        let start = [UInt8(0x1A), 4, 5, 0, 0, 0]
        #expect(try BlockRequest(decoding: start).start == .number(BlockNumber(5)))
        for bytes in [
            [], [0x08], [0x1A, 3, 5, 0, 0], [0x1A, 5, 5, 0, 0, 0, 0], [0x12, 2, 1, 1],
            start + [0x28, 2], start + [0x30], start + [0x33],
            start + [UInt8](repeating: 0, count: 300),
        ] as [[UInt8]] {
            #expect(throws: MalformedMessage.self) { try BlockRequest(decoding: bytes) }
        }
    }

    private func response() throws -> BlockResponse {
        let blocks = try TestChain().grow(count: 3, remarkEvery: 2)
        return BlockResponse(
            blocks: blocks.map {
                BlockData(
                    hash: $0.hash, header: $0.header, extrinsics: $0.extrinsics,
                    justifications: [
                        Justification(engine: .coherence, bytes: [1, 2]),
                        Justification(engine: .falcon, bytes: []),
                    ])
            })
    }

    @Test func `responses go both ways`() throws {
        let response = try response()
        #expect(try BlockResponse(decoding: response.encoded(), limit: 3) == response)
        #expect(try BlockResponse(decoding: [], limit: 0).blocks == [])
        let hashes = BlockResponse(
            blocks: response.blocks.map { BlockData(hash: $0.hash, header: nil) })
        #expect(try BlockResponse(decoding: hashes.encoded(), limit: 3) == hashes)
    }

    @Test func `a truncated response is refused or shorter, never trusted`() throws {
        let response = try response()
        let bytes = try response.encoded()
        for count in 0..<bytes.count {
            let part = try? BlockResponse(decoding: Array(bytes.prefix(count)), limit: 3)
            if let part {
                #expect(part.blocks == Array(response.blocks.prefix(part.blocks.count)))
                #expect(part.blocks.count < 3)
            }
        }
    }

    @Test("a response with a changed byte is refused or says something else", arguments: 1...4)
    func mutations(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let response = try response()
        let bytes = try response.encoded()
        for _ in 0..<300 {
            var changed = bytes
            let position = Int.random(in: 0..<bytes.count, using: &random)
            changed[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            if let other = try? BlockResponse(decoding: changed, limit: 3) {
                #expect(other != response || changed == bytes, "seed \(seed), \(position)")
                for block in other.blocks {
                    #expect(block.header == nil || block.header?.hash == block.hash)
                }
            }
        }
    }

    @Test func `a response of more parts than asked for is refused before it is decoded`() throws {
        let response = try response()
        #expect(throws: MalformedMessage.self) {
            try BlockResponse(decoding: response.encoded(), limit: 2)
        }
        // A million empty blocks; one block of a million empty extrinsics.
        let empties = (0..<2_000_000).map { UInt8($0 % 2 == 0 ? 0x0A : 0) }
        #expect(throws: MalformedMessage.self) {
            try BlockResponse(decoding: empties, limit: 128)
        }
        let bodies = (0..<2_000_000).map { UInt8($0 % 2 == 0 ? 0x1A : 0) }
        var nested: [UInt8] = [0x0A]
        var length = bodies.count
        while length >= 0x80 {
            nested.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        nested.append(UInt8(length))
        #expect(throws: MalformedMessage.self) {
            try BlockResponse(decoding: nested + bodies, limit: 128)
        }
        #expect(throws: MalformedMessage.self) {
            try BlockResponse(
                decoding: [UInt8](repeating: 0, count: BlockResponse.maximumByteCount + 1),
                limit: 128)
        }
        for odd in [[0x0B], [0x0A, 0x80], [0x0A, 5, 1], [0x12, 0], [0x08, 1]] as [[UInt8]] {
            #expect(throws: MalformedMessage.self) { try BlockResponse(decoding: odd, limit: 9) }
        }
    }

    @Test func `a header under another hash is refused`() throws {
        let block = try TestChain().grow(count: 1)[0]
        let lying = BlockResponse(blocks: [BlockData(hash: .zero, header: block.header)])
        #expect(throws: MalformedMessage.self) {
            try BlockResponse(decoding: lying.encoded(), limit: 1)
        }
    }

    @Test func `transactions go both ways within their bounds`() throws {
        let chain = try TestChain()
        let message = TransactionsMessage(
            (0..<64).map { chain.remark([UInt8($0)], by: 0, nonce: UInt64($0)) })
        #expect(
            try SCALEDecoder.decode(TransactionsMessage.self, from: message.scaleBytes) == message)
        let tooMany = TransactionsMessage(message.extrinsics + [message.extrinsics[0]])
        #expect(throws: SCALEError.self) {
            try SCALEDecoder.decode(TransactionsMessage.self, from: tooMany.scaleBytes)
        }
        let largest = chain.remark([UInt8](repeating: 0, count: 4_096), by: 0, nonce: 0)
        #expect(largest.encodedByteCount * 64 + 2 <= TransactionsMessage.maximumByteCount)
    }
}
