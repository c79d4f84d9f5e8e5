import Foundation
internal import Chain
internal import Coherence
internal import Primitives
internal import Storage

/// Takes blocks with certificates from a stream into a stopped node's database, checked as if a peer
/// had sent them.
///
/// Every certificate that holds makes its block and those below it final at once, so that an import
/// that was interrupted goes on where it was: what is final already is compared and passed over.
public struct BlockImport {
    private let stopped: StoppedChain
    private let verifier = FalconVerifier()
    private var header: Header
    private var state: ChainState
    /// Blocks that no certificate has made final yet, ascending.
    private var waiting: [Block] = []
    /// The hash of the finalised block.
    private var finalised: BlockRef
    private var recordCount = 0
    public private(set) var counts = Counts()

    /// What came of an import.
    public struct Counts: Sendable, Equatable {
        /// Blocks that were final here already.
        public var known = 0
        public var imported = 0
        /// The newest final block.
        public var finalised: UInt32 = 0
        /// Blocks at the stream's end that no certificate makes final; they are not stored.
        public var withoutCertificate = 0
    }

    /// Why a stream was refused. What was imported before stays.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        case otherBlock(number: UInt32)
        case invalidBlock(number: UInt32, why: String)
        case invalidCertificate(number: UInt32, why: String)
        case noCertificate(count: Int)

        public var description: String {
            switch self {
            case .otherBlock(let number):
                "block #\(number) of the input is not the final block that is stored"
            case .invalidBlock(let number, let why): "block #\(number) is not valid: \(why)"
            case .invalidCertificate(let number, let why):
                "the certificate for block #\(number) is not valid: \(why)"
            case .noCertificate(let count):
                "\(count) blocks follow each other without a certificate; that is more than a node takes"
            }
        }
    }

    /// - Throws: that the node runs, or what is wrong with the chain or the files.
    public init(chain: NodeConfiguration.ChainSource, basePath: String) throws {
        stopped = try StoppedChain(chain: chain, basePath: basePath)
        let recovered = try stopped.store.load()
        header = recovered.finalised.header
        state = recovered.state
        finalised = recovered.finalised.ref
        counts.finalised = finalised.number.rawValue
    }

    /// Imports a whole stream.
    ///
    /// - Parameters:
    ///   - read: gives so many bytes, fewer only at the end.
    ///   - progress: gets the counts whenever a block has become final.
    /// - Throws: the first thing that is wrong; what was final by then is stored.
    public mutating func run(
        read: (Int) throws -> [UInt8], progress: (Counts) -> Void
    ) throws {
        defer { try? stopped.store.close() }
        try BlockStream.checkHead(
            try read(BlockStream.headByteCount), genesisHash: stopped.chain.genesisHash)
        while true {
            let length = try read(4)
            if length.isEmpty { break }
            recordCount += 1
            guard length.count == 4 else { throw BlockStream.Invalid.cutOff(record: recordCount) }
            let count = try BlockStream.byteCount(length)
            let bytes = try read(count)
            guard bytes.count == count else {
                throw BlockStream.Invalid.cutOff(record: recordCount)
            }
            let before = counts.finalised
            try take(BlockStream.decode(bytes, record: recordCount))
            if counts.finalised != before { progress(counts) }
        }
        counts.withoutCertificate = waiting.count
    }

    private mutating func take(_ record: BlockStream.Record) throws {
        let block = record.block
        let number = block.number.rawValue
        if block.number <= finalised.number {
            guard try stopped.store.finalisedHash(at: block.number) == block.hash else {
                throw Failure.otherBlock(number: number)
            }
            counts.known += 1
            return
        }
        let set = state.setInForce
        let slot = stopped.chain.parameters.constants.slot(
            atUnixMilliseconds: NodeClock.unixMilliseconds())
        let pending: PendingBlock
        do throws(BlockInvalid) {
            pending = try stopped.checker.check(
                block, parent: header, parentState: state, currentSlot: slot)
        } catch {
            throw Failure.invalidBlock(number: number, why: "\(error)")
        }
        guard pending.signatures.allSatisfy({ $0.run(using: verifier) }) else {
            throw Failure.invalidBlock(number: number, why: "a signature does not hold")
        }
        waiting.append(block)
        header = block.header
        state = pending.state
        guard let certificate = record.certificate else {
            let limit = stopped.chain.parameters.treeLimits.maximumDepth
            guard waiting.count <= limit else {
                throw Failure.noCertificate(count: waiting.count)
            }
            return
        }
        try finalise(block, certificate, set: set)
    }

    /// Makes a block final by its certificate, with those below it.
    private mutating func finalise(
        _ block: Block, _ certificate: FinalityCertificate, set: ValidatorSet
    ) throws {
        let number = block.number.rawValue
        guard certificate.target == VoteTarget(block.ref) else {
            throw Failure.invalidCertificate(number: number, why: "it is for another block")
        }
        do throws(CertificateInvalid) {
            _ = try certificate.verify(
                set: set, genesisHash: stopped.chain.genesisHash, verifier: verifier)
        } catch {
            throw Failure.invalidCertificate(number: number, why: "\(error)")
        }
        try stopped.store.apply(
            waiting.map { .block($0) } + [
                .voting(.certificate(certificate)), .finalised(waiting.map(\.ref), pruned: []),
            ])
        counts.imported += waiting.count
        counts.finalised = number
        finalised = block.ref
        waiting = []
    }
}
