import Foundation
import LibP2P
import Logging
import Networking
import Synchronization
import TestSupport

/// An end of the streams that are measured: one of ours, or another implementation's in a process of
/// its own, driven by Tests/InteropTests/peers.
protocol StreamPeer: Sendable {
    var address: Multiaddr { get }
    func connect(to address: Multiaddr) async throws
    /// Microseconds to send so many bytes through one stream, until the other side has them all.
    func send(_ byteCount: Int, to peer: PeerID) async throws -> Double
    /// Microseconds of each of so many openings, one after the other, until a first byte is back.
    func opens(_ count: Int, to peer: PeerID) async throws -> [Double]
    func stop() async
}

/// One of our swarms.
struct OurStreamPeer: StreamPeer {
    private static let sink = "/quantumharmony-test/sink/1"
    private static let chunk = [UInt8](repeating: 0, count: 64 * 1_024)
    let address: Multiaddr
    private let swarm: Swarm

    static func start(seed: UInt8) async throws -> OurStreamPeer {
        guard let identity = NodeIdentity(seed: [UInt8](repeating: seed, count: 32)) else {
            throw MeasurementFailure("32 bytes are a key")
        }
        var configuration = NetworkConfiguration(identity: identity)
        configuration.listenAddresses = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
        // The others know it only.
        configuration.security = .classical
        var logger = Logger(label: "streams")
        logger.logLevel = .critical
        let swarm = Swarm(configuration: configuration, logger: logger)
        swarm.register(streams: sink) { stream in try? await serve(stream) }
        try await swarm.start()
        guard let address = await swarm.snapshot().listenAddresses.first else {
            throw MeasurementFailure("no address to listen on")
        }
        return OurStreamPeer(address: try address.appending(swarm.localPeer), swarm: swarm)
    }

    private static func serve(_ stream: NetworkStream) async throws {
        var left = try await stream.read(exactly: 8).reduce(0) { $0 << 8 | Int($1) }
        while left > 0, let bytes = try await stream.read() { left -= bytes.count }
        try await stream.write([1])
        stream.finish()
    }

    func connect(to address: Multiaddr) async throws { _ = try await swarm.connect(to: address) }

    func send(_ byteCount: Int, to peer: PeerID) async throws -> Double {
        let stream = try await swarm.openStream(peer, [Self.sink])
        let start = MachineClock.nanoseconds
        try await stream.write(
            (0..<8).map { UInt8(truncatingIfNeeded: byteCount >> (56 - 8 * $0)) })
        var left = byteCount
        while left > 0 {
            let piece = left < Self.chunk.count ? Array(Self.chunk[..<left]) : Self.chunk
            try await stream.write(piece)
            left -= piece.count
        }
        _ = try await stream.read(exactly: 1)
        stream.finish()
        return Double(MachineClock.nanoseconds - start) / 1_000
    }

    func opens(_ count: Int, to peer: PeerID) async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<count {
            let start = MachineClock.nanoseconds
            let stream = try await swarm.openStream(peer, [Self.sink])
            try await stream.write([UInt8](repeating: 0, count: 8))
            _ = try await stream.read(exactly: 1)
            times.append(Double(MachineClock.nanoseconds - start) / 1_000)
            stream.finish()
        }
        return times
    }

    func stop() async { await swarm.shutdown() }
}

/// Another implementation.
final class DrivenStreamPeer: StreamPeer {
    enum Kind: String {
        case go = "go_peer.py"
        case py = "py_peer.py"
    }

    let address: Multiaddr
    private let process: ChildProcess
    private let log: LineLog
    private let nextCommand = Mutex(0)

    static func start(_ kind: Kind) async throws -> DrivenStreamPeer {
        let root = Repository.root
        let script = root.appending(path: "Tests/InteropTests/peers/\(kind.rawValue)").path
        let log = LineLog()
        let process = try ChildProcess(Repository.python, [script]) { bytes in
            if bytes.isEmpty { log.end() } else { log.append(bytes) }
        }
        let ready = try await log.wait(for: "\(kind.rawValue)", seconds: 30) {
            $0.contains("\"event\": \"ready\"")
        }
        let fields = try Self.fields(ready)
        guard let address = (fields["addresses"] as? [String])?.first else {
            throw MeasurementFailure("\(kind.rawValue) has no address: \(ready)")
        }
        return DrivenStreamPeer(process, log, try Multiaddr(address))
    }

    private init(_ process: ChildProcess, _ log: LineLog, _ address: Multiaddr) {
        self.process = process
        self.log = log
        self.address = address
    }

    private static func fields(_ line: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Foundation.Data(line.utf8))
        return value as? [String: Any] ?? [:]
    }

    private func ask(_ operation: String, _ arguments: [String: Any]) async throws -> [String: Any]
    {
        let number = nextCommand.withLock { next in
            next += 1
            return next
        }
        let start = log.lines.count
        var command = arguments
        command["id"] = number
        command["op"] = operation
        command["timeoutSeconds"] = 120
        try process.write(
            Array(try JSONSerialization.data(withJSONObject: command)) + [UInt8(ascii: "\n")])
        let line = try await log.wait(from: start, for: operation, seconds: 120) {
            $0.hasPrefix("{\"id\": \(number),")
        }
        let answer = try Self.fields(line)
        guard answer["ok"] as? Bool == true else { throw MeasurementFailure(line) }
        return answer
    }

    func connect(to address: Multiaddr) async throws {
        _ = try await ask("connect", ["address": "\(address)"])
    }

    func send(_ byteCount: Int, to peer: PeerID) async throws -> Double {
        let answer = try await ask("send", ["peer": "\(peer)", "bytes": byteCount])
        guard let time = answer["microseconds"] as? Int else { throw MeasurementFailure("no time") }
        return Double(time)
    }

    func opens(_ count: Int, to peer: PeerID) async throws -> [Double] {
        let answer = try await ask("opens", ["peer": "\(peer)", "count": count])
        return (answer["microseconds"] as? [String] ?? []).compactMap(Double.init)
    }

    /// The same over the socket between the daemon's driver and the daemon alone.
    func relay(_ byteCount: Int, opens count: Int) async throws -> (send: Double, opens: [Double]) {
        let answer = try await ask("relay", ["bytes": byteCount, "count": count])
        guard let time = answer["microseconds"] as? Int else { throw MeasurementFailure("no time") }
        let opens = (answer["opens"] as? [String] ?? []).compactMap(Double.init)
        return (Double(time), opens)
    }

    func stop() async {
        process.closeInput()
        process.waitForExit()
    }
}
