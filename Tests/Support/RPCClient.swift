import Foundation

/// A JSON-RPC client over one plain socket a call: as simple as a client can be.
package struct RPCClient {
    package let port: Int

    private let namespace: String?

    /// - Parameter namespace: the network namespace of the port, as a file; nil: this process's.
    package init(port: Int, namespace: String? = nil) {
        self.port = port
        self.namespace = namespace
    }

    /// The server has as many connections as it may (HTTP 503).
    package struct Busy: Error {}

    /// Calls a method; returns its `result` as JSON objects, throws on an `error`.
    package func call(_ method: String, _ parameters: [Any] = []) throws -> Any {
        let request: [String: Any] = [
            "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters,
        ]
        let body = try JSONSerialization.data(withJSONObject: request)
        let answer = try post([UInt8](body))
        guard
            let object = try JSONSerialization.jsonObject(
                with: Foundation.Data(answer), options: [.fragmentsAllowed]) as? [String: Any]
        else { throw TestFailure("\(method): the answer is no object") }
        if let error = object["error"] { throw TestFailure("\(method): \(error)") }
        return object["result"] ?? NSNull()
    }

    package func string(_ method: String, _ parameters: [Any] = []) throws -> String {
        guard let text = try call(method, parameters) as? String else {
            throw TestFailure("\(method): the result is no string")
        }
        return text
    }

    package func object(_ method: String, _ parameters: [Any] = []) throws -> [String: Any] {
        guard let object = try call(method, parameters) as? [String: Any] else {
            throw TestFailure("\(method): the result is no object")
        }
        return object
    }

    /// The height of the finalised head.
    package func finalisedNumber() throws -> UInt32 {
        let hash = try string("chain_getFinalizedHead")
        return try number(ofHeader: hash)
    }

    /// The Falcon key of the validator at a place of the set in force, `0x` and digits; empty when
    /// there is none.
    package func sessionKey(ofValidator place: Int) throws -> String {
        let validators = try object("coherence_validators")["validators"] as? [[String: Any]] ?? []
        return validators.indices.contains(place)
            ? validators[place]["falconPublicKey"] as? String ?? "" : ""
    }

    /// The height of the best head.
    package func bestNumber() throws -> UInt32 {
        let header = try object("chain_getHeader")
        return try Self.number(in: header)
    }

    package func number(ofHeader hash: String) throws -> UInt32 {
        try Self.number(in: object("chain_getHeader", [hash]))
    }

    private static func number(in header: [String: Any]) throws -> UInt32 {
        guard let text = header["number"] as? String, text.hasPrefix("0x"),
            let number = UInt32(text.dropFirst(2), radix: 16)
        else { throw TestFailure("the header has no number: \(header)") }
        return number
    }

    /// Posts raw bytes and returns the answer's body.
    ///
    /// - Throws: `Busy` when the server turns the connection away.
    package func post(_ body: [UInt8]) throws -> [UInt8] {
        let head =
            "POST / HTTP/1.1\r\nHost: localhost:\(port)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        let answer = try exchange(Array(head.utf8) + body)
        let separator = Array("\r\n\r\n".utf8)
        guard let end = answer.indices.first(where: { answer[$0...].starts(with: separator) })
        else {
            throw TestFailure("no HTTP answer on port \(port)")
        }
        if answer.starts(with: Array("HTTP/1.1 503 ".utf8)) { throw Busy() }
        return Array(answer[(end + 4)...])
    }

    /// Sends bytes, then reads until the other side closes.
    package func exchange(_ bytes: [UInt8]) throws -> [UInt8] {
        let connection = try inNetworkNamespace(namespace) { try RawConnection(port: port) }
        guard connection.send(bytes) else { throw TestFailure("the connection was closed") }
        var answer: [UInt8] = []
        while true {
            guard let more = try connection.receive(within: 20) else {
                throw TestFailure("no answer in 20 s")
            }
            if more.isEmpty { return answer }
            answer += more
        }
    }
}
