internal import Chain
internal import Coherence
internal import Primitives
internal import Storage

/// The stored chain of a node that does not run, for the commands that work on it.
struct StoppedChain: Sendable {
    let chain: ResolvedChain
    let store: NodeStore

    /// Opens what is stored, or begins the chain with its genesis.
    ///
    /// - Throws: `inUse` while the node runs, and what is wrong with the chain or the files.
    init(chain source: NodeConfiguration.ChainSource, basePath: String) throws {
        chain = try ChainSpecification.named(source.name).resolve()
        let paths = try BasePath(root: basePath, chainID: chain.parameters.chainID)
        store = try NodeStore(paths, genesis: chain.genesisHeader, state: chain.genesisState)
    }

    /// The finalised block of a height.
    func block(at number: BlockNumber) throws -> Block? {
        try store.finalisedHash(at: number).flatMap { try store.block($0) }
    }

    /// Judges blocks as those of peers are judged.
    var checker: BlockChecker {
        BlockChecker(
            genesisHash: chain.genesisHash, evidence: .doubleVotes(genesisHash: chain.genesisHash))
    }
}
