internal import Chain
internal import Coherence
import Dispatch
internal import Falcon
internal import Keystore
internal import Logging
internal import Primitives
internal import RPC
internal import RemoteSigning
internal import Storage
internal import Validator

/// The session keys of a running node: makes and keeps them, and hands them to the host.
///
/// Making and writing keys takes up to a second, on a queue of its own. A key is on the disk, the
/// node's or its signer's, before the host, the chain or the caller hears of it.
struct SessionKeys: KeyOperations {
    private let keystore: SessionKeystore
    /// The process that keeps the session keys; nil when the keystore does.
    private let process: SignerConnection?
    private let host: ValidatorHost
    private let genesisHash: Hash256
    /// Why keys of the keystore are of no use to this node; nil when they are.
    private let obstacle: String?
    /// Whether the node can sign with a key without being started again.
    private let isSigning: Bool
    private let queue = DispatchQueue(label: "keys")
    private let logger = Logger(label: "keys")

    init(_ preparation: NodePreparation, host: ValidatorHost) throws(KeystoreError) {
        let configuration = preparation.configuration
        keystore = try SessionKeystore(
            directory: preparation.paths.keystore, password: configuration.keystorePassword)
        process = preparation.signerProcess
        self.host = host
        genesisHash = preparation.chain.genesisHash
        isSigning = !preparation.keys.isEmpty
        obstacle = Self.obstacle(configuration)
    }

    private static func obstacle(_ configuration: NodeConfiguration) -> String? {
        configuration.suri.map { uri in
            "this node signs with the development key \(uri) of its command line and would not "
                + "find another key after a restart: put the key into the keystore (key insert "
                + "--suri \(uri)) and start the node without its name"
        }
    }

    // MARK: KeyOperations

    func rotateKeys() async throws(KeyRefusal) -> [UInt8] {
        let core = await host.core
        guard let state = core.tree.state(of: core.tree.best.hash) else {
            throw KeyRefusal(reason: "the node has no state of its best block")
        }
        let member = core.keys.local(in: state.setInForce)
            .flatMap { state.setInForce.validator(at: $0) }
        guard let member else {
            let key = try await make().signer.publicKey.bytes
            logger.warning(
                "A session key was made; it is asked for by nobody, since this node is no member of validator set \(state.setInForce.id)"
            )
            return key
        }
        guard state.constants.sessionLength > 0 else {
            throw KeyRefusal(
                reason: "the validator sets of this chain never change (its session length is 0)")
        }
        let made = try await make()
        let proof = try await proof(by: made.signer, for: member.account)
        await host.submit(
            .call(.rotateKey(newKey: made.signer.publicKey.bytes, proof: proof)))
        logger.info(
            "Session key \(made.name.short) was made; the chain is asked to put it in the place of the old one with the next validator set"
        )
        return made.signer.publicKey.bytes
    }

    func makeKeys(for owner: AccountID) async throws(KeyRefusal) -> ProvenKey {
        let made = try await make()
        return ProvenKey(
            publicKey: made.signer.publicKey.bytes,
            proof: try await proof(by: made.signer, for: owner))
    }

    func insertKey(type: String, uri: String, publicKey: [UInt8]) async throws(KeyRefusal) {
        let type = try Self.keyType(type)
        guard type.bytes == SessionKeystore.keyType else {
            let accounts = AccountKeystore(keystore.files, type: type)
            return try await perform { () throws(KeystoreError) in
                try accounts.insert(uri: uri, expecting: publicKey)
            }
        }
        guard process == nil else {
            throw KeyRefusal(
                reason: "the session keys of this node are kept by its signer: insert the key into "
                    + "the signer's keystore (key insert --keystore-path) and start the signer and "
                    + "the node again")
        }
        try await checkRoom()
        let keystore = keystore
        let signer = try await perform { () throws(KeystoreError) in
            try keystore.insert(SecretURI(uri), expecting: publicKey)
            return try keystore.signer(SessionKeystore.name(ofPublicKey: publicKey))
        }
        await use(signer)
    }

    func hasKey(_ publicKey: [UInt8], type: String) async throws(KeyRefusal) -> Bool {
        let type = try Self.keyType(type)
        let (keystore, process) = (keystore, process)
        return try await perform { () throws(KeystoreError) in
            guard type.bytes == SessionKeystore.keyType else {
                return try AccountKeystore(keystore.files, type: type).contains(publicKey)
            }
            if let process {
                return try process.signers().contains { $0.publicKey.bytes == publicKey }
            }
            return try keystore.contains(SessionKeystore.name(ofPublicKey: publicKey))
        }
    }

    // MARK: Parts

    private struct Made: Sendable {
        let name: Hash256
        let signer: any Signer
    }

    /// Makes a key, keeps it, and hands it to the host.
    private func make() async throws(KeyRefusal) -> Made {
        try await checkRoom()
        let (keystore, process) = (keystore, process)
        let made = try await perform { () throws(KeystoreError) in
            if let process {
                let signer = try process.makeKey()
                return Made(name: SessionKeystore.name(of: signer.publicKey), signer: signer)
            }
            let name = SessionKeystore.name(of: try keystore.generate())
            return Made(name: name, signer: try keystore.signer(name))
        }
        await use(made.signer)
        return made
    }

    private func checkRoom() async throws(KeyRefusal) {
        if let obstacle { throw KeyRefusal(reason: obstacle) }
        // A signer has a bound of its own.
        guard process == nil else { return }
        let keystore = keystore
        let count = try await perform { () throws(KeystoreError) in try keystore.names().count }
        guard count < HeldKeys.limit else {
            throw KeyRefusal(
                reason: "the keystore has \(count) session keys, and a node uses at most "
                    + "\(HeldKeys.limit): move those away that are in no validator set any more")
        }
    }

    private func use(_ signer: any Signer) async {
        let name = SessionKeystore.name(of: signer.publicKey).short
        guard isSigning else {
            logger.warning(
                "Session key \(name) was kept. This node was started without a key that may sign: start it again, with --validator, to use it"
            )
            return
        }
        await host.add(HeldKey(publicKey: signer.publicKey.bytes), signer: signer)
        logger.info("Session key \(name) was kept; it can sign from the next validator set on")
    }

    private func proof(
        by signer: any Signer, for account: AccountID
    ) async throws(KeyRefusal) -> [UInt8] {
        do {
            return try await signer.sign(
                Extrinsic.keyProofBytes(
                    genesisHash: genesisHash, account: account, newKey: signer.publicKey.bytes))
        } catch {
            throw KeyRefusal(reason: "\(error)")
        }
    }

    private static func keyType(_ text: String) throws(KeyRefusal) -> KeyFiles.KeyType {
        guard let type = KeyFiles.KeyType(text) else {
            throw KeyRefusal(reason: "a key type has four letters or digits, such as falc")
        }
        return type
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable () throws(KeystoreError) -> Value
    ) async throws(KeyRefusal) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, KeystoreError>, Never>) in
            queue.async { continuation.resume(returning: Result(catching: body)) }
        }
        do {
            return try result.get()
        } catch {
            throw KeyRefusal(reason: "\(error)")
        }
    }
}
