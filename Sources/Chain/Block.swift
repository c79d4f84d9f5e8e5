package import Primitives
package import SCALE

/// A header with its body. That they belong together is checked by `BlockChecker`, not here.
package struct Block: Sendable, Hashable {
    /// The extrinsics of a block have at most this many bytes together.
    package static let maximumBodyByteCount = 65_536
    /// So many extrinsics fit at most.
    package static let maximumExtrinsicCount = maximumBodyByteCount / Extrinsic.minimumByteCount
    /// The root of a body without extrinsics.
    package static let emptyExtrinsicsRoot = extrinsicsRoot(of: [])

    /// The header.
    package let header: Header
    /// The body, in the order of execution.
    package let extrinsics: [Extrinsic]

    package init(header: Header, extrinsics: [Extrinsic]) {
        self.header = header
        self.extrinsics = extrinsics
    }

    /// The header's hash.
    package var hash: Hash256 { header.hash }
    /// The height.
    package var number: BlockNumber { header.number }
    /// The block by hash and height.
    package var ref: BlockRef { header.ref }
    /// The bytes of the extrinsics together.
    package var bodyByteCount: Int { Self.byteCount(of: extrinsics) }
    /// About what the block's encoding takes, in bytes; never less.
    package var encodedByteCount: Int { header.encodedByteCount + bodyByteCount + 4 }

    /// The bytes of a body's extrinsics together.
    package static func byteCount(of extrinsics: [Extrinsic]) -> Int {
        extrinsics.reduce(0) { $0 + $1.encodedByteCount }
    }

    /// The Merkle root over the extrinsics' encodings.
    package static func extrinsicsRoot(of extrinsics: [Extrinsic]) -> Hash256 {
        MerkleTree.root(of: extrinsics.map(\.scaleBytes))
    }
}

extension Block: SCALEEncodable, SCALEDecodable {
    /// Appends the header, then the extrinsics as a sequence.
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(header)
        encoder.appendItems(extrinsics)
    }

    /// Reads a block whose header and body keep their bounds.
    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        header = try decoder.read()
        let start = decoder.offset
        extrinsics = try decoder.readItems(
            Extrinsic.self, limit: Self.maximumExtrinsicCount,
            minimumItemByteCount: Extrinsic.minimumByteCount)
        guard Self.byteCount(of: extrinsics) <= Self.maximumBodyByteCount else {
            throw .invalidValue(offset: start, reason: "a body has at most 64 KiB")
        }
    }
}
