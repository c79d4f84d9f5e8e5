import RPC
import Synchronization
import Testing

@Suite("JSON-RPC dispatch", .timeLimit(.minutes(1)))
struct DispatcherTests {
    private let notifications = NotificationCount()

    private func dispatcher(
        limits: RPCLimits = RPCLimits(), allowsOperatorMethods: Bool = true
    ) -> RPCDispatcher {
        var methods = RPCMethods()
        let notifications = notifications
        methods.add("echo", aliases: ["parrot"]) { (parameters) throws(RPCError) in
            try parameters.required(0, "value")
        }
        methods.add("count") { (_) throws(RPCError) in .integer(notifications.increment()) }
        methods.add("fail") { (_) throws(RPCError) in
            throw RPCError(code: 1010, message: "Invalid Transaction", data: "because")
        }
        methods.add("large") { (_) throws(RPCError) in
            .string(String(repeating: "x", count: 1_000))
        }
        methods.add("secret", access: .operatorOnly) { (_) throws(RPCError) in "told" }
        methods.add("forever") { (_) throws(RPCError) in
            await Cancellation.wait()
            return "cancelled"
        }
        return RPCDispatcher(
            methods: methods, limits: limits, allowsOperatorMethods: allowsOperatorMethods)
    }

    private func ask(_ text: String, _ dispatcher: RPCDispatcher? = nil) async -> String? {
        await (dispatcher ?? self.dispatcher()).response(to: Array(text.utf8))
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "ids come back as they came",
        arguments: ["1", "0", "-7", "1.0", "1e3", "12345678901234567890", "\"x\"", "\"\"", "null"])
    func ids(id: String) async {
        #expect(
            await ask("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"method\":\"echo\",\"params\":[5]}")
                == "{\"jsonrpc\":\"2.0\",\"id\":\(id),\"result\":5}")
    }

    @Test(
        "parameters come by position or by name",
        arguments: ["[{\"a\":1}]", "{\"value\":{\"a\":1}}", "[{\"a\":1},2,3]"])
    func parameters(text: String) async {
        #expect(
            await ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"parrot\",\"params\":\(text)}")
                == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":1}}")
    }

    @Test(
        "invalid requests are told why",
        arguments: [
            ("{", -32700, "null"),
            ("\u{1}", -32700, "null"),
            ("1", -32600, "null"),
            ("{}", -32600, "null"),
            ("[]", -32600, "null"),
            ("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}", -32600, "1"),
            ("{\"id\":\"a\",\"method\":\"echo\"}", -32600, "\"a\""),
            ("{\"jsonrpc\":\"2.0\",\"id\":1}", -32600, "1"),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600, "1"),
            ("{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"echo\"}", -32600, "null"),
            ("{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"echo\"}", -32600, "null"),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":5}", -32600, "1"),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}", -32601, "1"),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}", -32602, "1"),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[null]}", -32602, "1"),
            ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fail\"}", 1010, "1"),
        ])
    func errors(text: String, code: Int, id: String) async throws {
        let response = try #require(await ask(text))
        #expect(
            response.hasPrefix("{\"jsonrpc\":\"2.0\",\"id\":\(id),\"error\":{\"code\":\(code),"),
            "\(response)")
    }

    @Test("a notification is carried out and not answered")
    func notification() async {
        #expect(await ask("{\"jsonrpc\":\"2.0\",\"method\":\"count\"}") == nil)
        #expect(await ask("{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}") == nil)
        #expect(
            await ask(
                "[{\"jsonrpc\":\"2.0\",\"method\":\"count\"},"
                    + "{\"jsonrpc\":\"2.0\",\"method\":\"count\"}]") == nil)
        #expect(
            await ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"count\"}")
                == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":4}")
    }

    @Test("a batch answers its calls in order and leaves notifications out")
    func batch() async {
        let response = await ask(
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[1]},"
                + "{\"jsonrpc\":\"2.0\",\"method\":\"count\"},7,"
                + "{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"method\":\"count\"}]")
        #expect(
            response == "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1},"
                + "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,"
                + "\"message\":\"Invalid request\",\"data\":\"a call is an object\"}},"
                + "{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"result\":2}]")
    }

    @Test("a batch of 100 calls is taken, one of 101 is refused as a whole")
    func batchLimit() async throws {
        let call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"count\"}"
        func batch(_ count: Int) -> String {
            "[" + [String](repeating: call, count: count).joined(separator: ",") + "]"
        }
        let full = try JSONParser.parse(Array(#require(await ask(batch(100))).utf8))
        #expect(full.array?.count == 100)
        let refused = try JSONParser.parse(Array(#require(await ask(batch(101))).utf8))
        #expect(refused["error"]?["code"] == -32010)
        #expect(notifications.increment() == 101)
    }

    @Test("a response above the limit becomes an error")
    func responseLimit() async throws {
        var limits = RPCLimits()
        limits.responseByteCount = 1_500
        let call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"large\"}"
        let one = try #require(await ask(call, dispatcher(limits: limits)))
        #expect(one.contains("xxx"))
        let two = try #require(await ask("[\(call),\(call)]", dispatcher(limits: limits)))
        #expect(two.hasPrefix("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32008,"))
        limits.responseByteCount = 500
        let none = try #require(await ask(call, dispatcher(limits: limits)))
        #expect(none.hasPrefix("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32008,"))
    }

    @Test("the operator's methods are refused on an open listener")
    func operatorMethods() async throws {
        let call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"secret\"}"
        #expect(await ask(call) == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"told\"}")
        let refused = try #require(await ask(call, dispatcher(allowsOperatorMethods: false)))
        #expect(refused.contains("-32601"))
        #expect(refused.contains("unsafe"))
    }

    @Test("rpc_methods lists all names, sorted")
    func methodList() async {
        #expect(
            await ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc_methods\",\"params\":[]}")
                == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"methods\":[\"count\",\"echo\","
                + "\"fail\",\"forever\",\"large\",\"parrot\",\"rpc.discover\",\"rpc_methods\",\"secret\"]}}"
        )
    }

    @Test("calls that take too long are cancelled and answered, with the rest of their batch")
    func timeout() async throws {
        var limits = RPCLimits()
        limits.callTimeout = .milliseconds(50)
        let response = try #require(
            await ask(
                "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"count\"},"
                    + "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"forever\"},"
                    + "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"count\"}]",
                dispatcher(limits: limits)))
        #expect(
            response == "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1},"
                + "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32000,"
                + "\"message\":\"Request timed out\"}},"
                + "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32000,"
                + "\"message\":\"Request timed out\"}}]")
    }

    @Test("a handler that ignores its cancellation does not keep the client waiting")
    func stubborn() async {
        var methods = RPCMethods()
        let gate = AsyncStream.makeStream(of: Void.self)
        methods.add("stubborn") { (_) throws(RPCError) in
            // A task of its own does not see the cancellation.
            await Task { for await _ in gate.stream { break } }.value
            return "late"
        }
        var limits = RPCLimits()
        limits.callTimeout = .milliseconds(20)
        let dispatcher = RPCDispatcher(methods: methods, limits: limits)
        let call = Array("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stubborn\"}".utf8)
        await dispatcher.handle(call) { response in
            #expect(
                response.map { String(decoding: $0, as: UTF8.self) }
                    == "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,"
                    + "\"message\":\"Request timed out\"}}")
            // Only now may the handler end: without the time limit this test would hang.
            gate.continuation.finish()
        }
    }
}

/// Counts calls.
final class NotificationCount: Sendable {
    private let count = Mutex(0)

    func increment() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}

/// Waits until the task is cancelled.
enum Cancellation {
    static func wait() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
    }
}
