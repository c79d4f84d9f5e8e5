import Foundation
import Glibc

/// A JSON-RPC client over one plain socket a call: as simple as a client can be.
package struct RPCClient {
    package let port: Int

    private let namespace: String?

    /// - Parameter namespace: the network namespace of the port, as a file; nil: this process's.
    package init(port: Int, namespace: String? = nil) {
        self.port = port
        self.namespace = namespace
    }

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
        return Array(answer[(end + 4)...])
    }

    /// Sends bytes, then reads until the other side closes.
    package func exchange(_ bytes: [UInt8]) throws -> [UInt8] {
        let descriptor = try inNetworkNamespace(namespace) { try connect() }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw TestFailure("the connection was closed") }
            rest = rest.dropFirst(sent)
        }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else { throw TestFailure("no answer in 20 s") }
            if count == 0 { return answer }
            answer += buffer[..<count]
        }
    }

    private func connect() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("no socket") }
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            close(descriptor)
            throw TestFailure("nobody listens on port \(port)")
        }
        return descriptor
    }
}
