import NIOCore
import NIOEmbedded
import RPC

extension RPCTargets {
    private static let handshake = Array(
        """
        GET / HTTP/1.1\r
        Host: localhost\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Version: 13\r
        \r

        """.utf8)

    private static let limit = 2_048

    /// A client's frame with the mask 0: its bytes stand as they are.
    private static func frame(_ first: UInt8, _ body: [UInt8]) -> [UInt8] {
        body.count < 126
            ? [first, 0x80 | UInt8(body.count), 0, 0, 0, 0] + body
            : [first, 0xFE, UInt8(body.count >> 8), UInt8(body.count & 255), 0, 0, 0, 0] + body
    }

    static let webSocket = FuzzTarget(
        "web-socket", reads: "the frames of one WebSocket connection", runs: 1_500, upTo: 4_096,
        samples: {
            let call = Array(#"{"jsonrpc":"2.0","id":1,"method":"system_name"}"#.utf8)
            return [
                frame(0x81, call), frame(0x82, call) + frame(0x81, [0x5B, 0x5D]),
                frame(0x01, Array(call[..<9])) + frame(0x89, [1]) + frame(0x80, Array(call[9...])),
                frame(0x8A, []) + frame(0x88, [3, 232]),
                frame(0x01, [UInt8](repeating: 32, count: 1_500))
                    + frame(0x80, [UInt8](repeating: 32, count: 548)),
                [0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
            ]
        },
        check: { bytes throws(FuzzFinding) in
            let all = try Properties.cuttings(of: bytes).map { pieces throws(FuzzFinding) in
                try serveFrames(pieces)
            }
            for served in all {
                try Properties.require(
                    served.calls == all[0].calls,
                    "\(served.calls.count) messages, whole \(all[0].calls.count)")
                for call in served.calls {
                    try Properties.require(
                        call.purpose == .message && call.body.count <= limit,
                        "a message of \(call.body.count) bytes")
                }
                try requireFrames(served.output)
            }
            return all[0].calls.isEmpty ? .refused : .accepted
        })

    /// Feeds a connection that has been granted WebSocket.
    private static func serveFrames(_ pieces: [[UInt8]]) throws(FuzzFinding) -> Served {
        var limits = RPCLimits()
        limits.requestByteCount = limit
        let gate = HTTPGate(hosts: .loopback, origins: .loopback, bodyLimit: limit)
        let channel = EmbeddedChannel()
        var served = Served()
        do {
            let connection = try HTTPConnection(channel, gate: gate, limits: limits)
            channel.pipeline.fireChannelActive()
            try channel.writeInbound(ByteBuffer(bytes: handshake))
            guard case .byteBuffer(let head)? = try channel.readOutbound(as: IOData.self),
                head.readableBytesView.starts(with: "HTTP/1.1 101 ".utf8)
            else { throw FuzzFinding("the handshake is not answered") }
            for piece in pieces {
                // After the end of a connection its bytes are refused, as a socket does.
                _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
            }
            while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
                served.output += Array(buffer.readableBytesView)
            }
            _ = try? channel.finish(acceptAlreadyClosed: true)
            let calls = connection.calls
            served.calls = Blocking.wait {
                var all: [HTTPCall] = []
                for await call in calls { all.append(call) }
                return all
            }
        } catch let finding as FuzzFinding {
            throw finding
        } catch {
            throw FuzzFinding("the pipeline: \(error)")
        }
        return served
    }

    /// What the server says is pongs, and one close at the end.
    private static func requireFrames(_ output: [UInt8]) throws(FuzzFinding) {
        var rest = output[...]
        while let first = rest.popFirst() {
            guard let length = rest.popFirst(), length < 126, rest.count >= Int(length) else {
                throw FuzzFinding("the server's frames end within one")
            }
            rest = rest.dropFirst(Int(length))
            try Properties.require(
                first == 0x8A || (first == 0x88 && rest.isEmpty), "the server says \(first)")
        }
    }
}
