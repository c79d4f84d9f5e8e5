import Foundation
import Synchronization
import Primitives
import TestSupport
import Testing

/// A validator that is killed in the middle of its writes, again and again, while the others go on.
///
/// The kill switch (kill_switch.c) is loaded into the shipped program and ends it with SIGKILL at
/// a chosen system call: before a write, in the middle of one, before or after the disk
/// confirmed, before a vote goes to a socket.
@Suite(.serialized) struct KillTests {
    /// Where the chain's database and the sign log are written in every round.
    static let frequentSteps = [
        "before write chain-wal", "torn write chain-wal", "before sync chain-wal",
        "after sync chain-wal", "before write votes-wal", "torn write votes-wal",
        "before sync votes-wal", "after sync votes-wal", "before write socket",
        "after write socket",
    ]
    /// The rest of a round's steps, and those of moving the logs into the databases.
    static let rareSteps = [
        "after write chain-wal", "after write votes-wal", "before write chain",
        "torn write chain", "before sync chain", "after sync chain", "before write votes",
        "torn write votes", "before sync votes", "after sync votes",
    ]

    @Test(.timeLimit(.minutes(60)))
    func `a validator killed at any write step comes back, and no rule of safety is broken`()
        async throws
    {
        let isLong = ProcessInfo.processInfo.environment["QH_LONG"] != nil
        let steps = isLong ? Self.frequentSteps + Self.rareSteps : Self.frequentSteps
        let seed =
            ProcessInfo.processInfo.environment["QH_SEED"].flatMap(UInt64.init)
            ?? UInt64.random(in: 0...999_999)
        print("kill test: QH_SEED=\(seed)")
        var random = SeededGenerator(seed: seed)
        var plan = (0..<(isLong ? 10 : 5)).flatMap { _ in Self.frequentSteps }
        plan.shuffle(using: &random)
        if isLong {
            // A killed checkpoint is made up for at once: these are quick one after the other.
            var rare = (0..<10).flatMap { _ in Self.rareSteps }
            rare.shuffle(using: &random)
            plan += rare.filter { $0.contains("chain") } + rare.filter { $0.contains("votes") }
        }

        let run = try await KillRun()
        for (number, step) in plan.enumerated() {
            let count = run.count(for: step, using: &random)
            try await run.kill(at: step, count: count, number: number, of: plan.count)
        }
        try await run.finish()
        for step in steps { #expect(run.hits[step, default: 0] >= 5, "\(step)") }
    }
}

/// Three validators under a load of remarks, one of which is killed at a time.
final class KillRun {
    private static let names = ["alice", "bob", "charlie"]
    private static let logLevels = "info,coherence=debug,libp2p=debug"

    private let net: Testnet
    private let killSwitch: String
    private let targets: Targets
    private var remarks: RemarkSender?
    /// Every process that ran, with all that it logged.
    private var processes: [NodeProcess] = []
    /// How often each step was the last one of a process.
    private(set) var hits: [String: Int] = [:]

    private final class Targets: Sendable {
        let ports = Mutex<[Int]>([])
    }

    init() async throws {
        net = try Testnet(slotMilliseconds: 500)
        killSwitch = try Preload.library(
            "Tests/IntegrationTests/kill_switch.c", in: net.folder)
        targets = Targets()
        for name in Self.names { processes.append(try await net.start(name, log: Self.logLevels)) }
        for node in processes { try await node.waitForFinality(of: 2) }
        let targets = targets
        targets.ports.withLock { $0 = processes.map(\.rpcPort) }
        remarks = try RemarkSender(
            uri: "//Charlie",
            genesisHash: RPCClient(port: processes[0].rpcPort).string("chain_getBlockHash", [0]),
            perSecond: 20
        ) { targets.ports.withLock { $0 } }
    }

    deinit { remarks?.stop() }

    /// The how manieth of these steps ends the process: within the first seconds after its start.
    func count(for step: String, using random: inout SeededGenerator) -> Int {
        if step.hasSuffix("wal") { return Int.random(in: 1...40, using: &random) }
        // A checkpoint has many writes, and two syncs.
        if step.hasSuffix("socket") { return Int.random(in: 1...20, using: &random) }
        return step.contains("sync") ? 1 : Int.random(in: 1...3, using: &random)
    }

    /// Starts a validator so that it ends at a step, waits for that, and lets it come back.
    func kill(at step: String, count: Int, number: Int, of total: Int) async throws {
        // Each one's turn takes some kills, so that it is killed while it comes back as well.
        let name = Self.names[number / 5 % Self.names.count]
        if let running = net.nodes[name] {
            targets.ports.withLock { $0.removeAll { $0 == running.rpcPort } }
            running.kill()
        }
        let steps = net.folder.appending(path: "steps").path
        try? FileManager.default.removeItem(atPath: steps)
        let victim = try await net.launch(
            name, log: Self.logLevels,
            environment: [
                "LD_PRELOAD": killSwitch, "KILL_AT": step, "KILL_COUNT": "\(count)",
                "KILL_LOG": steps,
            ])
        processes.append(victim)
        let isOver = await victim.log.ended(within: 240)
        guard isOver else {
            throw TestFailure(
                "\(name) never came to '\(step)' number \(count):\n\(victim.log.tail())"
            )
        }
        #expect(
            victim.waitForExit() == -SIGKILL, "\(name) at '\(step)': \(victim.log.tail())")
        let last = (try? String(contentsOfFile: steps, encoding: .utf8))?.split(separator: "\n")
            .last.map(String.init)
        // Other threads may have come to a step of their own in the moment of the kill.
        if last != nil { hits[step, default: 0] += 1 }
        print("kill \(number + 1) of \(total): \(name) at '\(step)' number \(count)")
        // The next kill is of the same validator, four times of five: it starts from what is there.
        guard number % 5 == 4 || number == total - 1 else { return }
        let back = try await net.start(name, log: Self.logLevels)
        processes.append(back)
        targets.ports.withLock { $0.append(back.rpcPort) }
        let finalised = try RPCClient(port: back.rpcPort).finalisedNumber()
        try await back.waitForFinality(of: finalised + 2)
    }

    /// Lets all three go on for some blocks, and compares everything that they ever said.
    func finish() async throws {
        let nodes = Self.names.compactMap { net.nodes[$0] }
        var newest: UInt32 = 0
        for node in nodes {
            newest = max(newest, try RPCClient(port: node.rpcPort).finalisedNumber())
        }
        for node in nodes { try await node.waitForFinality(of: newest + 3) }
        remarks?.stop()
        #expect((remarks?.acceptedCount ?? 0) > 100, "the load was real")
        try compareCertificates(nodes, through: newest)
        compareLogs()
    }

    private func compareCertificates(_ nodes: [NodeProcess], through newest: UInt32) throws {
        var remarkCount = 0
        for number in 1...newest {
            let hashes = try nodes.map {
                try RPCClient(port: $0.rpcPort).string("chain_getBlockHash", [Int(number)])
            }
            #expect(Set(hashes).count == 1, "#\(number): \(hashes)")
            let block = try RPCClient(port: nodes[0].rpcPort).object(
                "chain_getBlock", [hashes[0]])
            let body = (block["block"] as? [String: Any])?["extrinsics"] as? [Any]
            remarkCount += body?.count ?? 0
        }
        #expect(remarkCount > 100, "remarks are in final blocks")
    }

    /// One block a height in all "Finalised" lines, and one target a slot in all votes that anybody
    /// received.
    private func compareLogs() {
        let told = ToldByLogs(of: processes)
        #expect(told.finalised.count > 20 && told.votes.count > 60, "the logs were understood")
        #expect(told.contradictions == [])
    }
}
