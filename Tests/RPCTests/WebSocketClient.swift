import RPC
import Testing

/// A WebSocket client that sends what a test wants, right or wrong.
final class WebSocketClient {
    /// A frame as it came.
    struct Frame: Equatable {
        var isFinal: Bool
        var opcode: UInt8
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        /// The code of a close frame.
        var closeCode: UInt16? {
            opcode == 8 && body.count >= 2 ? UInt16(body[0]) << 8 | UInt16(body[1]) : nil
        }
    }

    let raw: RawClient
    private var parts: AsyncStream<[UInt8]>.AsyncIterator
    private var buffer: [UInt8] = []

    private init(_ raw: RawClient) {
        self.raw = raw
        parts = raw.received.makeAsyncIterator()
    }

    static func request(headers: String = "Host: localhost\r\n") -> String {
        "GET / HTTP/1.1\r\n\(headers)Upgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    }

    /// Connects and checks the answer to RFC 6455's own example key.
    static func connect(to port: UInt16) async throws -> WebSocketClient {
        let client = WebSocketClient(try await RawClient.connect(to: port))
        try await client.raw.send(request())
        let head = try await client.head()
        #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(head.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
        return client
    }

    private func head() async throws -> String {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let start = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) {
                let head = String(decoding: buffer[..<start], as: UTF8.self) + "\r\n"
                buffer.removeFirst(start + 4)
                return head
            }
            buffer += try #require(await parts.next(), "no answer to the handshake")
        }
    }

    /// A frame's bytes, masked as a client's are.
    static func frame(
        _ opcode: UInt8, _ body: [UInt8], isFinal: Bool = true, isMasked: Bool = true
    ) -> [UInt8] {
        let mask: [UInt8] = isMasked ? [0x37, 0xFA, 0x21, 0x3D] : [0, 0, 0, 0]
        var bytes = [opcode | (isFinal ? 0x80 : 0)]
        let flag: UInt8 = isMasked ? 0x80 : 0
        switch body.count {
        case 0..<126: bytes.append(flag | UInt8(body.count))
        case 126..<65_536: bytes += [flag | 126, UInt8(body.count >> 8), UInt8(body.count & 255)]
        default:
            bytes.append(flag | 127)
            bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) }
        }
        if isMasked { bytes += mask }
        return bytes + body.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    func send(_ text: String) async throws {
        try await raw.send(Self.frame(1, Array(text.utf8)))
    }

    /// The next frame; nil when the server has closed.
    func next() async -> Frame? {
        while true {
            if let frame = takeFrame() { return frame }
            guard let part = await parts.next() else { return nil }
            buffer += part
        }
    }

    private func takeFrame() -> Frame? {
        guard buffer.count >= 2 else { return nil }
        var length = Int(buffer[1] & 0x7F)
        var start = 2
        let extra = length == 126 ? 2 : length == 127 ? 8 : 0
        if extra > 0 {
            guard buffer.count >= 2 + extra else { return nil }
            length = buffer[2..<(2 + extra)].reduce(0) { $0 << 8 | Int($1) }
            start += extra
        }
        guard buffer.count >= start + length else { return nil }
        let frame = Frame(
            isFinal: buffer[0] & 0x80 != 0, opcode: buffer[0] & 0x0F,
            body: Array(buffer[start..<(start + length)]))
        buffer.removeFirst(start + length)
        return frame
    }

    /// The next message as JSON.
    func nextJSON() async throws -> JSONValue {
        let frame = try #require(await next(), "the server has closed")
        try #require(frame.opcode == 1 && frame.isFinal, "\(frame.opcode): \(frame.text)")
        return try JSONParser.parse(frame.body)
    }

    /// Calls a method and returns the response.
    func call(_ method: String, _ parameters: JSONValue..., id: Int = 1) async throws -> JSONValue {
        let request: JSONValue = [
            "jsonrpc": "2.0", "id": .integer(id), "method": .string(method),
            "params": .array(parameters),
        ]
        try await send(String(decoding: request.utf8, as: UTF8.self))
        return try await nextJSON()
    }

    /// Makes a subscription and returns its id.
    func subscribe(_ method: String) async throws -> String {
        let response = try await call(method)
        return try #require(response["result"]?.string, "\(response)")
    }

    /// Frames until the server closes; the last one.
    func readToClose() async -> Frame? {
        var last: Frame?
        while let frame = await next() { last = frame }
        return last
    }
}
