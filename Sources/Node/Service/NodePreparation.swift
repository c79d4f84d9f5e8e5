import Foundation
internal import Chain
internal import Coherence
internal import Falcon
internal import Keystore
internal import LibP2P
internal import Logging
internal import NIOCore
internal import Primitives
internal import RemoteSigning
internal import Storage
internal import Validator

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
    /// The validator's keys; none for a follower, and none that must not sign.
    let keys: [HeldKey]
    /// What signs with them, by public key.
    let signers: [[UInt8]: any Signer]
    /// The process that signs; nil when the node has keys of its own.
    let signerProcess: SignerConnection?
    /// Our position in the set in force; nil when nothing is signed in it.
    let local: ValidatorIndex?

    /// Evidence of double votes that was stored, the newest sets' last.
    let evidence: [DoubleVote]

    /// The set in force after the finalised block.
    var set: ValidatorSet { recovered.state.setInForce }

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
        paths = try BasePath(
            root: root, chainID: chain.parameters.chainID, keystore: configuration.keystorePath)
        try Self.makeFolder(root)
        store = try NodeStore(
            paths, genesis: chain.genesisHeader, state: chain.genesisState,
            options: configuration.storeOptions)
        identity = try Self.identity(configuration, paths: paths)
        recovered = try store.load()
        tree = try recovered.makeTree(limits: chain.parameters.treeLimits)
        evidence = try store.evidence(limit: 10_000)
        signerProcess =
            configuration.suri == nil
            ? configuration.signerPath.map { SignerConnection(path: $0) } : nil
        let found = try Self.signers(configuration, signerProcess, chain: chain, paths: paths)
        let allowed = try Self.decideSigning(
            found.map(\.key), configuration, store: store, chain: chain,
            set: recovered.state.setInForce, isDevelopment: isDevelopment)
        keys = allowed
        signers = Dictionary(
            found.filter { entry in allowed.contains { $0.publicKey == entry.key.publicKey } }
                .map { ($0.key.publicKey, $0.signer) }, uniquingKeysWith: { first, _ in first })
        local = HeldKeys(allowed).local(in: recovered.state.setInForce)
    }

    /// The account that we vote as, or would; nil for a follower.
    var account: AccountID? {
        guard let first = keys.first else { return nil }
        return local.flatMap { set.validator(at: $0)?.account } ?? first.account
            ?? AccountID(SessionKeystore.name(ofPublicKey: first.publicKey).bytes)
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
            let cause = (error as? CocoaError)?.underlying as? POSIXError
            throw .basePath(
                path: path,
                why: cause.map { String(cString: strerror($0.code.rawValue)) }
                    ?? error.localizedDescription)
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

    /// The validator's keys with what signs with them; none for a follower.
    private static func signers(
        _ configuration: NodeConfiguration, _ process: SignerConnection?, chain: ResolvedChain,
        paths: BasePath
    ) throws -> [(key: HeldKey, signer: any Signer)] {
        guard configuration.isValidator else { return [] }
        if let uri = configuration.suri {
            let account = try DevelopmentAccount(uri: uri)
            let signer = InProcessSigner(account.makeSecretKey())
            let key = HeldKey(account: account.account, publicKey: signer.publicKey.bytes)
            return [(key, signer)]
        }
        if let process {
            return try process.signers().prefix(HeldKeys.limit).map {
                (HeldKey(publicKey: $0.publicKey.bytes), $0)
            }
        }
        let keystore = try SessionKeystore(
            directory: paths.keystore, password: configuration.keystorePassword)
        let names = try keystore.names().prefix(HeldKeys.limit)
        guard !names.isEmpty else {
            throw NodeError.noValidatorKey(
                chain: chain.parameters.chainID, keystore: paths.keystore)
        }
        return try names.map { name in
            let signer = try keystore.signer(name)
            return (HeldKey(publicKey: signer.publicKey.bytes), signer)
        }
    }

    /// Which keys may sign: the sign log decides.
    private static func decideSigning(
        _ keys: [HeldKey], _ configuration: NodeConfiguration, store: NodeStore,
        chain: ResolvedChain, set: ValidatorSet, isDevelopment: Bool
    ) throws -> [HeldKey] {
        guard !keys.isEmpty else { return [] }
        let state = store.signLogState
        if case .firstStart = state {
            guard isDevelopment || configuration.initializeSignState else {
                throw NodeError.signStateUnknown(chain: chain.parameters.chainID)
            }
            try store.beginSigning()
        }
        let nextSet = set.id.successor ?? set.id
        let names = keys.map { SessionKeystore.name(ofPublicKey: $0.publicKey) }
        let usable = try store.usableKeys(of: names, nextSet: nextSet)
        var keys = zip(keys, names).filter { usable.contains($1) }.map(\.0)
        if case .neverSign(let reason) = state {
            logger.critical(
                "\(keys.isEmpty ? "This validator does not vote" : "Only new keys vote, from validator set \(nextSet) on"): \(reason)"
            )
        }
        let firstSet = try store.firstSignableSet()
        for index in keys.indices { keys[index].firstSet = firstSet }
        guard !keys.isEmpty else { return [] }
        if HeldKeys(keys).local(in: set) == nil {
            logger.warning(
                "No key here is one of validator set \(set.id) of the chain '\(chain.parameters.chainID)'; this node follows without voting until one is"
            )
        }
        return keys
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
