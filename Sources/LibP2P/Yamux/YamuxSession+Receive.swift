public import Primitives

extension YamuxSession {
    /// Data of one stream that waits as an event is joined up to this size.
    private static let joinedByteCount = 64 * 1024

    /// Takes bytes from the connection, cut anywhere. Afterwards drain `nextEvent`.
    public mutating func receive(_ bytes: [UInt8], now: Instant) {
        guard !bytes.isEmpty, !isClosed else { return }
        lastReceivedAt = max(lastReceivedAt, now)
        var position = 0
        while position < bytes.count, !isClosed {
            if body != nil {
                position = receiveBody(bytes, from: position)
                continue
            }
            guard let frame = receiveHeader(bytes, from: &position) else { continue }
            handle(frame, now: now)
        }
    }

    /// Takes header bytes; nil while the header is incomplete, or when it is none.
    private mutating func receiveHeader(
        _ bytes: [UInt8], from position: inout Int
    ) -> YamuxFrame? {
        do {
            if partialHeader.isEmpty, bytes.count - position >= YamuxFrame.byteCount {
                position += YamuxFrame.byteCount
                return try YamuxFrame(header: bytes[(position - YamuxFrame.byteCount)..<position])
            }
            let count = min(YamuxFrame.byteCount - partialHeader.count, bytes.count - position)
            partialHeader.append(contentsOf: bytes[position..<(position + count)])
            position += count
            guard partialHeader.count == YamuxFrame.byteCount else { return nil }
            defer { partialHeader.removeAll(keepingCapacity: true) }
            return try YamuxFrame(header: partialHeader[...])
        } catch {
            fail(error)
            return nil
        }
    }

    /// Takes bytes of a data frame's body and returns the position behind them.
    private mutating func receiveBody(_ bytes: [UInt8], from start: Int) -> Int {
        guard var current = body else { return start }
        let end = min(bytes.count, start + current.remaining)
        current.remaining -= end - start
        body = current.remaining > 0 ? current : nil
        guard let id = current.stream else { return end }
        deliver(bytes[start..<end], to: id, before: bytes.count - end)
        if current.remaining == 0, current.isLast { endRemote(id) }
        return end
    }

    /// Gives data out, unless its stream is gone; `rest` bytes follow in the same input.
    private mutating func deliver(_ bytes: ArraySlice<UInt8>, to id: UInt32, before rest: Int) {
        guard streams[id] != nil else { return }
        streams[id]?.unconsumedByteCount += bytes.count
        unconsumedByteCount += bytes.count
        let name = YamuxStreamID(id)
        switch events.popLast() {
        case .data(name, var waiting)? where waiting.count < Self.joinedByteCount:
            waiting.append(contentsOf: bytes)
            events.append(.data(name, waiting))
        case let other:
            if let other { events.append(other) }
            // With room for what probably follows in the same input; not for crumbs, of which a
            // hostile peer can send thousands.
            var content: [UInt8] = []
            if bytes.count >= Self.joinedByteCount / 8 {
                content.reserveCapacity(min(bytes.count + rest, Self.joinedByteCount))
            }
            content.append(contentsOf: bytes)
            events.append(.data(name, content))
        }
        if unconsumedByteCount > limits.maximumUnconsumedByteCount { resetLargestHolder() }
    }

    /// Resets the stream with the most unconsumed bytes, the one of the lowest id among equals.
    private mutating func resetLargestHolder() {
        var largest: (id: UInt32, count: Int) = (0, -1)
        // Sorted, so that the choice does not depend on the dictionary's order.
        for id in streams.keys.sorted() {
            let count = streams[id]?.unconsumedByteCount ?? 0
            if count > largest.count { largest = (id, count) }
        }
        let id = YamuxStreamID(largest.id)
        reset(id)
        if !isClosed { events.append(.reset(id, .tooManyUnconsumedBytes)) }
    }

    private mutating func handle(_ frame: YamuxFrame, now: Instant) {
        switch frame.kind {
        case .ping: handlePing(frame, now: now)
        case .goAway:
            guard frame.stream == 0 else { return fail(.sessionFrameOnStream(frame.stream)) }
            end()
            events.append(.goAway(code: frame.length))
        case .data, .windowUpdate: handleStreamFrame(frame, now: now)
        }
    }

    private mutating func handlePing(_ frame: YamuxFrame, now: Instant) {
        guard frame.stream == 0 else { return fail(.sessionFrameOnStream(frame.stream)) }
        if frame.flags.contains(.acknowledge) {
            guard let ping = outstandingPing, ping.value == frame.length else {
                return fail(.unexpectedPong(frame.length))
            }
            outstandingPing = nil
            nextPingAt = ping.sentAt + limits.keepAliveInterval
            events.append(.pong(roundTrip: max(.zero, now - ping.sentAt)))
        } else {
            guard pings.take(now: now) else { return fail(.pingFlood) }
            sendControl(YamuxFrame(.ping, .acknowledge, length: frame.length))
        }
    }

    private mutating func handleStreamFrame(_ frame: YamuxFrame, now: Instant) {
        let id = frame.stream
        guard id != 0 else { return fail(.streamFrameOnSession) }
        let dataCount = frame.kind == .data ? frame.length : 0
        let widest = streams[id]?.widestReceiveWindow ?? YamuxLimits.windowByteCount
        guard dataCount <= widest else {
            return fail(.windowExceeded(stream: id, length: dataCount))
        }
        var moved = dataCount > 0 || (frame.kind == .windowUpdate && frame.length >= 1_024)
        if frame.flags.contains(.synchronize) {
            guard acceptStream(frame, now: now) else {
                if !isClosed { expectBody(frame, for: nil) }
                return
            }
            moved = true
        }
        guard let stream = streams[id], stream.opening != .unannounced else {
            // Left over from a stream that ended here; nobody needs to be told.
            expectBody(frame, for: nil)
            return countIdle(now: now)
        }
        // Before the credit: some peers put an error code there.
        if frame.flags.contains(.reset) {
            remove(id)
            let code = frame.kind == .windowUpdate ? frame.length : 0
            events.append(.reset(YamuxStreamID(id), .byPeer(code: code)))
            return expectBody(frame, for: nil)
        }
        if isOutbound(id), stream.opening == .announced {
            streams[id]?.opening = .established
            unacknowledgedCount -= 1
            events.append(.streamAccepted(YamuxStreamID(id)))
            moved = true
        }
        moved = (frame.flags.contains(.finish) && !stream.hasRemoteEnded) || moved
        apply(frame, to: id, of: stream)
        if !moved { countIdle(now: now) }
    }

    /// Moves the windows and ends the remote direction.
    private mutating func apply(_ frame: YamuxFrame, to id: UInt32, of stream: YamuxStream) {
        if frame.kind == .windowUpdate {
            let (sum, overflow) = stream.sendWindow.addingReportingOverflow(frame.length)
            guard !overflow else { return fail(.creditOverflow(stream: id)) }
            streams[id]?.sendWindow = sum
            schedule(id)
            if frame.flags.contains(.finish) { endRemote(id) }
            return
        }
        guard frame.length <= stream.receiveWindow else {
            return fail(.windowExceeded(stream: id, length: frame.length))
        }
        guard frame.length == 0 || !stream.hasRemoteEnded else {
            return fail(.dataAfterEnd(stream: id))
        }
        streams[id]?.receiveWindow -= frame.length
        if frame.length > 0 {
            expectBody(frame, for: id)
        } else if frame.flags.contains(.finish) {
            endRemote(id)
        }
    }

    /// Takes up a stream that the peer opens; false when it is refused or the session failed.
    private mutating func acceptStream(_ frame: YamuxFrame, now: Instant) -> Bool {
        let id = frame.stream
        guard !isOutbound(id) else {
            fail(.foreignIdentifier(id))
            return false
        }
        guard usedInboundIDs.insert((id - 1) / 2) else {
            fail(.usedIdentifier(id))
            return false
        }
        guard streamOpenings.take(now: now) else {
            fail(.streamFlood)
            return false
        }
        guard !frame.flags.contains(.reset) else { return false }
        guard inboundCount < limits.maximumInboundStreams else {
            sendControl(YamuxFrame(.data, .reset, stream: id))
            return false
        }
        guard signals.count < limits.maximumQueuedControlFrames else {
            fail(.unreadAnswers)
            return false
        }
        streams[id] = YamuxStream(
            opening: .unacknowledged, priority: .normal, sendWindow: YamuxLimits.windowByteCount,
            receiveWindow: YamuxLimits.windowByteCount)
        inboundCount += 1
        events.append(.streamOpened(YamuxStreamID(id)))
        signal(id)
        return true
    }

    private mutating func expectBody(_ frame: YamuxFrame, for id: UInt32?) {
        guard frame.kind == .data, frame.length > 0 else { return }
        body = PendingBody(
            stream: id, remaining: Int(frame.length), isLast: frame.flags.contains(.finish))
    }

    /// The peer's direction of a stream is at its end; a second time changes nothing.
    private mutating func endRemote(_ id: UInt32) {
        guard streams[id]?.hasRemoteEnded == false else { return }
        streams[id]?.hasRemoteEnded = true
        events.append(.halfClosed(YamuxStreamID(id)))
        closeIfOver(id)
    }

    private mutating func countIdle(now: Instant) {
        if !idleFrames.take(now: now) { fail(.frameFlood) }
    }
}
