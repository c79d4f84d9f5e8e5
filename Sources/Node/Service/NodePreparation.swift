import Foundation
internal import Chain
internal import Coherence
internal import Falcon
internal import Keystore
internal import LibP2P
internal import Logging
internal import NIOCore
internal import Primitives
internal import Storage

/// Everything that a node needs before it talks to anybody: chain, folders, keys, stored state.
///
/// All that can be wrong with options and files is found here, before a port is opened.
struct NodePreparation: Sendable {
    let configuration: NodeConfiguration
    let specification: ChainSpecification
    let chain: ResolvedChain
    let paths: BasePath
    /// Whether the base path is removed when the node stops.
    let isTemporary: Bool
    let identity: NodeIdentity
    /// The peers to dial first: those of the options, and of the chain specification.
    let bootnodes: [Multiaddr]
    let store: NodeStore
    let recovered: RecoveredChain
    let tree: BlockTree
    /// The validator's key; nil for a follower, and when the key must not sign.
    let signer: (any Signer)?
    /// Our position in the active set; nil when nothing is signed.
    let local: ValidatorIndex?

    private static let logger = Logger(label: "node")

    init(_ configuration: NodeConfiguration) throws {
        self.configuration = configuration
        specification = try ChainSpecification.named(configuration.chain.name)
        chain = try specification.resolve()
        bootnodes = try configuration.bootnodes + specification.bootnodeAddresses()
        let isDevelopment = chain.parameters.kind != .live
        try Self.checkOptions(configuration, chain: chain, isDevelopment: isDevelopment)
        isTemporary = configuration.basePath == nil
        let root = try configuration.basePath ?? Self.makeTemporaryFolder()
        paths = try BasePath(root: root, chainID: chain.parameters.chainID)
        try Self.makeFolder(root)
        store = try NodeStore(paths, genesis: chain.genesisHeader, state: chain.genesisState)
        identity = try Self.identity(configuration, paths: paths)
        recovered = try store.load()
        tree = try recovered.makeTree(limits: chain.parameters.treeLimits)
        let key = try Self.key(configuration, chain: chain, paths: paths)
        let mayStillSign = try Self.decideSigning(
            key != nil, configuration, store: store, chain: chain, isDevelopment: isDevelopment)
        signer = mayStillSign ? key?.signer : nil
        local = mayStillSign ? key?.index : nil
    }

    private static func checkOptions(
        _ configuration: NodeConfiguration, chain: ResolvedChain, isDevelopment: Bool
    ) throws(NodeError) {
        let id = chain.parameters.chainID
        guard configuration.isValidator else { return }
        if let uri = configuration.suri, !isDevelopment {
            throw .developmentKeyOnLiveChain(uri: uri, chain: id)
        }
        if !isDevelopment {
            switch configuration.quantumOrigin {
            case nil: throw .noQuantumSource(chain: id)
            case .simulated: throw .simulatedQuantumSource(chain: id)
            case .file, .http: break
            }
            if configuration.basePath == nil, chain.set.count > 1 {
                throw .temporaryValidator(chain: id)
            }
        }
        if case .http(let url) = configuration.quantumOrigin {
            do throws(HTTPDocumentFetch.InvalidURL) {
                _ = try HTTPDocumentFetch(url: url)
            } catch {
                throw .quantumSource("\(error)")
            }
        }
    }

    // MARK: Folders and keys

    private static func makeTemporaryFolder() throws(NodeError) -> String {
        let pattern = FileManager.default.temporaryDirectory
            .appending(path: "quantumharmony-XXXXXX").path
        var bytes = Array(pattern.utf8CString)
        guard mkdtemp(&bytes) != nil else {
            throw .basePath(path: pattern, why: String(cString: strerror(errno)))
        }
        return String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func makeFolder(_ path: String) throws(NodeError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .basePath(path: path, why: error.localizedDescription)
        }
    }

    private static func identity(
        _ configuration: NodeConfiguration, paths: BasePath
    ) throws -> NodeIdentity {
        if let seed = configuration.nodeKey, let identity = NodeIdentity(seed: seed) {
            return identity
        }
        return try NodeKey.loadOrCreate(in: paths.network)
    }

    /// The validator's key and its position in the set; nil for a follower.
    private static func key(
        _ configuration: NodeConfiguration, chain: ResolvedChain, paths: BasePath
    ) throws -> (signer: any Signer, index: ValidatorIndex)? {
        guard configuration.isValidator else { return nil }
        if let uri = configuration.suri {
            let account = try DevelopmentAccount(uri: uri)
            let signer = InProcessSigner(account.makeSecretKey())
            guard let index = chain.set.index(of: account.account),
                chain.set.validator(at: index)?.falconPublicKey == signer.publicKey.bytes
            else {
                logger.warning(
                    "\(uri) is no validator of the chain '\(chain.parameters.chainID)'; this node follows without voting"
                )
                return nil
            }
            return (signer, index)
        }
        let keystore = try SessionKeystore(directory: paths.keystore)
        for (position, validator) in chain.set.validators.enumerated() {
            guard let publicKey = try? FalconPublicKey(bytes: validator.falconPublicKey) else {
                continue
            }
            let name = SessionKeystore.name(of: publicKey)
            guard try keystore.contains(name) else { continue }
            return (try keystore.signer(name), ValidatorIndex(UInt16(position)))
        }
        throw NodeError.noValidatorKey(
            chain: chain.parameters.chainID, keystore: paths.keystore)
    }

    /// Whether the key may sign: the sign log decides.
    private static func decideSigning(
        _ hasKey: Bool, _ configuration: NodeConfiguration, store: NodeStore,
        chain: ResolvedChain, isDevelopment: Bool
    ) throws -> Bool {
        guard hasKey else { return false }
        switch store.signLogState {
        case .ready: return true
        case .firstStart:
            guard isDevelopment || configuration.initializeSignState else {
                throw NodeError.signStateUnknown(chain: chain.parameters.chainID)
            }
            try store.beginSigning()
            return true
        case .neverSign(let reason):
            logger.critical("This validator does not vote: \(reason)")
            return false
        }
    }
}

extension NodeConfiguration.ChainSource {
    /// The name that `--chain` takes.
    var name: String {
        switch self {
        case .dev: "dev"
        case .local: "local"
        case .file(let path): path
        }
    }
}

extension NodeConfiguration {
    /// Where a node keeps its files unless told otherwise.
    public static var defaultBasePath: String {
        let home = FileManager.default.homeDirectoryForCurrentUser.path
        return "\(home)/.local/share/quantumharmony-node"
    }
}
