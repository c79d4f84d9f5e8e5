/// The bytes of a WebSocket client (RFC 6455), right or wrong.
package enum WebSocketBytes {
    /// The request to speak WebSocket, with RFC 6455's own example of a key.
    package static func request(headers: String = "Host: localhost\r\n") -> [UInt8] {
        Array(
            ("GET / HTTP/1.1\r\n\(headers)Upgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
                .utf8)
    }

    /// A frame with a body of less than 65,536 bytes.
    ///
    /// - Parameter mask: four bytes; nil: the frame is not masked, which no client may do.
    package static func frame(
        _ opcode: UInt8, _ body: [UInt8], isFinal: Bool = true,
        mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D]
    ) -> [UInt8] {
        let flag: UInt8 = mask == nil ? 0 : 0x80
        var bytes = [opcode | (isFinal ? 0x80 : 0)]
        if body.count < 126 {
            bytes.append(flag | UInt8(body.count))
        } else {
            bytes += [flag | 126, UInt8(body.count >> 8), UInt8(body.count & 255)]
        }
        guard let mask else { return bytes + body }
        return bytes + mask + body.enumerated().map { $1 ^ mask[$0 % 4] }
    }
}
