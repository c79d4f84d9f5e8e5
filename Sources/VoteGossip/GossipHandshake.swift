package import Primitives
package import SCALE

/// What a node is on its network, as Substrate's role byte spells it.
package struct PeerRole: Sendable, Hashable {
    /// The byte as sent; unknown bits are kept and mean nothing.
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Follows the chain.
    package static let full = PeerRole(rawValue: 1)
    /// Follows headers and certificates only.
    package static let light = PeerRole(rawValue: 2)
    /// Claims to be a validator. A claim only: nothing is trusted because of it.
    package static let authority = PeerRole(rawValue: 4)
}

extension PeerRole: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full: "full"
        case .light: "light"
        case .authority: "authority"
        default: "role \(rawValue)"
        }
    }
}

/// The handshake of the vote gossip's notification streams.
///
/// Source: docs/protocol.md, "NotificationService". 85 bytes: role, genesis hash, set, round, and
/// the finalised block's number and hash.
package struct GossipHandshake: Sendable, Hashable {
    /// The most bytes a handshake may have before it is looked at.
    package static let maximumByteCount = 1024

    /// What the sender is.
    package var role: PeerRole
    /// The chain that it follows.
    package var genesisHash: Hash256
    /// The validator set that it is in.
    package var setID: SetID
    /// The round that it is in.
    package var round: RoundNumber
    /// The height of its finalised block.
    package var finalisedNumber: BlockNumber
    /// The hash of its finalised block.
    package var finalisedHash: Hash256

    package init(
        role: PeerRole, genesisHash: Hash256, setID: SetID, round: RoundNumber,
        finalisedNumber: BlockNumber, finalisedHash: Hash256
    ) {
        self.role = role
        self.genesisHash = genesisHash
        self.setID = setID
        self.round = round
        self.finalisedNumber = finalisedNumber
        self.finalisedHash = finalisedHash
    }

    /// Reads a whole handshake.
    ///
    /// - Throws: when it is longer than 1,024 bytes, truncated, followed by anything, or names a
    ///   round of 2^63 or more.
    package static func decode(_ bytes: [UInt8]) throws(SCALEError) -> GossipHandshake {
        guard bytes.count <= maximumByteCount else {
            throw .invalidValue(offset: 0, reason: "a handshake has at most 1,024 bytes")
        }
        return try SCALEDecoder.decode(from: bytes)
    }
}

extension GossipHandshake: SCALEEncodable, SCALEDecodable {
    package func encode(to encoder: inout SCALEEncoder) {
        encoder.append(role.rawValue)
        encoder.append(genesisHash)
        encoder.append(setID)
        encoder.append(round)
        encoder.append(finalisedNumber)
        encoder.append(finalisedHash)
    }

    package init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        role = PeerRole(rawValue: try decoder.readByte())
        genesisHash = try decoder.read()
        setID = try decoder.read()
        round = try decoder.readBoundedRound()
        finalisedNumber = try decoder.read()
        finalisedHash = try decoder.read()
    }
}

extension SCALEDecoder {
    /// Reads a round below 2^63.
    mutating func readBoundedRound() throws(SCALEError) -> RoundNumber {
        let start = offset
        let round = try read(RoundNumber.self)
        guard round.rawValue < RoundNumber.limit else {
            throw .invalidValue(offset: start, reason: "a round is below 2^63")
        }
        return round
    }
}
