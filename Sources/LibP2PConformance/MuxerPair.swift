internal import LibP2P
internal import Primitives

/// An endpoint, and what it told.
struct MuxerSide<Endpoint: MuxerEndpoint> {
    typealias StreamID = Endpoint.StreamID

    var endpoint: Endpoint
    /// Whether bytes are reported as consumed as soon as they come.
    var isConsuming = true
    /// The streams that the peer opened, in order.
    private(set) var opened: [StreamID] = []
    private(set) var received: [StreamID: [UInt8]] = [:]
    private(set) var finished: Set<StreamID> = []
    private(set) var reset: Set<StreamID> = []
    private(set) var hasEnded = false
    /// All events, with the data of one stream that came together in one.
    private(set) var events: [MuxerEvent<StreamID>] = []
    private var unconsumed: [StreamID: Int] = [:]
    private(set) var receivedByteCount = 0

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    mutating func receive(_ bytes: [UInt8]) throws(Finding) {
        endpoint.receive(bytes)
        try drain()
    }

    /// Takes all events, and checks that they make sense.
    mutating func drain() throws(Finding) {
        for _ in 0..<1_000_000 {
            guard let event = endpoint.nextEvent() else { return }
            try require(!hasEnded, "\(event) comes behind the end of the session")
            try take(event)
        }
        throw Finding("events never end")
    }

    private mutating func take(_ event: MuxerEvent<StreamID>) throws(Finding) {
        switch event {
        case .opened(let id):
            try require(!opened.contains(id), "stream \(id) is opened twice")
            opened.append(id)
        case .data(let id, let bytes):
            try require(
                !finished.contains(id) && !reset.contains(id), "data of \(id) behind its end")
            received[id, default: []] += bytes
            receivedByteCount += bytes.count
            if isConsuming {
                endpoint.consumed(bytes.count, of: id)
            } else {
                unconsumed[id, default: 0] += bytes.count
            }
            if case .data(id, let earlier)? = events.last {
                events[events.count - 1] = .data(id, earlier + bytes)
                return
            }
        case .finished(let id):
            try require(
                finished.insert(id).inserted && !reset.contains(id), "stream \(id) ends twice")
        case .reset(let id):
            try require(reset.insert(id).inserted, "stream \(id) is reset twice")
        case .sessionEnded:
            hasEnded = true
            try require(endpoint.isClosed, "the session is over, and says that it is not")
        }
        events.append(event)
    }

    /// Reports what waits of a stream as consumed.
    mutating func consume(_ id: StreamID) {
        if let count = unconsumed.removeValue(forKey: id) { endpoint.consumed(count, of: id) }
    }

    /// The stream of the peer's that began with these bytes.
    func stream(beginningWith tag: [UInt8]) throws(Finding) -> StreamID {
        guard let id = opened.first(where: { received[$0, default: []].starts(with: tag) }) else {
            throw Finding("a stream does not arrive")
        }
        return id
    }
}

/// Two endpoints joined by a connection.
struct MuxerPair<Endpoint: MuxerEndpoint> {
    var dialer: MuxerSide<Endpoint>
    var listener: MuxerSide<Endpoint>

    init<Implementation: MuxerImplementation>(_ implementation: Implementation)
    where Implementation.Endpoint == Endpoint {
        dialer = MuxerSide(implementation.makeEndpoint(role: .dialer))
        listener = MuxerSide(implementation.makeEndpoint(role: .listener))
    }

    /// Carries bytes until neither side has any.
    mutating func settle() throws(Finding) {
        for _ in 0..<100_000 {
            let there = try Self.output(of: &dialer, atMost: 65_536)
            let back = try Self.output(of: &listener, atMost: 65_536)
            try listener.receive(there)
            try dialer.receive(back)
            if there.isEmpty && back.isEmpty { return }
        }
        throw Finding("the sides never come to rest")
    }

    static func output(
        of side: inout MuxerSide<Endpoint>, atMost limit: Int
    ) throws(Finding) -> [UInt8] {
        let output = side.endpoint.nextOutput(atMost: limit)
        try require(output.count <= limit, "more output than asked for: \(output.count)")
        try side.drain()
        return output
    }

    /// The dialer opens a stream and writes `bytes`, which are known to fit.
    mutating func open(writing bytes: [UInt8]) throws(Finding) -> Endpoint.StreamID {
        let id = try attempt("opening a stream") { try dialer.endpoint.openStream() }
        try dialer.write(bytes, to: id)
        return id
    }
}

extension MuxerSide {
    /// Writes bytes, which have to fit.
    mutating func write(_ bytes: [UInt8], to id: StreamID) throws(Finding) {
        let count = try attempt("writing \(bytes.count) bytes") {
            try endpoint.write(bytes[...], to: id)
        }
        try require(count == bytes.count, "of \(bytes.count) bytes \(count) are taken")
    }
}
