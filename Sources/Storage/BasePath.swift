/// Where a node keeps what belongs to one chain:
/// `<base>/chains/<chain id>/{db,keystore,network,signlog}`.
///
/// `purge-chain` removes `db` and nothing else.
package struct BasePath: Sendable, Hashable {
    /// The base path, without a trailing slash.
    package let root: String
    /// The chain's directory.
    package let chain: String
    /// Session keys, and the mark that this node has begun to sign.
    package let keystore: String

    /// Names the directories of a chain; makes none.
    ///
    /// - Parameter keystore: the directory of the session keys; nil: the one in the chain's.
    /// - Throws: `invalidChainID` for an id that could lead elsewhere.
    package init(
        root: String, chainID: String, keystore: String? = nil
    ) throws(StorageError) {
        let allowed = chainID.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard allowed, !chainID.isEmpty, !chainID.hasPrefix("."), chainID.utf8.count <= 128 else {
            throw .invalidChainID(chainID)
        }
        var root = root
        while root.count > 1 && root.hasSuffix("/") { root.removeLast() }
        self.root = root
        chain = (root == "/" ? "" : root) + "/chains/" + chainID
        self.keystore = keystore ?? chain + "/keystore"
    }

    /// Blocks, certificates, peers.
    package var database: String { chain + "/db" }
    /// The node's key.
    package var network: String { chain + "/network" }
    /// What this node has signed.
    package var signLog: String { chain + "/signlog" }

    /// Removes the chain's database. Keys and sign log stay.
    ///
    /// - Throws: `inUse` while a node runs on the base path.
    package func purgeChain() throws(StorageError) {
        let lock = try ProcessLock(directory: root)
        try FileSystem.removeDirectory(database)
        lock.release()
    }
}
