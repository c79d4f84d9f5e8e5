/// Turns a JSON-RPC 2.0 request body into its response: single calls, batches, notifications.
///
/// Rules from the JSON-RPC 2.0 specification; ids are echoed as they came. The calls of a batch
/// run one after the other.
package struct RPCDispatcher: Sendable {
    private let methods: RPCMethods
    private let limits: RPCLimits
    let allowsOperatorMethods: Bool

    /// Serves `methods`, `rpc_methods`, which lists them, and `rpc.discover`, which describes them.
    package init(
        methods: RPCMethods, limits: RPCLimits = RPCLimits(), allowsOperatorMethods: Bool = true
    ) {
        var all = methods
        let names = (methods.names + ["rpc_methods", "rpc.discover"]).sorted()
        all.add("rpc_methods") { (_) throws(RPCError) in
            ["methods": .array(names.map(JSONValue.string))]
        }
        let document = all.openRPC()
        all.add("rpc.discover") { (_) throws(RPCError) in document }
        self.methods = all
        self.limits = limits
        self.allowsOperatorMethods = allowsOperatorMethods
    }

    /// The response to a body; nil when it holds only notifications.
    package func response(to body: [UInt8]) async -> [UInt8]? {
        let settlement = Settlement<[UInt8]?>()
        await handle(body) { settlement.settle($0) }
        return await settlement.wait()
    }

    /// Gives the response to a body to `deliver` (nil when it holds only notifications) and
    /// returns when all handlers have ended, which is later when one ignored its time limit.
    package func handle(_ body: [UInt8], deliver: ([UInt8]?) async -> Void) async {
        await handle(body, from: RPCCaller(), deliver: deliver)
    }

    /// Answers a body of a connection.
    func handle(
        _ body: [UInt8], from caller: RPCCaller, deliver: ([UInt8]?) async -> Void
    ) async {
        let request: JSONValue
        do throws(JSONError) {
            request = try JSONParser.parse(body)
        } catch {
            await deliver(Self.envelope(id: .null, .failure(.parse("\(error)"))))
            return
        }
        await withDiscardingTaskGroup { group in
            let deadline = CallDeadline()
            let expiry = ContinuousClock.now + limits.callTimeout
            group.addTask {
                // Cancelled when the response is delivered or the client has gone.
                try? await Task.sleep(until: expiry, clock: .continuous)
                deadline.expire()
            }
            let turn = Turn(caller: caller, deadline: deadline)
            let response: [UInt8]?
            if case .array(let calls) = request {
                response = await batch(calls, turn, in: &group)
            } else {
                response = await single(request, turn, in: &group)
            }
            await deliver(response)
            group.cancelAll()
        }
    }

    private func batch(
        _ calls: [JSONValue], _ turn: Turn, in group: inout DiscardingTaskGroup
    ) async -> [UInt8]? {
        guard !calls.isEmpty else {
            return Self.envelope(id: .null, .failure(.invalidRequest("the batch is empty")))
        }
        guard calls.count <= limits.batchCount else {
            let error = RPCError.batchTooLarge(count: calls.count, limit: limits.batchCount)
            return Self.envelope(id: .null, .failure(error))
        }
        var text: [UInt8] = []
        for call in calls {
            guard let response = await single(call, turn, in: &group) else { continue }
            text.append(UInt8(ascii: text.isEmpty ? "[" : ","))
            text.append(contentsOf: response)
            if text.count >= limits.responseByteCount {
                let error = RPCError.responseTooLarge(limit: limits.responseByteCount)
                return Self.envelope(id: .null, .failure(error))
            }
        }
        guard !text.isEmpty else { return nil }
        text.append(UInt8(ascii: "]"))
        return text
    }

    /// The response to one request; nil for a notification.
    private func single(
        _ request: JSONValue, _ turn: Turn, in group: inout DiscardingTaskGroup
    ) async -> [UInt8]? {
        let call: Call
        do throws(RPCError) {
            call = try Call(request)
        } catch {
            return Self.envelope(id: Call.readableID(of: request), .failure(error))
        }
        let outcome = await outcome(of: call, turn, in: &group)
        guard let id = call.id else { return nil }
        let response = Self.envelope(id: id, outcome)
        guard response.count <= limits.responseByteCount else {
            let error = RPCError.responseTooLarge(limit: limits.responseByteCount)
            return Self.envelope(id: id, .failure(error))
        }
        return response
    }

    private func outcome(
        of call: Call, _ turn: Turn, in group: inout DiscardingTaskGroup
    ) async -> CallDeadline.Outcome {
        guard turn.caller.mayCall() else { return .failure(.rateLimited) }
        guard let method = methods.entry(call.method) else { return .failure(.methodNotFound) }
        guard method.access == .safe || allowsOperatorMethods else {
            return .failure(.unsafeMethod)
        }
        guard !turn.deadline.hasExpired else { return .failure(.timedOut) }
        let handler: RPCMethods.Handler
        switch (method.action, turn.caller.session) {
        case (.answer(let given), _): handler = given
        case (.subscribe, nil), (.unsubscribe, nil): return .failure(.subscriptionNeedsWebSocket)
        case (.subscribe(let subscription), let session?):
            handler = { (_) throws(RPCError) in try await session.open(subscription) }
        case (.unsubscribe(let topic), let session?):
            handler = { (parameters) throws(RPCError) in
                let id = try parameters.text(0, "subscription")
                return .bool(session.unsubscribe(id, from: topic))
            }
        }
        let settlement = Settlement<CallDeadline.Outcome>()
        turn.deadline.watch(settlement)
        group.addTask {
            do throws(RPCError) {
                settlement.settle(.success(try await handler(call.parameters)))
            } catch {
                settlement.settle(.failure(error))
            }
        }
        return await settlement.wait()
    }

    private static func envelope(id: JSONValue, _ outcome: CallDeadline.Outcome) -> [UInt8] {
        var members = [JSONMember("jsonrpc", "2.0"), JSONMember("id", id)]
        switch outcome {
        case .success(let result): members.append(JSONMember("result", result))
        case .failure(let error): members.append(JSONMember("error", error.json))
        }
        return JSONValue.object(members).utf8
    }
}

/// Whose request it is and how long it may take.
private struct Turn: Sendable {
    let caller: RPCCaller
    let deadline: CallDeadline
}

/// One request object.
private struct Call: Sendable {
    /// Nil for a notification.
    let id: JSONValue?
    let method: String
    let parameters: RPCParameters

    init(_ request: JSONValue) throws(RPCError) {
        guard case .object = request else { throw .invalidRequest("a call is an object") }
        guard request["jsonrpc"] == "2.0" else { throw .invalidRequest("jsonrpc is not \"2.0\"") }
        guard let method = request["method"]?.string else {
            throw .invalidRequest("method is not a string")
        }
        switch request["id"] {
        case nil: id = nil
        case .null?, .string?, .number?: id = request["id"]
        default: throw .invalidRequest("id is neither a string, a number nor null")
        }
        self.method = method
        parameters = try RPCParameters(request["params"])
    }

    /// The id of a request that is invalid otherwise; null when it cannot be told.
    static func readableID(of request: JSONValue) -> JSONValue {
        switch request["id"] {
        case .string(let text)?: .string(text)
        case .number(let number)?: .number(number)
        default: .null
        }
    }
}
