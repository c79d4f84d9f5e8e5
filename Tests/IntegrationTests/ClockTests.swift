import Foundation
import TestSupport
import Testing

/// Validators whose clocks are wrong by five minutes, and are set right while they run.
@Suite(.serialized) struct ClockTests {
    private static let offsetMilliseconds: Int64 = 300_000

    /// The time of day of a process, to be set while it runs; see fault_shim.c.
    private struct Clock {
        let path: String

        init(_ name: String, in net: Testnet) throws {
            path = net.folder.appending(path: "\(name).clock").path
            try Data(count: 8).write(to: URL(filePath: path))
        }

        /// - Parameter milliseconds: how far it is ahead.
        func set(_ milliseconds: Int64) throws {
            // In place: the process has the file's page before it.
            let file = try FileHandle(forUpdating: URL(filePath: path))
            try file.write(contentsOf: withUnsafeBytes(of: milliseconds) { Data($0) })
            try file.close()
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a clock that is five minutes wrong is told of, harms nobody, and can be set right`()
        async throws
    {
        let net = try Testnet(slotMilliseconds: 500, validators: 4)
        let library = try Preload.library("Tests/IntegrationTests/fault_shim.c", in: net.folder)
        let clocks = try ["charlie", "dave"].map { try Clock($0, in: net) }
        let alice = try await net.start("alice")
        let bob = try await net.start("bob")
        var shifted: [NodeProcess] = []
        for (name, clock) in zip(["charlie", "dave"], clocks) {
            shifted.append(
                try await net.start(
                    name, environment: ["LD_PRELOAD": library, "CLOCK_OFFSET": clock.path]))
        }
        let (charlie, dave) = (shifted[0], shifted[1])
        let all = [alice, bob, charlie, dave]
        for node in all { try await node.waitForFinality(of: 2) }

        try clocks[1].set(Self.offsetMilliseconds)
        try await warning(of: dave, "ahead of")
        let report = try doctor(net, dave)
        #expect(report.contains("s ahead of the other validators'"), "\(report)")
        try await goesOn([alice, bob, charlie])
        try await setRight(dave, clocks[1])
        try await goesOn(all)

        // Dave's votes are needed now, of which its wrong clock took nothing.
        try clocks[0].set(-Self.offsetMilliseconds)
        try await warning(of: charlie, "behind")
        try await goesOn([alice, bob, dave])
        try await setRight(charlie, clocks[0])
        try await goesOn(all)

        let told = ToldByLogs(of: all)
        #expect(told.votes.count > 60, "the logs were understood")
        #expect(told.contradictions == [])
        for line in all.flatMap({ $0.log.lines }) {
            for word in ["Banned", "Rejected", "Offence", "SIGNING STOPPED"] {
                #expect(!line.contains(word), "\(line)")
            }
        }
        try checkBlocks(all)
        for node in all { #expect(node.stop() == 0) }
    }

    /// The warning names about five minutes.
    private func warning(of node: NodeProcess, _ way: String) async throws {
        let line = try await node.wait(for: "s \(way) the others'")
        let seconds = line.firstMatch(of: /clock is about (\d+) s/).flatMap { Int($0.1) }
        #expect((295...310).contains(try #require(seconds, "\(line)")), "\(line)")
        #expect(line.contains("WARNING") && line.contains("Set the clock"), "\(line)")
    }

    private func setRight(_ node: NodeProcess, _ clock: Clock) async throws {
        let start = node.log.lines.count
        try clock.set(0)
        try await node.wait(for: "agrees with the others' again", from: start)
    }

    /// Blocks become final at these nodes.
    private func goesOn(_ nodes: [NodeProcess]) async throws {
        let height = try nodes[0].rpc.finalisedNumber()
        for node in nodes { try await node.waitForFinality(of: height + 3) }
    }

    private func doctor(_ net: Testnet, _ node: NodeProcess) throws -> String {
        try Program.run(
            "quantumharmony-node",
            [
                "doctor", "--chain", net.chain, "--base-path", net.basePath(of: node.name),
                "--port", "\(try #require(node.peerPort))", "--rpc-port", "\(node.rpcPort)",
            ]
        ).output
    }

    /// All have the same blocks, and none of a slot that had not begun by the right clocks.
    private func checkBlocks(_ nodes: [NodeProcess]) throws {
        let height = try nodes.map { try $0.rpc.finalisedNumber() }.min() ?? 0
        #expect(height > 10)
        let now = UInt64(Date().timeIntervalSince1970 * 1_000)
        var last: UInt64 = 0
        for number in 1...height {
            let hashes = try nodes.map { try $0.rpc.string("chain_getBlockHash", [Int(number)]) }
            #expect(Set(hashes).count == 1, "#\(number): \(hashes)")
            let header = try nodes[0].rpc.object("chain_getHeader", [hashes[0]])
            let slot = try slot(in: header)
            #expect(slot > last && slot * 500 <= now, "#\(number) is of slot \(slot)")
            last = slot
        }
    }

    /// The slot in a header's pre-runtime digest item.
    private func slot(in header: [String: Any]) throws -> UInt64 {
        let digest = try #require(header["digest"] as? [String: Any])
        let items = try #require(digest["logs"] as? [String])
        let item = try #require(items.first { $0.hasPrefix("0x066175726120") })
        let digits = Array(item.dropFirst("0x066175726120".count))
        return stride(from: 14, through: 0, by: -2).reduce(0) {
            $0 << 8 | (UInt64(String(digits[$1...($1 + 1)]), radix: 16) ?? 0)
        }
    }
}
