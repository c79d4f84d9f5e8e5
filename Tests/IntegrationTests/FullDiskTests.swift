import Foundation
import TestSupport
import Testing

/// A disk that fills up while a validator runs: a file system of a few megabytes, in a mount
/// namespace of the node's own.
@Suite(.serialized) struct FullDiskTests {
    @Test(.timeLimit(.minutes(2)))
    func `a full disk ends the node with the reason, and nothing final is lost`() async throws {
        let net = try Testnet(slotMilliseconds: 500)
        let disk = net.folder.appending(path: "disk").path
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let bob = try await net.start("bob")
        let program = NodeProcess.programs.appending(path: "quantumharmony-node").path
        let node =
            "\(program) --alice --validator --chain \(net.chain) --base-path \(disk)/alice"
            + " --listen-addr /ip4/127.0.0.1/tcp/0 --rpc-port 0 --bootnodes \(net.bootnode ?? "")"
        // Each line of its input lets the script go on.
        let script = """
            mount -t tmpfs -o size=4m none \(disk) || exit 9
            \(node) &
            node=$!
            read line
            dd if=/dev/zero of=\(disk)/filler bs=1k 2>/dev/null
            wait $node
            echo "status $?"
            read line
            rm \(disk)/filler
            exec \(node)
            """
        let log = LineLog()
        let shell = try ChildProcess(
            "/usr/bin/env", ["unshare", "--mount", "bash", "-c", script]
        ) { bytes in
            if bytes.isEmpty { log.end() } else { log.append(bytes) }
        }
        defer {
            shell.send(SIGKILL)
            shell.waitForExit()
        }
        let first = try await log.wait(for: "finality", seconds: 30) {
            (NodeProcess.finalisedNumber(in: $0) ?? 0) >= 4
        }
        try shell.write([0x0A])
        let ending = try await log.wait(for: "the node's end", seconds: 60) {
            $0.hasPrefix("status ")
        }
        #expect(ending == "status 1", "\(log.tail())")
        let output = log.lines.joined(separator: "\n")
        #expect(output.contains("is full"), "\(log.tail())")
        let final = log.lines.compactMap(NodeProcess.finalisedNumber).max() ?? 0
        #expect(final >= NodeProcess.finalisedNumber(in: first) ?? 0)

        // There is room again: it goes on where it was, and no vote of its is made twice.
        let start = log.lines.count
        try shell.write([0x0A])
        let summary = try await log.wait(from: start, for: "the start", seconds: 30) {
            $0.contains("node: Finalised #")
        }
        // What became final in the last moment may have been told before it was written.
        #expect((NodeProcess.finalisedNumber(in: summary) ?? 0) + 1 >= final, "\(log.tail())")
        _ = try await log.wait(from: start, for: "finality", seconds: 30) {
            $0.contains("in round") && (NodeProcess.finalisedNumber(in: $0) ?? 0) >= final + 2
        }
        try await bob.waitForFinality(of: final + 2)
        #expect(!bob.log.lines.contains { $0.contains("Double vote") })
    }
}
