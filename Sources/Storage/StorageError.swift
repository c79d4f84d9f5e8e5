package import Chain
package import Coherence

/// Why something cannot be stored or read: what, why and what to do.
package enum StorageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Another process uses the base path; its number when it left one.
    case inUse(path: String, processID: Int32?)
    /// A file or directory cannot be opened or read.
    case unreadable(path: String, reason: String)
    /// A file or directory cannot be written.
    case unwritable(path: String, reason: String)
    /// The content is damaged.
    case corrupt(path: String, reason: String)
    /// A later version of the program wrote the database.
    case newerSchema(path: String, found: Int, supported: Int)
    /// The database is of another chain.
    case wrongGenesis(path: String, expected: BlockRef, found: BlockRef)
    /// There is no room. What was committed before is safe, this commit has not happened.
    case diskFull(path: String)
    /// The slot holds a vote for something else already: it must not be signed twice.
    case slotTaken(VoteSlot, stored: VoteTarget, offered: VoteTarget)
    /// The slot is older than what the sign log still remembers.
    case slotForgotten(VoteSlot)
    /// There is no sign log to write to.
    case noSignLog(reason: String)
    /// Records that contradict what is stored: an error of this program.
    case contradiction(reason: String)
    /// The chain's name cannot be that of a directory.
    case invalidChainID(String)
    /// Anything else.
    case failed(path: String, reason: String)

    package var description: String {
        switch self {
        case .inUse(let path, let process):
            """
            the base path \(path) is in use by \(process.map { "process \($0)" } ?? "another process"). \
            Stop it, or choose another base path with --base-path.
            """
        case .unreadable(let path, let reason):
            "cannot read \(path): \(reason). Check that the node's user owns it."
        case .unwritable(let path, let reason):
            "cannot write \(path): \(reason). Check the permissions of its directory."
        case .corrupt(let path, let reason):
            """
            \(path) is damaged: \(reason). Check the disk; then run purge-chain to fetch the chain \
            again. Keys and sign log stay.
            """
        case .newerSchema(let path, let found, let supported):
            """
            \(path) was written by a later version of this program: it has schema version \(found), \
            this program knows up to \(supported). Install the later version.
            """
        case .wrongGenesis(let path, let expected, let found):
            """
            \(path) holds another chain: its genesis block is \(found.hash), that of the chain \
            specification is \(expected.hash). Choose the right specification or another base path.
            """
        case .diskFull(let path):
            """
            the disk of \(path) is full. Nothing that was stored is lost and nothing was sent that \
            is not stored. Make room and start the node again.
            """
        case .slotTaken(let slot, let stored, let offered):
            """
            refusing a second vote: \(slot) is for \(stored) already, not for \(offered). Make sure \
            that no other node uses this key.
            """
        case .slotForgotten(let slot):
            """
            refusing a vote: \(slot) is older than the sign log remembers, so that it may have been \
            filled. Make sure that no other node uses this key.
            """
        case .noSignLog(let reason): "votes cannot be stored: \(reason)."
        case .contradiction(let reason):
            "the node contradicts its database: \(reason). Please report this."
        case .invalidChainID(let id):
            "the chain id \(id) cannot name a directory. Use letters, digits, hyphens, dots and underscores."
        case .failed(let path, let reason): "storing to \(path) failed: \(reason)."
        }
    }
}
