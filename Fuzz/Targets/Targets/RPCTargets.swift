import Foundation
import NIOCore
import NIOEmbedded
import Primitives
import RPC
import Synchronization
import TestSupport

/// The RPC server: HTTP requests, and JSON-RPC bodies.
enum RPCTargets {
    static let all = [http, webSocket, jsonRPC]

    // MARK: HTTP

    private static func post(_ body: String) -> [UInt8] {
        Array(
            """
            POST / HTTP/1.1\r
            Host: localhost:9944\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
    }

    struct Served {
        var calls: [HTTPCall] = []
        var output: [UInt8] = []
    }

    static let http = FuzzTarget(
        "http", reads: "HTTP requests on one connection", runs: 1_500, upTo: 4_096,
        samples: {
            let call = #"{"jsonrpc":"2.0","id":1,"method":"system_name","params":[]}"#
            let chunked =
                "POST / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
            return [
                post(call), post(call) + post("[]"), Array(chunked.utf8),
                Array("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".utf8),
                Array(
                    "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n"
                        .utf8),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            let all = try Properties.cuttings(of: bytes).map { pieces throws(FuzzFinding) in
                try serve(pieces)
            }
            let served = all[0]
            // When a client sends no HTTP behind its requests, how its bytes are cut decides whether
            // the connection ends before the later ones are served. The first one always is.
            for other in all {
                try Properties.require(
                    zip(other.calls, served.calls).allSatisfy { $0 == $1 }
                        && other.calls.isEmpty == served.calls.isEmpty,
                    "\(other.calls), whole \(served.calls)")
            }
            for call in served.calls {
                try Properties.require(call.body.count <= 2_048, "a body above the limit")
            }
            try Properties.require(
                served.output.isEmpty || served.output.starts(with: "HTTP/1.1 ".utf8),
                "an answer that is no HTTP")
            return served.calls.isEmpty ? .refused : .accepted
        })

    // MARK: WebSocket

    static let webSocket = FuzzTarget(
        "web-socket", reads: "the frames of a WebSocket connection", runs: 1_500, upTo: 4_096,
        samples: {
            let call = Array(#"{"jsonrpc":"2.0","id":1,"method":"system_name","params":[]}"#.utf8)
            let fragments =
                WebSocketBytes.frame(1, Array(call[..<5]), isFinal: false)
                + WebSocketBytes.frame(9, [97]) + WebSocketBytes.frame(0, Array(call[5...]))
            return [
                WebSocketBytes.frame(1, call), fragments,
                WebSocketBytes.frame(2, call + call + call) + WebSocketBytes.frame(1, call),
                WebSocketBytes.frame(1, call) + WebSocketBytes.frame(8, [0x03, 0xE8]),
                WebSocketBytes.frame(1, call) + WebSocketBytes.frame(1, call, mask: nil),
            ]
        },
        check: { bytes throws(FuzzFinding) in
            let upgrade = WebSocketBytes.request()
            let all = try Properties.cuttings(of: bytes).map { pieces throws(FuzzFinding) in
                try serve([upgrade] + pieces, replyCount: 0)
            }
            let served = all[0]
            for other in all {
                try Properties.require(
                    other.calls == served.calls,
                    "\(other.calls), whole \(served.calls)")
            }
            for call in served.calls {
                try Properties.require(
                    call.purpose == .message && call.body.count <= 2_048,
                    "no message within the limit: \(call)")
            }
            try Properties.require(
                served.output.starts(with: "HTTP/1.1 101 ".utf8), "it is no WebSocket")
            return served.calls.isEmpty ? .refused : .accepted
        })

    /// Feeds a connection and answers each call with two bytes, after all of them.
    private static func serve(
        _ pieces: [[UInt8]], replyCount: Int = 4
    ) throws(FuzzFinding) -> Served {
        var limits = RPCLimits()
        limits.requestByteCount = 2_048
        let gate = HTTPGate(
            hosts: .loopback, origins: .loopback, bodyLimit: limits.requestByteCount)
        let channel = EmbeddedChannel()
        var served = Served()
        do {
            let connection = try HTTPConnection(channel, gate: gate, limits: limits)
            channel.pipeline.fireChannelActive()
            for piece in pieces {
                // After the end of a connection its bytes are refused, as a socket does.
                _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
                channel.embeddedEventLoop.run()
            }
            for _ in 0..<replyCount {
                _ = try? channel.writeOutbound(HTTPReply.json([0x7B, 0x7D]))
            }
            while case .byteBuffer(let buffer)? = try channel.readOutbound(as: IOData.self) {
                served.output += Array(buffer.readableBytesView)
            }
            served.calls = endedCalls(of: connection, on: channel)
        } catch {
            throw FuzzFinding("the pipeline: \(error)")
        }
        return served
    }

    /// Ends a connection; the calls that came of it.
    static func endedCalls(
        of connection: HTTPConnection, on channel: EmbeddedChannel
    ) -> [HTTPCall] {
        _ = try? channel.finish(acceptAlreadyClosed: true)
        let calls = connection.calls
        return Blocking.wait {
            var all: [HTTPCall] = []
            for await call in calls { all.append(call) }
            return all
        }
    }

    // MARK: JSON-RPC

    private static let dispatcher = RPCDispatcher(methods: .standard(StubNode()))

    static let jsonRPC = FuzzTarget(
        "json-rpc", reads: "the body of a JSON-RPC request", runs: 4_000, upTo: 4_096,
        samples: {
            let calls = [
                #""system_health","params":[]"#, #""chain_getBlockHash","params":[[1,2,9]]"#,
                #""chain_getHeader","params":["0x\#(String(repeating: "00", count: 32))"]"#,
                #""author_submitExtrinsic","params":["0x00"]"#, #""coherence_roundState""#,
                #""coherence_proveFinality","params":[1]"#, #""coherence_votes","params":[]"#,
                #""rpc_methods""#, #""no_such_method""#,
            ].map { #"{"jsonrpc":"2.0","id":7,"method":\#($0)}"# }
            return calls.map { Array($0.utf8) }
                + [Array("[\(calls.joined(separator: ","))]".utf8)]
        },
        check: { bytes throws(FuzzFinding) in
            let response = Blocking.wait { await dispatcher.response(to: bytes) }
            guard let response else { return .accepted }
            guard let answer = try? JSONParser.parse(response) else {
                throw FuzzFinding("the response is not JSON")
            }
            for item in answer.array ?? [answer] {
                try Properties.require(
                    item["jsonrpc"] == "2.0" && (item["result"] == nil) != (item["error"] == nil)
                        && item["id"] != nil,
                    "the response \(String(decoding: item.utf8, as: UTF8.self))")
            }
            // Bytes that are no JSON at all get one error.
            return (try? JSONParser.parse(bytes)) == nil ? .refused : .accepted
        })
}

/// Waits for asynchronous work on a thread that is nobody's: not one of the pool that the work runs
/// on.
enum Blocking {
    static func wait<Value: Sendable>(
        _ work: @escaping @Sendable () async -> Value
    ) -> Value {
        let holder = Holder<Value>()
        let done = DispatchSemaphore(value: 0)
        Task {
            let value = await work()
            holder.put(value)
            done.signal()
        }
        done.wait()
        return holder.take()
    }

    private final class Holder<Value: Sendable>: Sendable {
        private let value = Mutex<Value?>(nil)

        func put(_ new: Value) { value.withLock { $0 = new } }

        func take() -> Value {
            guard let value = value.withLock({ $0 }) else {
                preconditionFailure("the work signals after it has put its value")
            }
            return value
        }
    }
}
