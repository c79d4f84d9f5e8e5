/// A JSON-RPC error object: what a call answers instead of a result.
///
/// Codes: -32768...-32000 are JSON-RPC 2.0's own; positive ones belong to the method's family, as
/// on Substrate nodes.
package struct RPCError: Error, Sendable, Hashable {
    package var code: Int
    package var message: String
    /// What exactly is wrong, for people.
    package var data: JSONValue?

    package init(code: Int, message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    /// The error object.
    package var json: JSONValue {
        var members = [
            JSONMember("code", .integer(code)), JSONMember("message", .string(message)),
        ]
        if let data { members.append(JSONMember("data", data)) }
        return .object(members)
    }
}

extension RPCError {
    /// The body is no JSON.
    package static func parse(_ reason: String) -> RPCError {
        RPCError(code: -32700, message: "Parse error", data: .string(reason))
    }

    /// The JSON is no request.
    package static func invalidRequest(_ reason: String) -> RPCError {
        RPCError(code: -32600, message: "Invalid request", data: .string(reason))
    }

    /// No such method.
    package static let methodNotFound = RPCError(code: -32601, message: "Method not found")

    /// The method is for the operator and this listener is open to others.
    package static let unsafeMethod = RPCError(
        code: -32601, message: "RPC call is unsafe to be called externally")

    /// Parameters that the method does not take.
    package static func invalidParameters(_ reason: String) -> RPCError {
        RPCError(code: -32602, message: "Invalid params", data: .string(reason))
    }

    /// No peer that could be reserved; with the code that Substrate nodes answer.
    package static func malformedPeer(_ reason: String) -> RPCError {
        RPCError(code: 2004, message: reason)
    }

    /// The node failed, not the caller.
    package static func internalError(_ reason: String) -> RPCError {
        RPCError(code: -32603, message: "Internal error", data: .string(reason))
    }

    /// The chain has not what the call needs; with the code that Substrate nodes answer.
    package static func clientError(_ reason: String) -> RPCError {
        RPCError(code: 4003, message: "Client error: \(reason)")
    }

    /// The call took longer than the server allows.
    package static let timedOut = RPCError(code: -32000, message: "Request timed out")

    /// A subscription was asked for over plain HTTP, which has no way to tell what comes.
    package static let subscriptionNeedsWebSocket = RPCError(
        code: -32601, message: "Method not found",
        data: "subscriptions need a WebSocket connection to this port")

    /// The connection has as many subscriptions as the server allows.
    package static func tooManySubscriptions(limit: Int) -> RPCError {
        RPCError(
            code: -32006, message: "Too many subscriptions on the connection",
            data: .string("the limit is \(limit)"))
    }

    /// The connection calls more often than the server allows.
    package static let rateLimited = RPCError(code: -32999, message: "RPC rate limit exceeded")

    /// The answer is larger than the server sends.
    package static func responseTooLarge(limit: Int) -> RPCError {
        RPCError(
            code: -32008, message: "Response is too big",
            data: .string("the limit is \(limit) bytes"))
    }

    /// The batch holds more calls than the server takes.
    package static func batchTooLarge(count: Int, limit: Int) -> RPCError {
        RPCError(
            code: -32010, message: "The batch request was too large",
            data: .string("it holds \(count) calls, the limit is \(limit)"))
    }
}
