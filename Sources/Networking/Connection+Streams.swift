internal import LibP2P
internal import Primitives

// What streams and their handlers ask of the connection, and what the muxer tells it.
extension Connection {
    /// Opens a stream that proposes the given protocols, best first.
    @discardableResult
    func openStream(
        proposals: [String], priority: YamuxPriority = .normal, handler: any StreamHandler
    ) throws(StreamError) -> ConnectionStream {
        guard isOpen else { throw .connectionLost }
        let id: YamuxStreamID
        do {
            id = try withMuxer { muxer throws(YamuxError) in
                try muxer.openStream(priority: priority)
            }
        } catch {
            throw error == .sessionClosed ? .connectionLost : .tooManyStreams
        }
        let stream = ConnectionStream(
            id: id, connection: self, proposals: proposals, handler: handler,
            deadline: swarm.now + swarm.configuration.timings.streamNegotiation)
        streams[id] = stream
        stream.start()
        return stream
    }

    /// Chooses the handler of a stream that the peer opened; nil refuses the stream.
    func makeHandler(for name: String, on stream: ConnectionStream) -> (any StreamHandler)? {
        let count = inboundStreamCounts[name] ?? 0
        guard let entry = swarm.protocols[name], count < entry.maximumInboundStreams,
            let handler = swarm.makeHandler(for: entry, on: stream)
        else { return nil }
        inboundStreamCounts[name] = count + 1
        stream.inboundProtocol = name
        return handler
    }

    func forget(_ stream: ConnectionStream, resetsMuxer: Bool) {
        guard streams.removeValue(forKey: stream.id) != nil else { return }
        if let name = stream.inboundProtocol, let count = inboundStreamCounts[name] {
            inboundStreamCounts[name] = count > 1 ? count - 1 : nil
        }
        if resetsMuxer { try? withMuxer { $0.reset(stream.id) } }
    }

    func consumed(_ count: Int, on stream: ConnectionStream) {
        guard count > 0 else { return }
        try? withMuxer { $0.consumed(stream.id, count) }
    }

    /// Gives bytes to the muxer; how many it took.
    func write(_ bytes: ArraySlice<UInt8>, on stream: ConnectionStream) -> Int {
        let written = try? withMuxer { muxer throws(YamuxError) in
            try muxer.write(stream.id, bytes)
        }
        return written ?? 0
    }

    func shutdown(_ stream: ConnectionStream) {
        try? withMuxer { $0.shutdown(stream.id) }
    }

    func handle(_ event: YamuxEvent) {
        switch event {
        case .streamOpened(let id): accept(id)
        case .streamAccepted: break
        case .data(let id, let bytes): streams[id]?.received(bytes)
        case .writable(let id): streams[id]?.flush()
        case .halfClosed(let id): streams[id]?.remoteEnded()
        case .reset(let id, _): streams[id]?.muxerClosed(.reset)
        case .closed(let id): streams[id]?.muxerClosed(nil)
        case .pong(let roundTrip): liveness.roundTrip = roundTrip
        case .goAway(let code): close(code == 0 ? .closedByPeer : .muxer("go away \(code)"))
        case .protocolError(let violation): close(.muxer("\(violation)"))
        case .timedOut: close(.silence)
        }
    }

    private func accept(_ id: YamuxStreamID) {
        let stream = ConnectionStream(
            id: id, connection: self, supported: swarm.supportedProtocols,
            deadline: swarm.now + swarm.configuration.timings.streamNegotiation)
        streams[id] = stream
    }
}
