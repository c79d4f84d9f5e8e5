package import Primitives
package import SCALE

/// A block's header in Substrate's layout: parent hash, compact number, state root, extrinsics
/// root, digest.
///
/// The hash covers everything, the seal included. It is computed once, when the header is made.
package struct Header: Sendable {
    /// A header's encoding has at most this many bytes.
    package static let maximumByteCount = 65_536
    /// A digest has at most this many items.
    package static let maximumDigestItemCount = 64

    /// The hash of the block before; zeros for genesis.
    package let parentHash: Hash256
    /// The height; genesis is 0.
    package let number: BlockNumber
    /// `ChainState.root` after this block.
    package let stateRoot: Hash256
    /// `Block.extrinsicsRoot` of the body.
    package let extrinsicsRoot: Hash256
    /// Slot, announcements and seal.
    package let digest: [DigestItem]
    /// BLAKE2b-256 of the encoding.
    package let hash: Hash256
    /// The bytes of the encoding.
    package let encodedByteCount: Int

    /// Makes a header of our own; at most 64 digest items and 64 KiB.
    package init(
        parentHash: Hash256, number: BlockNumber, stateRoot: Hash256, extrinsicsRoot: Hash256,
        digest: [DigestItem]
    ) {
        self.parentHash = parentHash
        self.number = number
        self.stateRoot = stateRoot
        self.extrinsicsRoot = extrinsicsRoot
        self.digest = digest
        let encoding = Self.encoding(parentHash, number, stateRoot, extrinsicsRoot, digest)
        precondition(digest.count <= Self.maximumDigestItemCount, "too many digest items")
        precondition(encoding.count <= Self.maximumByteCount, "header too large")
        hash = BLAKE2b256.hash(encoding)
        encodedByteCount = encoding.count
    }

    /// The header by hash and height.
    package var ref: BlockRef { BlockRef(hash: hash, number: number) }

    /// The seal's bytes: those of the last digest item, if it is a Falcon seal.
    package var seal: [UInt8]? {
        guard case .seal(.falcon, let bytes)? = digest.last else { return nil }
        return bytes
    }

    /// The hash that the author signs: of the header without its last item if that is a seal.
    package var preSealHash: Hash256 {
        guard case .seal? = digest.last else { return hash }
        return BLAKE2b256.hash(
            Self.encoding(parentHash, number, stateRoot, extrinsicsRoot, digest.dropLast()))
    }

    /// The slot: of the only `aura` pre-runtime item, 8 bytes little-endian; nil when there is
    /// none, more than one or a malformed one.
    package var slot: SlotNumber? {
        var found: SlotNumber?
        for case .preRuntime(.aura, let bytes) in digest {
            guard found == nil, let slot = try? SCALEDecoder.decode(SlotNumber.self, from: bytes)
            else { return nil }
            found = slot
        }
        return found
    }

    private static func encoding(
        _ parentHash: Hash256, _ number: BlockNumber, _ stateRoot: Hash256,
        _ extrinsicsRoot: Hash256, _ digest: [DigestItem]
    ) -> [UInt8] {
        var encoder = SCALEEncoder(capacity: 1536)
        encoder.append(parentHash)
        encoder.appendCompact(number.rawValue)
        encoder.append(stateRoot)
        encoder.append(extrinsicsRoot)
        encoder.appendItems(digest)
        return encoder.bytes
    }
}

extension Header: Hashable {
    package static func == (left: Header, right: Header) -> Bool { left.hash == right.hash }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}

extension Header: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.appendRaw(
            Self.encoding(parentHash, number, stateRoot, extrinsicsRoot, digest))
    }

    /// Reads a header of at most 64 KiB and 64 digest items.
    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let parentHash = try decoder.read(Hash256.self)
        let number = BlockNumber(try decoder.readCompact())
        let stateRoot = try decoder.read(Hash256.self)
        let extrinsicsRoot = try decoder.read(Hash256.self)
        let digest = try decoder.readItems(
            DigestItem.self, limit: Self.maximumDigestItemCount)
        guard decoder.offset - start <= Self.maximumByteCount else {
            throw .invalidValue(offset: start, reason: "a header has at most 64 KiB")
        }
        self.init(
            parentHash: parentHash, number: number, stateRoot: stateRoot,
            extrinsicsRoot: extrinsicsRoot, digest: digest)
    }
}
