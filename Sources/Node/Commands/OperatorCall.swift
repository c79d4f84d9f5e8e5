internal import NIOCore
internal import NIOPosix
internal import RPC

/// A call of a running node's JSON-RPC by the operator's own commands.
public struct OperatorCall: Sendable {
    /// Why a call brought no result.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        case unreachable(url: String, why: String)
        case noAnswer(url: String)
        case refused(String)

        public var description: String {
            switch self {
            case .unreachable(let url, let why):
                "no answer from \(url): \(why). Check that the node runs, and its --rpc-port."
            case .noAnswer(let url): "what answers at \(url) is no JSON-RPC."
            case .refused(let why): "the node refuses: \(why)"
            }
        }
    }

    private static let answerLimit = 1 << 20
    private let url: String

    /// - Parameter url: such as http://127.0.0.1:9944.
    public init(url: String) { self.url = url }

    /// Has the node make a session key, and ask for it if it is a validator.
    ///
    /// - Returns: the public key, `0x` and digits.
    public func rotateKeys() async throws -> String {
        let call: JSONValue = [
            "jsonrpc": "2.0", "id": 1, "method": "author_rotateKeys", "params": [],
        ]
        let answer: [UInt8]
        do {
            answer = try await HTTPDocumentFetch(url: url).post(
                call.utf8, maximumByteCount: Self.answerLimit, timeout: .seconds(30),
                group: MultiThreadedEventLoopGroup.singleton)
        } catch {
            throw Failure.unreachable(url: url, why: "\(error)")
        }
        guard let object = try? JSONParser.parse(answer) else { throw Failure.noAnswer(url: url) }
        if let message = object["error"]?["message"]?.string { throw Failure.refused(message) }
        guard let key = object["result"]?.string else { throw Failure.noAnswer(url: url) }
        return key
    }
}
