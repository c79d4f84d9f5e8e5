import Foundation
internal import Chain
internal import Primitives
internal import Storage

/// Writes the final blocks of a stopped node, with their certificates, to a stream.
public struct BlockExport {
    private let stopped: StoppedChain

    /// - Throws: that the node runs, or what is wrong with the chain or the files.
    public init(chain: NodeConfiguration.ChainSource, basePath: String) throws {
        stopped = try StoppedChain(chain: chain, basePath: basePath)
    }

    /// Why blocks cannot be exported.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        case missing(number: UInt32, finalised: UInt32)

        public var description: String {
            switch self {
            case .missing(let number, let finalised):
                "block #\(number) is not stored (the newest final one is #\(finalised)): it was "
                    + "pruned. Begin at a later one with --from."
            }
        }
    }

    /// Writes blocks in order.
    ///
    /// - Parameters:
    ///   - first: the first height; genesis is never written.
    ///   - last: the last height; nil: the newest final block's.
    ///   - write: gets pieces of the stream.
    ///   - progress: gets the heights that were reached, now and then.
    /// - Returns: how many blocks were written.
    public func write(
        from first: UInt32, through last: UInt32?, to write: ([UInt8]) throws -> Void,
        progress: (UInt32) -> Void
    ) throws -> Int {
        defer { try? stopped.store.close() }
        let finalised = try stopped.store.finalised().number.rawValue
        let end = min(last ?? finalised, finalised)
        try write(BlockStream.head(genesisHash: stopped.chain.genesisHash))
        var next = max(1, first)
        var count = 0
        while next <= end {
            let found = try stopped.store.finalisedBlocks(
                FinalisedBlockQuery(
                    start: BlockNumber(next), maximumCount: min(64, Int(end - next) + 1),
                    maximumByteCount: 8 << 20, includesCertificates: true))
            guard !found.isEmpty else {
                throw Failure.missing(number: next, finalised: finalised)
            }
            for entry in found {
                try write(BlockStream.encode(entry.block, certificate: entry.certificate))
            }
            count += found.count
            next += UInt32(found.count)
            progress(next - 1)
        }
        return count
    }
}
