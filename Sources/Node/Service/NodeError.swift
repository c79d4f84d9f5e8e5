/// Why a node cannot start: what, why, and what to do.
public enum NodeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The key given by name is public, and the chain is not for development.
    case developmentKeyOnLiveChain(uri: String, chain: String)
    /// A validator was asked for, and there is no key of the active set.
    case noValidatorKey(chain: String, keystore: String)
    /// Measurements would be made up.
    case simulatedQuantumSource(chain: String)
    /// No source of measurements was given.
    case noQuantumSource(chain: String)
    /// The source's address is not usable.
    case quantumSource(String)
    /// A validator whose sign log would be thrown away.
    case temporaryValidator(chain: String)
    /// The sign log is new, and nobody vouched for the key.
    case signStateUnknown(chain: String)
    /// The folder cannot be used.
    case basePath(path: String, why: String)
    /// The stored state of the finality protocol is not valid.
    case recovery(String)
    /// A port cannot be listened on.
    case listen(String)

    public var description: String {
        switch self {
        case .developmentKeyOnLiveChain(let uri, let chain):
            "\(uri) is a development key that everybody knows, and the chain '\(chain)' is live. "
                + "Insert a key of your own into the keystore and leave the name away."
        case .noValidatorKey(let chain, let keystore):
            "--validator was given, but no key in \(keystore) belongs to a validator of the chain "
                + "'\(chain)'. Name a development validator (--alice ... --suri //V7), put the "
                + "key's file there, or leave --validator away to follow the chain."
        case .simulatedQuantumSource(let chain):
            "the chain '\(chain)' is live, and a simulated quantum source is for development only. "
                + "Give --quantum-source file:PATH or http://..."
        case .noQuantumSource(let chain):
            "the chain '\(chain)' is live, and a validator needs real measurements. Give "
                + "--quantum-source file:PATH or http://..."
        case .quantumSource(let why): "--quantum-source: \(why)."
        case .temporaryValidator(let chain):
            "a validator of the chain '\(chain)' must not run in a temporary folder: its sign log "
                + "would be lost, and it could sign two contradicting votes. Give --base-path."
        case .signStateUnknown(let chain):
            "this base path has no sign log, and the chain '\(chain)' is not a development chain. If "
                + "this key has never signed in the current validator set, say so once with "
                + "--init-sign-state. If it has, bring its sign log along."
        case .basePath(let path, let why):
            "cannot use the folder '\(path)': \(why). Choose another one with --base-path."
        case .recovery(let why):
            "the stored state of the finality protocol is not valid: \(why). Nothing will be signed "
                + "on it. Restore the folder from this machine's own disk; see docs/operations.md."
        case .listen(let why): why
        }
    }
}
