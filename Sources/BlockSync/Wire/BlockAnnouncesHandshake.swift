package import Chain
package import Primitives
package import SCALE

/// What a peer is, as Substrate's handshakes say it.
package struct PeerRoles: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Keeps all blocks.
    package static let full = PeerRoles(rawValue: 1)
    /// Keeps headers only.
    package static let light = PeerRoles(rawValue: 2)
    /// A full node that authors and votes; not combined with `full`.
    package static let authority = PeerRoles(rawValue: 4)
}

extension PeerRoles: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) { encoder.append(rawValue) }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        rawValue = try decoder.readByte()
        guard rawValue & ~7 == 0 else {
            throw .invalidValue(offset: start, reason: "an unknown role")
        }
    }
}

/// The handshake of `/<genesis>/block-announces/1`, 69 bytes: roles, best height as a fixed-width
/// u32, best hash, genesis hash.
package struct BlockAnnouncesHandshake: Sendable, Hashable, SCALEEncodable, SCALEDecodable {
    /// What the sender is.
    package let roles: PeerRoles
    /// The sender's best head.
    package let best: BlockRef
    /// The chain that the sender is on.
    package let genesisHash: Hash256

    package init(roles: PeerRoles, best: BlockRef, genesisHash: Hash256) {
        self.roles = roles
        self.best = best
        self.genesisHash = genesisHash
    }

    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(roles)
        encoder.append(best.number)
        encoder.append(best.hash)
        encoder.append(genesisHash)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        roles = try decoder.read()
        let number = try decoder.read(BlockNumber.self)
        best = BlockRef(hash: try decoder.read(), number: number)
        genesisHash = try decoder.read()
    }
}
