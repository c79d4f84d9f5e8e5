internal import Chain
internal import Coherence
internal import Primitives
internal import SCALE

/// Blocks with their certificates one after the other, as `export-blocks` writes them.
///
/// The stream begins with the ASCII text `QHBLOCKS`, one byte with the version, 1, and the genesis
/// hash. Each record is its length as 4 bytes, little-endian, and so many bytes: a block in SCALE, then
/// an optional certificate in SCALE (a byte 0, or a byte 1 and the certificate).
struct BlockStream: Sendable {
    static let magic = Array("QHBLOCKS".utf8) + [1]
    static let headByteCount = magic.count + Hash256.byteCount
    /// The longest record: the largest body, and a certificate of the largest set.
    static let maximumRecordByteCount = 16 << 20

    /// Why bytes are no such stream.
    enum Invalid: Error, Equatable, CustomStringConvertible {
        case noStream
        case otherChain(expected: Hash256, found: Hash256)
        case tooLong(byteCount: Int)
        case undecodable(record: Int, why: String)
        case cutOff(record: Int)

        var description: String {
            switch self {
            case .noStream: "the input does not begin like the output of export-blocks"
            case .otherChain(let expected, let found):
                "the blocks are of another chain: its genesis is \(found), this chain's is \(expected)"
            case .tooLong(let count): "a record of \(count) bytes is longer than any block"
            case .undecodable(let record, let why): "record \(record) cannot be decoded: \(why)"
            case .cutOff(let record): "the input ends in the middle of record \(record)"
            }
        }
    }

    /// A block, and the certificate for exactly this block if there was one.
    struct Record: Sendable, Equatable {
        let block: Block
        let certificate: FinalityCertificate?
    }

    static func head(genesisHash: Hash256) -> [UInt8] { magic + genesisHash.bytes }

    /// A record with its length.
    static func encode(_ block: Block, certificate: [UInt8]?) -> [UInt8] {
        var bytes = block.scaleBytes
        bytes += certificate.map { [1] + $0 } ?? [0]
        let count = UInt32(bytes.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + bytes
    }

    /// Checks the head.
    static func checkHead(_ bytes: [UInt8], genesisHash: Hash256) throws(Invalid) {
        guard bytes.count == headByteCount, bytes.starts(with: magic),
            let found = Hash256(Array(bytes[magic.count...]))
        else { throw .noStream }
        guard found == genesisHash else {
            throw .otherChain(expected: genesisHash, found: found)
        }
    }

    /// A record's length out of its four bytes.
    static func byteCount(_ bytes: [UInt8]) throws(Invalid) -> Int {
        let count = bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count <= maximumRecordByteCount else { throw .tooLong(byteCount: count) }
        return count
    }

    /// A record out of its bytes, without the length.
    static func decode(_ bytes: [UInt8], record: Int) throws(Invalid) -> Record {
        var decoder = SCALEDecoder(bytes)
        let flag: UInt8
        let block: Block
        var certificate: FinalityCertificate?
        do throws(SCALEError) {
            block = try decoder.read(Block.self)
            flag = try decoder.readByte()
            if flag == 1 { certificate = try decoder.read(FinalityCertificate.self) }
            try decoder.finish()
        } catch {
            throw .undecodable(record: record, why: "\(error)")
        }
        guard flag <= 1 else {
            throw .undecodable(record: record, why: "no certificate begins with \(flag)")
        }
        return Record(block: block, certificate: certificate)
    }
}
