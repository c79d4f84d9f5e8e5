import Foundation
internal import Chain
internal import Primitives
internal import Storage

/// Executes a stored block again, from genesis on, and checks it as that of a peer.
public struct BlockReplay {
    private let stopped: StoppedChain

    /// - Throws: that the node runs, or what is wrong with the chain or the files.
    public init(chain: NodeConfiguration.ChainSource, basePath: String) throws {
        stopped = try StoppedChain(chain: chain, basePath: basePath)
    }

    /// What is wrong with a block.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        case notStored(number: UInt32)
        case invalid(number: UInt32, why: String)

        public var description: String {
            switch self {
            case .notStored(let number):
                "block #\(number) is not stored: there is none yet, or it was pruned; all blocks "
                    + "from the first one on are needed"
            case .invalid(let number, let why): "block #\(number) is NOT VALID: \(why)"
            }
        }
    }

    /// Executes everything up to a final block; checks the signatures of that one.
    ///
    /// - Returns: a report for people.
    public func report(number: UInt32) throws -> String {
        defer { try? stopped.store.close() }
        var header = stopped.chain.genesisHeader
        var state = stopped.chain.genesisState
        let verifier = FalconVerifier()
        guard number > 0 else { return "VALID: block #0 is the genesis block \(header.hash)." }
        for current in 1...number {
            guard let block = try stopped.block(at: BlockNumber(current)) else {
                throw Failure.notStored(number: current)
            }
            let pending: PendingBlock
            do throws(BlockInvalid) {
                pending = try stopped.checker.check(
                    block, parent: header, parentState: state,
                    currentSlot: block.header.slot ?? SlotNumber(0))
            } catch {
                throw Failure.invalid(number: current, why: "\(error)")
            }
            if current == number {
                let bad = pending.signatures.count { !$0.run(using: verifier) }
                guard bad == 0 else {
                    throw Failure.invalid(number: number, why: "\(bad) signatures do not hold")
                }
                return """
                    VALID: block #\(number) \(block.hash)
                      parent \(block.header.parentHash), slot \(block.header.slot ?? SlotNumber(0)), author \(pending.author)
                      \(block.extrinsics.count) extrinsics in \(block.bodyByteCount) bytes, \(pending.signatures.count) signatures hold
                      state \(block.header.stateRoot) after executing \(number) blocks from genesis
                    """
            }
            header = block.header
            state = pending.state
        }
        throw Failure.notStored(number: number)
    }
}
