import Foundation

/// One GET over a plain socket: HTTP/1.0, so that the answer ends with the connection.
package enum PlainHTTP {
    /// The status and the body.
    ///
    /// - Parameter host: what the request says it is for; nil: localhost.
    package static func get(
        _ path: String, port: Int, host: String? = nil
    ) throws -> (status: Int, body: String) {
        let connection = try RawConnection(port: port)
        let request = "GET \(path) HTTP/1.0\r\nHost: \(host ?? "localhost:\(port)")\r\n\r\n"
        guard connection.send(Array(request.utf8)) else {
            throw TestFailure("port \(port) has closed the connection")
        }
        var answer: [UInt8] = []
        while let more = try connection.receive(within: 20) {
            if more.isEmpty { break }
            answer += more
        }
        let text = String(decoding: answer, as: UTF8.self)
        let fields = text.prefix { !$0.isNewline }.split(separator: " ")
        guard fields.count >= 2, let status = Int(fields[1]),
            let end = text.range(of: "\r\n\r\n")
        else { throw TestFailure("port \(port) gave no HTTP answer to GET \(path)") }
        return (status, String(text[end.upperBound...]))
    }
}
