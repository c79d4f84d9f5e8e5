/// Whether this node may sign with the keys of its base path.
package enum SignLogState: Sendable, Equatable {
    /// The log of what was signed is whole: signing goes on after it.
    case ready
    /// This node has never signed here. Whether it may begin is decided by the chain and the
    /// operator; `NodeStore.beginSigning` does it.
    case firstStart
    /// What was signed is not known any more: the keys must not sign in this set again.
    case neverSign(NeverSignReason)
}

/// Why keys must not sign any more.
package enum NeverSignReason: Sendable, Hashable, CustomStringConvertible {
    /// The keys have signed, and the log is not there.
    case missing(path: String)
    /// The log was moved to another machine.
    case moved(path: String)
    /// The log is damaged.
    case damaged(path: String, reason: String)
    /// The log is not the one that was begun beside these keys.
    case foreign(path: String)
    /// The mark beside the keys is damaged, so that it does not tell which log is theirs.
    case unreadableMark(path: String)

    package var description: String {
        let consequence = """
            The keys of this base path must not sign again in the current validator set: a vote that \
            is not remembered could be given twice. The node follows the chain without voting. \
            Restore the log from this machine's own disk if it is still there, or rotate to a new key.
            """
        switch self {
        case .missing(let path): return "the sign log \(path) is missing. \(consequence)"
        case .moved(let path):
            return """
                the sign log was moved to another machine (what was exported stands in \(path)). The \
                keys of this base path must not sign again here: they sign there. The node follows the \
                chain without voting. To bring the validator back, export the sign log there and \
                import it here.
                """
        case .damaged(let path, let reason):
            return "the sign log \(path) is damaged: \(reason). \(consequence)"
        case .foreign(let path):
            return "the sign log \(path) does not belong to these keys. \(consequence)"
        case .unreadableMark(let path):
            return "the mark of the sign log, \(path), is damaged. \(consequence)"
        }
    }
}
