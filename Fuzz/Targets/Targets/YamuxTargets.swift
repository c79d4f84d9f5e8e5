import LibP2P
import Primitives

/// Yamux: frames in every cutting, and whole sessions with an application that acts between them.
enum YamuxTargets {
    static let all = [frames, session]

    private static func bytes(_ frames: [YamuxFrame], body: [UInt8] = []) -> [UInt8] {
        frames.reduce(into: []) { output, frame in
            frame.append(to: &output)
            if frame.kind == .data { output += body.prefix(Int(frame.length)) }
        }
    }

    private static let sampleFrames: [YamuxFrame] = [
        YamuxFrame(.windowUpdate, .synchronize, stream: 1), YamuxFrame(.data, stream: 1, length: 5),
        YamuxFrame(.ping, .synchronize, length: 77),
        YamuxFrame(.data, .synchronize, stream: 3, length: 2),
        YamuxFrame(.windowUpdate, stream: 1, length: 4_096),
        YamuxFrame(.data, .finish, stream: 1), YamuxFrame(.data, .reset, stream: 3),
        YamuxFrame(.windowUpdate, [.synchronize, .finish], stream: 5),
        YamuxFrame(.goAway, length: 0),
    ]

    struct Received: Equatable {
        var events: [YamuxEvent] = []
        var output: [UInt8] = []
        var streamCount = 0
    }

    /// What arrives for one stream may be given out in other pieces.
    private static func joined(_ events: [YamuxEvent]) -> [YamuxEvent] {
        events.reduce(into: []) { joined, event in
            guard case .data(let id, let bytes) = event,
                case .data(id, let before)? = joined.last
            else { return joined.append(event) }
            joined[joined.count - 1] = .data(id, before + bytes)
        }
    }

    static let frames = FuzzTarget(
        "yamux-frames", reads: "the bytes of a yamux session", runs: 12_000, upTo: 8_192,
        samples: {
            let all = bytes(sampleFrames, body: Array("hello".utf8))
            let answers = sampleFrames.map { frame in
                var even = frame
                if frame.stream != 0 { even.stream += 1 }
                return even
            }
            return [
                [0] + all, [1] + bytes(answers, body: Array("hello".utf8)),
                [0] + bytes(Array(sampleFrames.prefix(3)), body: [1]),
            ]
        },
        check: { input throws(FuzzFinding) in
            guard let form = input.first else { return .refused }
            let content = Array(input.dropFirst())
            let received = try Properties.agreeing(content) { pieces throws(FuzzFinding) in
                var session = YamuxSession(role: form % 2 == 0 ? .server : .client, now: .zero)
                var received = Received()
                for piece in pieces { session.receive(piece, now: .zero) }
                while let event = session.nextEvent() { received.events.append(event) }
                received.events = joined(received.events)
                while session.nextOutput(into: &received.output, atMost: 1 << 16) {}
                received.streamCount = session.streamCount
                return received
            }
            try YamuxDrive.requireFrames(received.output)
            let isBroken = received.events.contains {
                if case .protocolError = $0 { true } else { false }
            }
            return isBroken || received.events.isEmpty ? .refused : .accepted
        })

    static let session = FuzzTarget(
        "yamux-session", reads: "a yamux session whose application reads, writes and resets",
        runs: 12_000, upTo: 16_384, isScript: true,
        samples: {
            let hello = Array("hello".utf8)
            let opening = bytes(Array(sampleFrames.prefix(5)), body: hello)
            let closing = bytes([sampleFrames[5], sampleFrames[6]])
            return [
                Script([
                    .init(0, 0, opening), .init(3, 0, hello), .init(4, 0), .init(7, 200),
                    .init(0, 0, closing), .init(5, 0), .init(7, 255), .init(8, 100), .init(7, 9),
                ]).bytes,
                Script([
                    .init(2, 1), .init(3, 0, hello), .init(7, 255),
                    .init(0, 0, bytes([YamuxFrame(.windowUpdate, .acknowledge, stream: 2)])),
                    .init(10, 2), .init(11), .init(6, 0), .init(7, 255), .init(9),
                ]).bytes,
            ]
        },
        check: { input throws(FuzzFinding) in
            var drive = YamuxDrive()
            for step in Script(parsing: input).steps { try drive.perform(step) }
            return drive.hasStreams ? .accepted : .refused
        })
}

/// A server's session and the application above it.
struct YamuxDrive {
    var session: YamuxSession
    private var limits = YamuxLimits()
    private var now = Instant.zero
    private var streams: [YamuxStreamID] = []
    /// What the application was given and has not consumed.
    private var unconsumed: [YamuxStreamID: Int] = [:]
    private var output: [UInt8] = []

    init() {
        limits.maximumInboundStreams = 4
        limits.maximumOutboundStreams = 3
        limits.maximumUnconsumedByteCount = 2_048
        limits.maximumStreamSendByteCount = 1_024
        limits.maximumSendByteCount = 2_048
        limits.maximumQueuedControlFrames = 16
        session = YamuxSession(role: .server, limits: limits, now: .zero)
    }

    /// Whether any stream was ever open.
    var hasStreams: Bool { !streams.isEmpty }

    private func stream(_ operand: UInt8) -> YamuxStreamID? {
        streams.isEmpty ? nil : streams[Int(operand) % streams.count]
    }

    mutating func perform(_ step: Script.Step) throws(FuzzFinding) {
        switch step.operation % 12 {
        case 0, 1: session.receive(step.payload, now: now)
        case 2:
            let priority = YamuxPriority.allCases[
                Int(step.operand) % YamuxPriority.allCases.count]
            if let id = try? session.openStream(priority: priority) { streams.append(id) }
        case 3: if let id = stream(step.operand) { _ = try? session.write(id, step.payload) }
        case 4: consume(step.operand)
        case 5: if let id = stream(step.operand) { session.shutdown(id) }
        case 6:
            if let id = stream(step.operand) {
                session.reset(id)
                unconsumed[id] = nil
            }
        case 7: pull(atMost: 13 + Int(step.operand) * 16)
        case 8:
            now = now + .milliseconds(Int64(step.operand) * 250)
            session.handleDeadline(now)
        case 9: session.goAway()
        case 10: if let id = stream(step.operand) { session.setPriority(.normal, of: id) }
        default: session.ping(now: now)
        }
        takeEvents()
        try requireBounds()
    }

    private mutating func consume(_ operand: UInt8) {
        guard let id = stream(operand), let count = unconsumed[id] else { return }
        let part = (count + 1) / 2
        session.consumed(id, part)
        unconsumed[id] = count - part
    }

    private mutating func pull(atMost limit: Int) {
        output = []
        _ = session.nextOutput(into: &output, atMost: limit)
        if output.count > limit { output = [1] }
    }

    private mutating func takeEvents() {
        while let event = session.nextEvent() {
            switch event {
            case .streamOpened(let id): streams.append(id)
            case .data(let id, let bytes): unconsumed[id, default: 0] += bytes.count
            case .reset(let id, _), .closed(let id): unconsumed[id] = nil
            default: break
            }
        }
        if session.isClosed { unconsumed = [:] }
    }

    private mutating func requireBounds() throws(FuzzFinding) {
        try Self.requireFrames(output)
        output = []
        try Properties.require(
            session.streamCount <= limits.maximumInboundStreams + limits.maximumOutboundStreams,
            "\(session.streamCount) streams")
        try Properties.require(
            session.unconsumedByteCount <= limits.maximumUnconsumedByteCount,
            "\(session.unconsumedByteCount) bytes are not consumed")
        try Properties.require(
            session.unsentByteCount <= limits.maximumSendByteCount,
            "\(session.unsentByteCount) bytes are not sent")
    }

    /// What is sent is whole frames.
    static func requireFrames(_ output: [UInt8]) throws(FuzzFinding) {
        var rest = output[...]
        while !rest.isEmpty {
            guard rest.count >= YamuxFrame.byteCount,
                let frame = try? YamuxFrame(header: rest.prefix(YamuxFrame.byteCount))
            else { throw FuzzFinding("\(output.hex) is not frames") }
            rest = rest.dropFirst(YamuxFrame.byteCount)
            guard frame.kind == .data else { continue }
            try Properties.require(rest.count >= Int(frame.length), "a body is cut")
            rest = rest.dropFirst(Int(frame.length))
        }
    }
}
