import Chain
import Coherence
import Foundation
import GRDB
import Primitives
import Storage
import Testing

/// Files that older versions of the program wrote: their schemas are kept as SQL in `Schemas`.
@Suite struct MigrationTests {
    private func schema(_ name: String) throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Schemas/\(name).sql")
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// Puts a file of an old schema in the place of one, with the rows of the tables that it has.
    private func age(_ path: String, to name: String, tables: [String]) throws {
        let old = path + ".old"
        let queue = try DatabaseQueue(path: old)
        try queue.write { try $0.execute(sql: schema(name)) }
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "ATTACH DATABASE ? AS new", arguments: [path])
            for table in tables {
                try db.execute(sql: "INSERT INTO main.\(table) SELECT * FROM new.\(table)")
            }
            try db.execute(sql: "DETACH DATABASE new")
        }
        try queue.close()
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
        try FileManager.default.moveItem(atPath: old, toPath: path)
    }

    private func version(_ path: String) throws -> Int? {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
    }

    @Test func `files of the first schemas are brought up to date, with all that they hold`() throws
    {
        let fixture = try StoreFixture()
        let chain = fixture.chain
        let blocks = try chain.blocks(5)
        let vote = try chain.record(VoteTarget(blocks[4].ref), round: 3, phase: .prevote)
        try fixture.store.apply(
            blocks.map { .block($0) } + [
                .voting(.certificate(chain.certificate(for: blocks[2].ref, round: 2))),
                .finalised(blocks[0...2].map(\.ref), pruned: []), .voting(.vote(vote)),
            ])
        let before = try fixture.store.load()
        try fixture.store.close()
        let database = fixture.paths.database + "/chain.sqlite"
        let signLog = fixture.signLogFile
        try age(
            database, to: "chain-1",
            tables: [
                "chain", "block", "state", "certificate", "evidence", "alarm", "ban", "address",
            ])
        try age(signLog, to: "sign-log-1", tables: ["log", "floor", "vote", "item"])
        #expect(try version(database) == 1 && version(signLog) == 1)

        let store = try NodeStore(fixture.paths, genesis: chain.genesis, state: chain.state)
        #expect(store.signLogState == .ready)
        let after = try store.load()
        #expect(after.finalised == before.finalised)
        #expect(after.unfinalised == before.unfinalised)
        #expect(after.voting.certificate == before.voting.certificate)
        #expect(after.voting.signRecords == before.voting.signRecords)
        #expect(after.voting.signRecords == [vote])
        #expect(try store.validatorSet(SetID(0)) == chain.state.activeSet)
        try store.checkIntegrity()
        // What only the present schema can hold.
        try store.apply([.authored(SlotNumber(9), blocks[4].hash)])
        try store.close()
        #expect(try version(database) == 2 && version(signLog) == 2)
    }
}
