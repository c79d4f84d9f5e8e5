import Foundation
import TestSupport

/// How fast a node answers RPC calls over HTTP, asked by wrk on the same machine.
struct RPCFigures: Codable {
    /// One method over some connections, each with one call at a time.
    struct Load: Codable {
        let method: String
        let connectionCount: Int
        let requestsPerSecond: Double
        /// Until the answer is there; microseconds.
        let p50: Double
        let p99: Double
        let requestCount: Int
    }

    let seconds: Int
    let wrkVersion: String
    let loads: [Load]

    static func measure(isQuick: Bool) async throws -> RPCFigures {
        let net = try Testnet(slotMilliseconds: 500, validators: 1)
        let node = try await net.start("alice", log: "info")
        try await node.waitForFinality(of: 3)
        let seconds = isQuick ? 2 : 10
        var loads: [Load] = []
        for method in ["system_health", "chain_getHeader"] {
            // The first calls find caches cold.
            _ = try run(method, connections: 1, seconds: 1, of: node)
            for connections in [1, 32] {
                loads.append(
                    try run(method, connections: connections, seconds: seconds, of: node))
            }
        }
        guard node.stop() == 0 else { throw MeasurementFailure("the node did not stop") }
        return RPCFigures(seconds: seconds, wrkVersion: try wrkVersion(), loads: loads)
    }

    private static let wrk = URL(filePath: "/usr/bin/wrk")

    private static func wrkVersion() throws -> String {
        // It prints its version with its usage, and ends with status 1.
        let words = try Program.run(wrk, ["--version"]).output.split(separator: " ")
        guard words.count > 1, words[0] == "wrk" else {
            throw MeasurementFailure("/usr/bin/wrk is not wrk: run scripts/setup --tests")
        }
        return String(words[1])
    }

    /// Has wrk post the call, and print what it counted as JSON.
    private static func run(
        _ method: String, connections: Int, seconds: Int, of node: NodeProcess
    ) throws -> Load {
        let script = """
            wrk.method = "POST"
            wrk.headers["Content-Type"] = "application/json"
            wrk.body = '{"jsonrpc":"2.0","id":1,"method":"\(method)","params":[]}'
            function done(summary, latency, requests)
                local e = summary.errors
                io.write(string.format(
                    '\\n{"count":%d,"micros":%d,"p50":%.3f,"p99":%.3f,"errors":%d}\\n',
                    summary.requests, summary.duration, latency:percentile(50),
                    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
            end
            """
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).lua")
        defer { try? FileManager.default.removeItem(at: file) }
        try script.write(to: file, atomically: true, encoding: .utf8)
        let (status, output) = try Program.run(
            wrk,
            [
                "-t", "1", "-c", "\(connections)", "-d", "\(seconds)s", "-s", file.path,
                "http://127.0.0.1:\(node.rpcPort)/",
            ])
        struct Count: Decodable {
            let count: Int
            let micros: Double
            let p50: Double
            let p99: Double
            let errors: Int
        }
        guard status == 0, let line = output.split(separator: "\n").last,
            let count = try? JSONDecoder().decode(Count.self, from: Foundation.Data(line.utf8)),
            count.errors == 0, count.count > 0
        else { throw MeasurementFailure("wrk: \(output)") }
        return Load(
            method: method, connectionCount: connections,
            requestsPerSecond: Double(count.count) / count.micros * 1e6, p50: count.p50,
            p99: count.p99, requestCount: count.count)
    }
}

extension Page {
    var rpc: String? {
        guard let figures = results.rpc?.figures else { return nil }
        let rows = figures.loads.map { load in
            Format.row(
                load.method, "\(load.connectionCount)", Format.microseconds(load.p50),
                Format.microseconds(load.p99), Format.number(load.requestsPerSecond),
                Format.count(load.requestCount))
        }
        return """
            ## JSON-RPC

            Calls over HTTP to a validator that makes and finalises a block each 500 ms meanwhile, asked by \
            wrk \(figures.wrkVersion) on the same cores for \(figures.seconds) s each: as many connections as the \
            table says, kept alive, one call at a time on each. A call's time ends when wrk has the answer.

            | method | connections | p50 | p99 | calls per second | calls |
            |---|---|---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }
}
