import Foundation
import Glibc
internal import RPC

/// Asks a node on this machine over JSON-RPC: for the commands that look at running nodes.
///
/// Calls block the thread; each ends within twice the time given.
public struct LocalRPC: Sendable {
    /// The port on 127.0.0.1.
    public let port: UInt16
    /// What connecting, sending and each piece of the answer may take. Milliseconds.
    public let timeoutMilliseconds: Int

    /// An answer longer than this is an error. Bytes.
    private static let maximumByteCount = 16 << 20

    public init(port: UInt16, timeoutMilliseconds: Int = 1_000) {
        self.port = port
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Why there was no answer.
    public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        case unreachable(port: UInt16, why: String)
        case malformed(port: UInt16)
        case refused(method: String, why: String)

        public var description: String {
            switch self {
            case .unreachable(let port, let why):
                "no answer from JSON-RPC on 127.0.0.1:\(port): \(why)"
            case .malformed(let port): "what listens on 127.0.0.1:\(port) does not speak JSON-RPC"
            case .refused(let method, let why): "\(method): \(why)"
            }
        }
    }

    /// What a node says of itself.
    public struct Status: Sendable, Equatable {
        public var best: UInt64
        public var final: UInt64
        /// `0x` and 64 digits.
        public var finalHash: String
        /// The validator set and the round that is voted in.
        public var set: UInt64
        public var round: UInt64
        public var peers: UInt64
        public var isSyncing: Bool
    }

    /// Asks for everything in one request.
    public func status() throws(Failure) -> Status {
        let results = try call(["system_health", "chain_getHeader", "coherence_roundState"])
        let (health, header, state) = (results[0], results[1], results[2])
        guard let best = header["number"]?.string, best.hasPrefix("0x"),
            let bestNumber = UInt64(best.dropFirst(2), radix: 16),
            let final = state["finalized"]?["number"]?.unsignedInteger,
            let hash = state["finalized"]?["hash"]?.string,
            let peers = health["peers"]?.unsignedInteger,
            case .bool(let isSyncing)? = health["isSyncing"]
        else { throw .malformed(port: port) }
        return Status(
            best: bestNumber, final: final, finalHash: hash,
            set: state["setId"]?.unsignedInteger ?? 0,
            round: state["best"]?["round"]?.unsignedInteger ?? 0, peers: peers,
            isSyncing: isSyncing)
    }

    /// How far the node's clock is ahead of the others' (negative: behind); nil when it does not
    /// know.
    func clockSkewMilliseconds() throws(Failure) -> Int64? {
        let statistics = try call(["coherence_statistics"])[0]
        guard case .number(let number)? = statistics["clockSkewMilliseconds"] else { return nil }
        return Int64(number.description)
    }

    /// Calls methods without parameters, as one batch.
    func call(_ methods: [String]) throws(Failure) -> [JSONValue] {
        let calls = methods.enumerated().map { index, method -> JSONValue in
            [
                "jsonrpc": "2.0", "id": .integer(index), "method": .string(method),
                "params": .array([]),
            ]
        }
        let answer = try post(JSONValue.array(calls).utf8)
        guard let value = try? JSONParser.parse(answer), let answers = value.array else {
            throw .malformed(port: port)
        }
        var results: [JSONValue] = []
        for (index, method) in methods.enumerated() {
            let own = answers.first { $0["id"]?.unsignedInteger == UInt64(index) }
            if let error = own?["error"] {
                throw .refused(method: method, why: error["message"]?.string ?? "an error")
            }
            guard let result = own?["result"] else { throw .malformed(port: port) }
            results.append(result)
        }
        return results
    }

    /// Posts a body and returns the answer's.
    private func post(_ body: [UInt8]) throws(Failure) -> [UInt8] {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw unreachable() }
        defer { close(socket) }
        var limit = timeval(
            tv_sec: timeoutMilliseconds / 1_000, tv_usec: timeoutMilliseconds % 1_000 * 1_000)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw unreachable() }
        let head =
            "POST / HTTP/1.1\r\nHost: localhost:\(port)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        try send(Array(head.utf8) + body, to: socket)
        let answer = try receive(from: socket)
        let separator = Array("\r\n\r\n".utf8)
        guard let end = answer.indices.first(where: { answer[$0...].starts(with: separator) })
        else { throw .malformed(port: port) }
        return Array(answer[(end + 4)...])
    }

    private func unreachable() -> Failure {
        .unreachable(port: port, why: String(cString: strerror(errno)))
    }

    private func send(_ bytes: [UInt8], to socket: Int32) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw unreachable() }
            rest = rest.dropFirst(count)
        }
    }

    private func receive(from socket: Int32) throws(Failure) -> [UInt8] {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreachable() }
            if count == 0 { return answer }
            answer += buffer[..<count]
            guard answer.count <= Self.maximumByteCount else { throw .malformed(port: port) }
        }
    }
}
