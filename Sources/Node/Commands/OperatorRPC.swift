internal import NIOCore
internal import NIOPosix
internal import RPC

/// Asks a running node over JSON-RPC: for the operator's own commands.
///
/// Calls block the thread; each ends within twice the time given.
public struct OperatorRPC: Sendable {
    /// Where the node serves JSON-RPC, such as http://127.0.0.1:9944.
    public let url: String
    /// What connecting may take, and the whole answer. Milliseconds.
    public let timeoutMilliseconds: Int

    /// An answer longer than this is an error. Bytes.
    private static let maximumByteCount = 16 << 20

    public init(url: String, timeoutMilliseconds: Int = 1_000) {
        self.url = url
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// A node on this machine.
    public init(port: UInt16, timeoutMilliseconds: Int = 1_000) {
        self.init(url: "http://127.0.0.1:\(port)", timeoutMilliseconds: timeoutMilliseconds)
    }

    /// Why there was no answer.
    public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        case unreachable(url: String, why: String)
        case malformed(url: String)
        case refused(method: String, why: String)

        public var description: String {
            switch self {
            case .unreachable(let url, let why):
                "no answer from \(url): \(why). Check that the node runs, and its --rpc-port."
            case .malformed(let url): "what answers at \(url) does not speak JSON-RPC."
            case .refused(let method, let why): "the node refuses \(method): \(why)"
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
        else { throw .malformed(url: url) }
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

    /// Has the node make a session key, and ask for it if it is a validator.
    ///
    /// - Returns: the public key, `0x` and digits.
    public func rotateKeys() throws(Failure) -> String {
        guard let key = try call(["author_rotateKeys"])[0].string else {
            throw .malformed(url: url)
        }
        return key
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
            throw .malformed(url: url)
        }
        var results: [JSONValue] = []
        for (index, method) in methods.enumerated() {
            let own = answers.first { $0["id"]?.unsignedInteger == UInt64(index) }
            if let error = own?["error"] {
                throw .refused(method: method, why: error["message"]?.string ?? "an error")
            }
            guard let result = own?["result"] else { throw .malformed(url: url) }
            results.append(result)
        }
        return results
    }

    /// Posts a body and returns the answer's.
    private func post(_ body: [UInt8]) throws(Failure) -> [UInt8] {
        do {
            return try HTTPDocumentFetch(url: url).postAndWait(
                body, maximumByteCount: Self.maximumByteCount,
                timeout: .milliseconds(Int64(timeoutMilliseconds)),
                group: MultiThreadedEventLoopGroup.singleton)
        } catch {
            throw .unreachable(url: url, why: "\(error)")
        }
    }
}
