import LibP2P
import Primitives

extension YamuxSession {
    /// A session at time zero.
    static func at(_ role: Role, _ change: (inout YamuxLimits) -> Void = { _ in }) -> YamuxSession {
        var limits = YamuxLimits()
        change(&limits)
        return YamuxSession(role: role, limits: limits, now: .zero)
    }

    /// All events that wait.
    mutating func drain() -> [YamuxEvent] {
        var events: [YamuxEvent] = []
        while let event = nextEvent() { events.append(event) }
        return events
    }

    /// Everything that can be sent.
    mutating func pull(atMost limit: Int = 1 << 20) -> [UInt8] {
        var output: [UInt8] = []
        while nextOutput(into: &output, atMost: limit) {}
        return output
    }

    /// Takes bytes and returns what they meant.
    mutating func feed(_ bytes: [UInt8], at milliseconds: UInt64 = 0) -> [YamuxEvent] {
        receive(bytes, now: .milliseconds(milliseconds))
        return drain()
    }

    /// Takes frames and returns what they meant.
    mutating func feed(_ frames: [YamuxFrame], at milliseconds: UInt64 = 0) -> [YamuxEvent] {
        feed(frames.flatMap(\.bytes), at: milliseconds)
    }
}

extension YamuxFrame {
    /// The header, followed by as many zero bytes as a data frame announces.
    var bytes: [UInt8] {
        var output = header
        if kind == .data { output += [UInt8](repeating: 0, count: Int(length)) }
        return output
    }

    var header: [UInt8] {
        var output: [UInt8] = []
        append(to: &output)
        return output
    }

    static func open(_ stream: UInt32) -> YamuxFrame {
        YamuxFrame(.windowUpdate, .synchronize, stream: stream)
    }
    static func accept(_ stream: UInt32) -> YamuxFrame {
        YamuxFrame(.windowUpdate, .acknowledge, stream: stream)
    }
    static func credit(_ stream: UInt32, _ amount: UInt32) -> YamuxFrame {
        YamuxFrame(.windowUpdate, stream: stream, length: amount)
    }
    static func data(_ stream: UInt32, _ count: UInt32, _ flags: Flags = []) -> YamuxFrame {
        YamuxFrame(.data, flags, stream: stream, length: count)
    }
    static func finish(_ stream: UInt32) -> YamuxFrame {
        YamuxFrame(.data, .finish, stream: stream)
    }
    static func abort(_ stream: UInt32) -> YamuxFrame {
        YamuxFrame(.data, .reset, stream: stream)
    }

    /// The frames in a run of bytes, bodies left out; nil when they are cut or malformed.
    static func list(_ bytes: [UInt8]) -> [YamuxFrame]? {
        var frames: [YamuxFrame] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= byteCount,
                let frame = try? YamuxFrame(header: rest.prefix(byteCount))
            else { return nil }
            rest = rest.dropFirst(byteCount)
            if frame.kind == .data {
                guard rest.count >= Int(frame.length) else { return nil }
                rest = rest.dropFirst(Int(frame.length))
            }
            frames.append(frame)
        }
        return frames
    }
}

/// Two sessions joined by two pipes that hold a few bytes each and cut them anywhere.
struct YamuxPair {
    var client: YamuxSession
    var server: YamuxSession
    private var toServer: [UInt8] = []
    private var toClient: [UInt8] = []
    var now = Instant.zero

    init(_ change: (inout YamuxLimits) -> Void = { _ in }) {
        client = .at(.client, change)
        server = .at(.server, change)
    }

    /// Moves everything that can move.
    mutating func settle() {
        while true {
            let (up, down) = (client.pull(), server.pull())
            guard !up.isEmpty || !down.isEmpty else { return }
            server.receive(up, now: now)
            client.receive(down, now: now)
        }
    }

    /// Fills the pipes up to `capacity` and delivers random pieces of them.
    mutating func step(capacity: Int, using generator: inout SeededGenerator) {
        now = now + .microseconds(100)
        Self.move(
            from: &client, to: &server, through: &toServer, capacity: capacity, now: now,
            using: &generator)
        Self.move(
            from: &server, to: &client, through: &toClient, capacity: capacity, now: now,
            using: &generator)
    }

    private static func move(
        from source: inout YamuxSession, to target: inout YamuxSession,
        through pipe: inout [UInt8], capacity: Int, now: Instant,
        using generator: inout SeededGenerator
    ) {
        if pipe.count < capacity {
            _ = source.nextOutput(into: &pipe, atMost: capacity - pipe.count)
        }
        let count = Int.random(in: 0...pipe.count, using: &generator)
        target.receive(Array(pipe.prefix(count)), now: now)
        pipe.removeFirst(count)
    }
}
