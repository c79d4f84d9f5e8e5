import LibP2P
import Primitives

/// The byte movers of single substreams, each in every cutting of its input.
enum SubstreamChecks {
    static func run(_ form: UInt8, _ bytes: [UInt8]) throws(FuzzFinding) -> FuzzOutcome {
        switch form {
        case 0: try inboundNotifications(bytes)
        case 1: try outboundNotifications(bytes)
        case 2: try inboundRequest(bytes)
        case 3: try outboundRequest(bytes)
        case 4: try pingResponder(bytes)
        default: try pingInitiator(bytes)
        }
    }

    private static let limits = NotificationLimits(maximumNotificationByteCount: 500)

    /// The handshake comes alone, as from an honest peer; what follows is cut anywhere.
    private static func inboundNotifications(
        _ bytes: [UInt8]
    ) throws(FuzzFinding) -> FuzzOutcome {
        var head = LengthPrefixedDecoder(
            maximumByteCount: NotificationLimits.maximumHandshakeByteCount)
        head.receive(bytes)
        guard let handshake = try? head.nextFrame() else {
            var inbound = InboundNotifications(limits: limits)
            inbound.receive(bytes)
            inbound.receiveEnd()
            let event = inbound.nextEvent()
            try Properties.require(event != .handshake(bytes), "a handshake out of nothing")
            return .refused
        }
        let rest = head.takeRemaining()
        let opening = Array(bytes.prefix(bytes.count - rest.count))
        let events = try Properties.agreeing(rest) { pieces throws(FuzzFinding) in
            var inbound = InboundNotifications(limits: limits)
            inbound.receive(opening)
            guard inbound.nextEvent() == .handshake(handshake),
                (try? inbound.accept(handshake: [1])) != nil
            else { throw FuzzFinding("the handshake is not taken") }
            var events: [InboundNotifications.Event] = []
            for piece in pieces {
                inbound.receive(piece)
                while let event = inbound.nextEvent() { events.append(event) }
            }
            inbound.receiveEnd()
            while let event = inbound.nextEvent() { events.append(event) }
            return events
        }
        for case .notification(let content) in events {
            try Properties.require(
                content.count <= limits.maximumNotificationByteCount, "above the limit")
        }
        try Properties.require(
            events.count { $0 == .closed } <= 1, "it ends more than once: \(events)")
        return .accepted
    }

    private static func outboundNotifications(
        _ bytes: [UInt8]
    ) throws(FuzzFinding) -> FuzzOutcome {
        var outbound = OutboundNotifications(limits: limits)
        let first = outbound.receive(bytes)
        var piecewise = OutboundNotifications(limits: limits)
        var events: [OutboundNotifications.Event] = []
        for byte in bytes {
            if let event = piecewise.receive([byte]) { events.append(event) }
        }
        switch first {
        case .accepted(let handshake)?:
            try Properties.require(events.first == .accepted(handshake), "\(events)")
            return .accepted
        case nil: try Properties.require(events.isEmpty, "\(events)")
        default: try Properties.require(!events.isEmpty, "whole it fails, byte by byte not")
        }
        return .refused
    }

    private static func inboundRequest(_ bytes: [UInt8]) throws(FuzzFinding) -> FuzzOutcome {
        let limits = RequestLimits(maximumRequestByteCount: 400, maximumResponseByteCount: 500)
        var whole = InboundRequest(limits: limits, now: .zero)
        let event = whole.receive(bytes)
        var fine = InboundRequest(limits: limits, now: .zero)
        var events: [InboundRequest.Event] = []
        for byte in bytes {
            if let event = fine.receive([byte]) { events.append(event) }
        }
        switch event {
        case nil: try Properties.require(events.isEmpty, "\(events)")
        case .failed(let reason)?:
            try Properties.require(events.last == .failed(reason), "\(events), not \(reason)")
        case .request(let request)?:
            try Properties.require(
                events == [.request(request)] && request.count <= 400, "\(events)")
            let answer = try? whole.respond([1, 2])
            try Properties.require(answer == [2, 1, 2], "no answer")
            return .accepted
        }
        return .refused
    }

    private static func outboundRequest(_ bytes: [UInt8]) throws(FuzzFinding) -> FuzzOutcome {
        let limits = RequestLimits(maximumRequestByteCount: 400, maximumResponseByteCount: 500)
        let outcome = try Properties.agreeingButTrailing(bytes) {
            pieces throws(FuzzFinding) in
            guard var request = try? OutboundRequest([1], limits: limits, now: .zero) else {
                throw FuzzFinding("a request of one byte is too long")
            }
            for piece in pieces {
                if let outcome = request.receive(piece) { return outcome }
            }
            return request.receiveEnd()
        }
        guard case .response(let response)? = outcome else { return .refused }
        try Properties.require(response.count <= 500, "above the limit")
        return .accepted
    }

    private static func pingResponder(_ bytes: [UInt8]) throws(FuzzFinding) -> FuzzOutcome {
        var whole = PingResponder(now: .zero)
        var fine = PingResponder(now: .zero)
        var echoes: [UInt8] = []
        let isFlood = (bytes.count / PingProtocol.payloadByteCount) > 32
        let echo = try? whole.receive(bytes, now: .zero)
        for byte in bytes { echoes += (try? fine.receive([byte], now: .zero)) ?? [] }
        try Properties.require((echo == nil) == isFlood, "a flood of \(bytes.count) bytes")
        if let echo {
            try Properties.require(
                echo == echoes && bytes.starts(with: echo)
                    && bytes.count - echo.count < PingProtocol.payloadByteCount, "echo")
        }
        return echo?.isEmpty == false ? .accepted : .refused
    }

    private static func pingInitiator(_ bytes: [UInt8]) throws(FuzzFinding) -> FuzzOutcome {
        let payload = [UInt8](repeating: 8, count: PingProtocol.payloadByteCount)
        var initiator = PingInitiator()
        _ = initiator.start(payload: payload, now: .zero)
        let trip = try? initiator.receive(bytes, now: .zero)
        try Properties.require((trip != nil) == (bytes == payload), "an echo of \(bytes.count)")
        return trip == nil ? .refused : .accepted
    }
}

extension Properties {
    /// Like `agreeing`, for exchanges that end with the first message: only the whole input can show
    /// that something stands behind it.
    fileprivate static func agreeingButTrailing(
        _ bytes: [UInt8],
        _ observe: ([[UInt8]]) throws(FuzzFinding) -> OutboundRequest.Outcome?
    ) throws(FuzzFinding) -> OutboundRequest.Outcome? {
        let cuttings = cuttings(of: bytes)
        let whole = try observe(cuttings[0])
        for pieces in cuttings.dropFirst() where !pieces.isEmpty {
            let other = try observe(pieces)
            if whole == .failed(.trailingBytes) {
                guard case .response = other else {
                    try require(other == whole, "\(String(describing: other)) in pieces")
                    continue
                }
            } else {
                try require(
                    other == whole, "\(String(describing: other)), \(String(describing: whole))")
            }
        }
        return whole
    }
}
