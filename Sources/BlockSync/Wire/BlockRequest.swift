package import Primitives
internal import SCALE
internal import SwiftProtobuf

/// The parts of a block that a request asks for. On the wire the bits stand in the most
/// significant byte of a u32.
package struct BlockFields: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let header = BlockFields(rawValue: 0x01)
    package static let body = BlockFields(rawValue: 0x02)
    package static let justification = BlockFields(rawValue: 0x10)

    /// All that this chain has.
    package static let everything: BlockFields = [.header, .body, .justification]
}

/// The order of the blocks in a response.
package enum BlockDirection: Sendable, Hashable {
    /// Towards the head.
    case ascending
    /// Towards genesis.
    case descending
}

/// The block that a request begins with.
package enum BlockStart: Sendable, Hashable {
    case hash(Hash256)
    /// On the responder's best chain.
    case number(BlockNumber)
}

/// A request of `/<genesis>/sync/2`, Substrate's schema api.v1.
package struct BlockRequest: Sendable, Hashable {
    /// A request's encoding has at most this many bytes.
    package static let maximumByteCount = 256

    /// The parts asked for.
    package let fields: BlockFields
    /// The block to begin with.
    package let start: BlockStart
    /// The order.
    package let direction: BlockDirection
    /// The most blocks wanted; 0 leaves it to the responder.
    package let maximumCount: UInt32
    /// Whether justifications of several engines are understood.
    package let takesMultipleJustifications: Bool

    package init(
        fields: BlockFields, start: BlockStart, direction: BlockDirection, maximumCount: UInt32,
        takesMultipleJustifications: Bool = true
    ) {
        self.fields = fields
        self.start = start
        self.direction = direction
        self.maximumCount = maximumCount
        self.takesMultipleJustifications = takesMultipleJustifications
    }

    /// The request's bytes, without the length prefix.
    package func encoded() throws(MalformedMessage) -> [UInt8] {
        var message = Api_V1_BlockRequest()
        message.fields = UInt32(fields.rawValue) << 24
        switch start {
        case .hash(let hash): message.hash = .init(copying: hash.bytes)
        case .number(let number): message.number = .init(copying: number.scaleBytes)
        }
        message.direction = direction == .ascending ? .ascending : .descending
        message.maxBlocks = maximumCount
        message.supportMultipleJustifications = takesMultipleJustifications
        do {
            return try message.serializedBytes()
        } catch {
            throw MalformedMessage()
        }
    }

    /// Reads a request. Unknown attribute bits are ignored; a start that is missing or has the
    /// wrong length and an unknown direction are refused.
    package init(decoding bytes: [UInt8]) throws(MalformedMessage) {
        guard bytes.count <= Self.maximumByteCount,
            let message = try? Api_V1_BlockRequest(serializedBytes: bytes)
        else { throw MalformedMessage() }
        switch message.fromBlock {
        case .hash(let raw):
            guard let hash = Hash256(raw) else { throw MalformedMessage() }
            start = .hash(hash)
        case .number(let raw):
            guard let number = try? SCALEDecoder.decode(BlockNumber.self, from: [UInt8](raw))
            else { throw MalformedMessage() }
            start = .number(number)
        case nil: throw MalformedMessage()
        }
        switch message.direction {
        case .ascending: direction = .ascending
        case .descending: direction = .descending
        case .UNRECOGNIZED: throw MalformedMessage()
        }
        fields = BlockFields(rawValue: UInt8(message.fields >> 24))
            .intersection(.everything)
        maximumCount = message.maxBlocks
        takesMultipleJustifications = message.supportMultipleJustifications
    }
}
