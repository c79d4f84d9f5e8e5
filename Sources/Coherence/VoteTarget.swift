package import Chain
public import Primitives
public import SCALE

/// What a vote is for: a block by hash and number, or nothing (a nil vote).
///
/// A nil vote has the zero hash *and* number 0; the zero hash with another number is malformed and
/// cannot be represented.
public struct VoteTarget: Sendable, Hashable {
    /// The block's hash; zeros for a nil vote.
    public let hash: Hash256
    /// The block's height; 0 for a nil vote.
    public let number: BlockNumber

    /// The target of a vote for no block.
    public static let nothing = VoteTarget(unchecked: .zero, BlockNumber(0))

    private init(unchecked hash: Hash256, _ number: BlockNumber) {
        self.hash = hash
        self.number = number
    }

    /// A block, or nothing for the zero hash and number 0; nil for the zero hash with another
    /// number.
    public init?(hash: Hash256, number: BlockNumber) {
        guard hash != .zero || number.rawValue == 0 else { return nil }
        self.init(unchecked: hash, number)
    }

    /// The target of a vote for a block that we know; its hash is not zero.
    package init(_ block: BlockRef) {
        precondition(block.hash != .zero, "no block has the zero hash")
        self.init(unchecked: block.hash, block.number)
    }

    /// Whether this is the target of nil votes.
    public var isNil: Bool { hash == .zero }

    /// The block; nil for nil votes.
    package var block: BlockRef? {
        isNil ? nil : BlockRef(hash: hash, number: number)
    }
}

extension VoteTarget: SCALEEncodable, SCALEDecodable {
    /// Appends the fields `block_hash` and `block_number`.
    public func encode(to encoder: inout SCALEEncoder) {
        encoder.append(hash)
        encoder.append(number)
    }

    public init(from decoder: inout SCALEDecoder) throws(SCALEError) {
        let start = decoder.offset
        let hash = try decoder.read(Hash256.self)
        let number = try decoder.read(BlockNumber.self)
        guard let target = VoteTarget(hash: hash, number: number) else {
            throw .invalidValue(offset: start, reason: "a nil vote has block number 0")
        }
        self = target
    }
}

extension VoteTarget: CustomStringConvertible {
    /// For people: `#17 0x1234…cdef`, or `nil`.
    public var description: String { isNil ? "nil" : "#\(number) \(hash.short)" }
}
