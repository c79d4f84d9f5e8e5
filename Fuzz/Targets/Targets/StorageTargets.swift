import Chain
import Coherence
import Foundation
import Primitives
import Storage
import Synchronization

/// The files that a node finds on its disk: the chain's database, the sign log, its mark.
enum StorageTargets {
    static let all = [chainDatabase, signLog]

    /// A base path with a store in it, made once; each check puts the whole files back first.
    private final class Place: Sendable {
        let chain: SampleChain
        let directory: String
        let paths: BasePath
        let database: [UInt8]
        let log: [UInt8]
        let mark: [UInt8]
        let signed: [SignRecord]
        let finalised: BlockRef
        /// One check at a time: they share the files.
        let turn = Mutex(())

        init() throws {
            chain = try SampleChain.shared()
            // In memory where there is such a place.
            let memory = "/dev/shm"
            let root =
                FileManager.default.isWritableFile(atPath: memory)
                ? memory : NSTemporaryDirectory()
            directory = "\(root)/quantumharmony-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
            try? FileManager.default.removeItem(atPath: directory)
            paths = try BasePath(root: directory, chainID: "fuzz")
            let store = try NodeStore(paths, genesis: chain.genesis, state: chain.state)
            try store.beginSigning()
            let blocks = chain.blocks.prefix(3).map(\.header.ref)
            finalised = blocks[0]
            let certificate = try chain.certificate(round: 0, for: finalised)
            let quorum = try chain.quorumCertificate(round: 1, for: blocks[1])
            guard let lock = Lock(quorum) else { throw FuzzFinding("a lock on nothing") }
            let record = try chain.signRecord()
            try store.apply(chain.blocks.prefix(3).map { .block($0) })
            try store.apply([
                .voting(.vote(record)), .voting(.certificate(certificate)),
                .finalised([finalised], pruned: []),
                .voting(.lock(setID: chain.set.id, lock)),
                .voting(.highestQuorumCertificate(quorum)),
                .voting(.evidence(try chain.doubleVote())),
                .ban(StoredBan(peerID: [1, 2], untilUnixSeconds: 9, count: 1)),
                .address(
                    StoredAddress(
                        peerID: [1], address: "/ip4/1.2.3.4/tcp/5", lastSeenUnixSeconds: 7)),
            ])
            signed = try store.load().voting.signRecords
            try store.close()
            database = try Self.read("\(paths.database)/chain.sqlite")
            log = try Self.read("\(paths.signLog)/votes.sqlite")
            mark = try Self.read("\(paths.keystore)/sign-log-mark")
        }

        private static func read(_ path: String) throws -> [UInt8] {
            [UInt8](try Foundation.Data(contentsOf: URL(filePath: path)))
        }

        private static func write(_ bytes: [UInt8], _ path: String) throws {
            for suffix in ["-wal", "-shm", "-journal"] {
                try? FileManager.default.removeItem(atPath: path + suffix)
            }
            try Foundation.Data(bytes).write(to: URL(filePath: path))
        }

        /// Opens a store on these files and looks at all of it.
        ///
        /// - Returns: the sign log's state and what was signed; nil when the store does not open
        ///   or does not load.
        func open(
            database: [UInt8]? = nil, log: [UInt8]? = nil, mark: [UInt8]? = nil
        ) throws(FuzzFinding) -> (state: SignLogState, signed: [SignRecord])? {
            do {
                try Self.write(database ?? self.database, "\(paths.database)/chain.sqlite")
                try Self.write(log ?? self.log, "\(paths.signLog)/votes.sqlite")
                try Self.write(mark ?? self.mark, "\(paths.keystore)/sign-log-mark")
            } catch {
                throw FuzzFinding("the files cannot be written: \(error)")
            }
            do throws(StorageError) {
                let store = try NodeStore(paths, genesis: chain.genesis, state: chain.state)
                let state = store.signLogState
                do throws(StorageError) {
                    let voting = try store.load().voting
                    readAll(store)
                    try store.close()
                    return (state, voting.signRecords)
                } catch {
                    try? store.close()
                    return nil
                }
            } catch {
                return nil
            }
        }

        /// Every other read; each may fail by itself.
        private func readAll(_ store: NodeStore) {
            let hash = chain.blocks[0].header.hash
            _ = try? store.block(hash)
            _ = try? store.certificate(for: hash)
            _ = try? store.certificate(lowestAtOrAbove: BlockNumber(0))
            _ = try? store.newestCertificate(of: chain.set.id)
            _ = try? store.evidence(limit: 8)
            _ = try? store.finalisedHeaders(
                BlockNumber(0)...BlockNumber(9), maximumCount: 16)
            _ = (try? store.bans(), try? store.addresses(), try? store.counts())
        }
    }

    private static let made = Result { try Place() }

    private static func place() throws(FuzzFinding) -> Place {
        do {
            return try made.get()
        } catch {
            throw FuzzFinding("no store to begin with: \(error)")
        }
    }

    /// Removes what the checks left on the disk.
    static func removeFiles() {
        guard case .success(let place) = made else { return }
        try? FileManager.default.removeItem(atPath: place.directory)
    }

    static let chainDatabase = FuzzTarget(
        "chain-database", reads: "the SQLite file of the chain", runs: 250, upTo: 512 * 1024,
        samples: { [try place().database] },
        check: { bytes throws(FuzzFinding) in
            let place = try place()
            return try place.turn.withLock { _ throws(FuzzFinding) in
                guard let opened = try place.open(database: bytes) else { return .refused }
                // Nothing in the chain's database touches what was signed.
                try Properties.require(opened.state == .ready, "\(opened.state)")
                try Properties.require(opened.signed == place.signed, "other votes")
                return .accepted
            }
        })

    static let signLog = FuzzTarget(
        "sign-log", reads: "the SQLite file of the sign log, or the mark beside the keys",
        runs: 250, upTo: 256 * 1024,
        samples: { [[0] + (try place().log), [1] + (try place().mark)] },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let place = try place()
            let content = Array(bytes.dropFirst())
            return try place.turn.withLock { _ throws(FuzzFinding) in
                let opened =
                    form % 2 == 0
                    ? try place.open(log: content) : try place.open(mark: content)
                guard let opened, opened.state == .ready else { return .refused }
                // A log that may be signed after holds exactly what was signed.
                try Properties.require(
                    opened.signed == place.signed, "a changed log is taken: \(opened.signed)")
                return .accepted
            }
        })
}
