package import Chain
package import Primitives
package import SCALE
internal import SwiftProtobuf

/// A proof of finality as responses carry it, not verified.
package struct Justification: Sendable, Hashable {
    /// Whose proof it is.
    package let engine: EngineID
    /// The proof.
    package let bytes: [UInt8]

    package init(engine: EngineID, bytes: [UInt8]) {
        self.engine = engine
        self.bytes = bytes
    }
}

extension Justification: SCALEEncodable, SCALEDecodable {
    /// A justification has at most this many bytes.
    package static let maximumByteCount = 1 << 20

    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(engine)
        encoder.appendBytes(bytes)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        engine = try decoder.read()
        bytes = try decoder.readBytes(limit: Self.maximumByteCount)
    }
}

/// A block in a response: what was asked for and is there.
package struct BlockData: Sendable, Hashable {
    /// The hash that the responder states.
    package let hash: Hash256
    /// The header, if asked for.
    package let header: Header?
    /// The body; empty also when it was not asked for or is withheld, which the header's
    /// extrinsics root tells apart.
    package let extrinsics: [Extrinsic]
    /// Proofs of finality of exactly this block.
    package let justifications: [Justification]

    package init(
        hash: Hash256, header: Header?, extrinsics: [Extrinsic] = [],
        justifications: [Justification] = []
    ) {
        self.hash = hash
        self.header = header
        self.extrinsics = extrinsics
        self.justifications = justifications
    }

    /// About what the block takes in a response, in bytes; never less.
    var byteCount: Int {
        let body = extrinsics.reduce(0) { $0 + $1.encodedByteCount + 4 }
        let proofs = justifications.reduce(0) { $0 + $1.bytes.count + 16 }
        return 64 + (header?.encodedByteCount ?? 0) + body + proofs
    }
}

/// A response of `/<genesis>/sync/2`, Substrate's schema api.v1.
package struct BlockResponse: Sendable, Hashable {
    /// A response has at most this many blocks.
    package static let maximumBlockCount = 128
    /// A response's encoding has at most this many bytes.
    package static let maximumByteCount = 16 << 20
    /// A block of a response has at most this many justifications.
    package static let maximumJustificationCount = 4

    /// The blocks in the order asked for; empty when the responder has none of them.
    package let blocks: [BlockData]

    package init(blocks: [BlockData]) { self.blocks = blocks }

    /// The response's bytes, without the length prefix.
    package func encoded() throws(MalformedMessage) -> [UInt8] {
        var message = Api_V1_BlockResponse()
        message.blocks = blocks.map { block in
            var data = Api_V1_BlockData()
            data.hash = .init(copying: block.hash.bytes)
            if let header = block.header { data.header = .init(copying: header.scaleBytes) }
            data.body = block.extrinsics.map { .init(copying: $0.scaleBytes) }
            if !block.justifications.isEmpty {
                var encoder = SCALEEncoder()
                encoder.appendItems(block.justifications)
                data.justifications = .init(copying: encoder.bytes)
            }
            return data
        }
        do {
            return try message.serializedBytes()
        } catch {
            throw MalformedMessage()
        }
    }

    /// Reads a response of at most `limit` blocks; every part must decode, and a header must have
    /// the hash that is stated for it.
    package init(decoding bytes: [UInt8], limit: Int) throws(MalformedMessage) {
        guard bytes.count <= Self.maximumByteCount else { throw MalformedMessage() }
        try Self.checkShape(bytes, limit: min(limit, Self.maximumBlockCount))
        guard let message = try? Api_V1_BlockResponse(serializedBytes: bytes) else {
            throw MalformedMessage()
        }
        var blocks: [BlockData] = []
        for data in message.blocks { blocks.append(try Self.block(data)) }
        self.blocks = blocks
    }

    /// Counts the parts before they are decoded: they take more memory than bytes.
    private static func checkShape(_ bytes: [UInt8], limit: Int) throws(MalformedMessage) {
        var message = ProtobufShape(bytes[...])
        var blockCount = 0
        while let field = try message.next() {
            blockCount += 1
            guard field.number == 1, let contents = field.contents, blockCount <= limit else {
                throw MalformedMessage()
            }
            var block = ProtobufShape(contents)
            var fieldCount = 0
            while try block.next() != nil {
                fieldCount += 1
                guard fieldCount <= Block.maximumExtrinsicCount + 16 else {
                    throw MalformedMessage()
                }
            }
        }
    }

    private static func block(_ data: Api_V1_BlockData) throws(MalformedMessage) -> BlockData {
        guard let hash = Hash256(data.hash) else { throw MalformedMessage() }
        do {
            var header: Header?
            if !data.header.isEmpty {
                header = try SCALEDecoder.decode(Header.self, from: [UInt8](data.header))
            }
            guard header == nil || header?.hash == hash else { throw MalformedMessage() }
            var extrinsics: [Extrinsic] = []
            for item in data.body {
                extrinsics.append(try SCALEDecoder.decode(Extrinsic.self, from: [UInt8](item)))
            }
            var justifications: [Justification] = []
            if !data.justifications.isEmpty {
                var decoder = SCALEDecoder([UInt8](data.justifications))
                justifications = try decoder.readItems(
                    limit: maximumJustificationCount, minimumItemByteCount: 5)
                try decoder.finish()
            }
            return BlockData(
                hash: hash, header: header, extrinsics: extrinsics, justifications: justifications)
        } catch {
            throw MalformedMessage()
        }
    }
}
