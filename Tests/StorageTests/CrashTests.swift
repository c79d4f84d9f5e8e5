import Chain
import Coherence
import Foundation
import Primitives
import Storage
import Testing

/// The power fails at any moment: what the disk holds then is a copy of the files between two
/// commits, or with a part of the last write.
@Suite("Crashes")
struct CrashTests {
    /// The files of a moment.
    struct Files {
        var chain: [String: [UInt8]]
        var sign: [String: [UInt8]]
        var mark: [UInt8]
    }

    /// What a store knows.
    struct Knowledge: Equatable {
        var finalised: BlockRef
        var blocks: Int
        var certificates: Int
        var votes: Int
        var voting: RecoveredVoting

        init(_ store: NodeStore) throws {
            finalised = try store.finalised()
            blocks = try store.counts().blocks
            certificates = try store.counts().certificates
            votes = try store.signedVoteCount()
            voting = try store.load().voting
        }
    }

    private static func files(_ path: String) throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        // The index of the log (-shm) is memory: it does not survive.
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            files[suffix] = try Damage.read(path + suffix)
        }
        return files
    }

    private static func copy(_ fixture: StoreFixture) throws -> Files {
        Files(
            chain: try files(fixture.databaseFile), sign: try files(fixture.signLogFile),
            mark: try Damage.read(fixture.markFile))
    }

    /// Opens copied files elsewhere.
    private func opened<Value>(
        _ files: Files, _ fixture: StoreFixture, _ body: (NodeStore) throws -> Value
    ) throws -> Value {
        let directory = try TemporaryDirectory()
        let paths = try BasePath(root: directory.path, chainID: "test")
        for path in [paths.database, paths.keystore, paths.signLog] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }
        for (suffix, bytes) in files.chain {
            try Damage.write(bytes, to: paths.database + "/chain.sqlite" + suffix)
        }
        for (suffix, bytes) in files.sign {
            try Damage.write(bytes, to: paths.signLog + "/votes.sqlite" + suffix)
        }
        try Damage.write(files.mark, to: paths.keystore + "/sign-log-mark")
        let store = try fixture.open(at: directory.path)
        defer { try? store.close() }
        return try body(store)
    }

    /// The commits of a validator's life, as the effect queue batches them.
    private func commits(_ chain: TestChain) throws -> [[DurableRecord]] {
        let blocks = try chain.blocks(6)
        let fork = try chain.blocks(3, fromSlot: 30)
        var commits: [[DurableRecord]] = [fork.map(DurableRecord.block)]
        for (index, block) in blocks.enumerated() {
            let round = UInt64(index)
            let target = VoteTarget(block.ref)
            commits.append([
                .block(block), try chain.record(target, round: round, phase: .prevote).asRecord,
            ])
            commits.append([
                .voting(
                    .highestQuorumCertificate(
                        chain.quorumCertificate(for: block.ref, round: round))),
                .voting(.lock(setID: SetID(0), try chain.lock(on: block.ref, round: round))),
                try chain.record(target, round: round, phase: .precommit).asRecord,
            ])
            guard index % 2 == 1 else { continue }
            commits.append([
                .voting(.certificate(chain.certificate(for: block.ref, round: round))),
                .voting(.lock(setID: SetID(0), nil)),
                .finalised(
                    blocks[(index - 1)...index].map(\.ref),
                    pruned: index == 1 ? fork.map(\.hash) : []),
            ])
        }
        return commits
    }

    /// Whatever was locked or voted for is there, with all ancestors down to F.
    private func checkConsistency(_ store: NodeStore) throws {
        let recovered = try store.load()
        let tree = try recovered.makeTree()
        #expect(recovered.state.root == recovered.finalised.header.stateRoot)
        let targets =
            recovered.voting.signRecords.compactMap(\.target.block)
            + [
                recovered.voting.lock?.block,
                recovered.voting.highestQuorumCertificate?.target.block,
            ]
            .compactMap(\.self)
        for target in targets where target.number > recovered.finalised.number {
            #expect(tree.isDescendant(target.hash, ofOrEqual: recovered.finalised.hash))
        }
    }

    @Test("after each commit the copy of the files holds exactly what was confirmed")
    func betweenCommits() throws {
        let fixture = try StoreFixture()
        let commits = try commits(fixture.chain)
        for commit in commits {
            try fixture.store.apply(commit)
            let expected = try Knowledge(fixture.store)
            try opened(try Self.copy(fixture), fixture) { store in
                #expect(store.signLogState == .ready)
                #expect(try Knowledge(store) == expected)
                try checkConsistency(store)
            }
        }
        #expect(commits.count == 16)
    }

    @Test("between the two databases' commits nothing is voted for that is not stored")
    func betweenDatabases() throws {
        let fixture = try StoreFixture()
        var before = try Self.copy(fixture)
        for commit in try commits(fixture.chain) {
            try fixture.store.apply(commit)
            let after = try Self.copy(fixture)
            var torn = after
            torn.sign = before.sign
            try opened(torn, fixture) { store in
                #expect(store.signLogState == .ready)
                try checkConsistency(store)
                // The commit is made again, as a whole or without the chain's part.
                try store.apply(commit.filter { if case .finalised = $0 { false } else { true } })
            }
            before = after
        }
    }

    private static let pageSize = 4_096

    /// The lengths at which a log may be cut: at each frame's end, and within a frame.
    private func cuts(_ log: [UInt8]) -> [Int] {
        let frame = 24 + Self.pageSize
        let frames = max(0, log.count - 32) / frame
        return [0, 16, 32]
            + (0..<frames).flatMap { index in
                let start = 32 + index * frame
                return [start + (index % 2 == 0 ? 12 : 1_000), start + frame]
            }
    }

    @Test("a chain's log that was cut anywhere gives an earlier state, never another one")
    func tornChainLog() throws {
        let fixture = try StoreFixture()
        var states = [try Knowledge(fixture.store)]
        for commit in try commits(fixture.chain) {
            try fixture.store.apply(commit)
            states.append(try Knowledge(fixture.store))
        }
        let files = try Self.copy(fixture)
        let log = try #require(files.chain["-wal"])
        #expect(log.count > 20 * Self.pageSize)
        var latest = 0
        for cut in cuts(log) {
            var torn = files
            torn.chain["-wal"] = Array(log[..<cut])
            do {
                try opened(torn, fixture) { store in
                    let finalised = try store.finalised()
                    let counts = try store.counts()
                    let position = states.lastIndex {
                        $0.finalised == finalised && $0.blocks == counts.blocks
                            && $0.certificates == counts.certificates
                    }
                    let index = try #require(position, "cut at \(cut)")
                    #expect(index >= latest, "cut at \(cut)")
                    latest = index
                    #expect(try store.load().state.root != .zero)
                }
            }
        }
        #expect(latest == states.count - 1)
    }

    @Test("a sign log that was cut anywhere gives an earlier state, never another one")
    func tornSignLog() throws {
        let fixture = try StoreFixture()
        var states = [try Knowledge(fixture.store)]
        for commit in try commits(fixture.chain) {
            try fixture.store.apply(commit)
            states.append(try Knowledge(fixture.store))
        }
        let files = try Self.copy(fixture)
        let log = try #require(files.sign["-wal"])
        #expect(log.count > 20 * Self.pageSize)
        var latest = 0
        var lost = 0
        for cut in cuts(log) {
            var torn = files
            torn.sign["-wal"] = Array(log[..<cut])
            try opened(torn, fixture) { store in
                guard store.signLogState == .ready else {
                    // Cut before the log was even begun: the mark tells.
                    #expect(latest == 0, "cut at \(cut)")
                    lost += 1
                    return
                }
                let votes = try store.signedVoteCount()
                let voting = try store.load().voting
                let position = states.lastIndex {
                    $0.votes == votes && $0.voting.signRecords == voting.signRecords
                        && $0.voting.lock == voting.lock
                        && $0.voting.highestQuorumCertificate == voting.highestQuorumCertificate
                }
                let index = try #require(position, "cut at \(cut)")
                #expect(index >= latest, "cut at \(cut)")
                latest = index
            }
        }
        #expect(latest == states.count - 1)
        #expect(lost > 0)
    }

    @Test("a torn last frame is as if the commit had not happened", arguments: [1, 2, 3])
    func tornLastFrame(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let fixture = try StoreFixture()
        let commits = try commits(fixture.chain)
        for commit in commits.dropLast() { try fixture.store.apply(commit) }
        let before = try Knowledge(fixture.store)
        let shorter = try Self.copy(fixture)
        try fixture.store.apply(try #require(commits.last))
        let longer = try Self.copy(fixture)
        for name in ["chain", "sign"] {
            let short = try #require((name == "chain" ? shorter.chain : shorter.sign)["-wal"])
            let long = try #require((name == "chain" ? longer.chain : longer.sign)["-wal"])
            try #require(long.count > short.count)
            for _ in 0..<10 {
                // The new frames are there, but one byte of them did not arrive.
                var torn = long
                let position = Int.random(in: short.count..<long.count, using: &generator)
                torn[position] ^= 0xFF
                var files = shorter
                if name == "chain" { files.chain["-wal"] = torn } else { files.sign["-wal"] = torn }
                let known = try opened(files, fixture) { store in try Knowledge(store) }
                #expect(known == before, "seed \(seed), byte \(position)")
            }
        }
    }
}
