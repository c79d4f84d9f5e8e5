extension YamuxSession {
    /// A data frame smaller than this is not worth starting at the end of a batch.
    private static let minimumRoom = 1_024

    /// Appends whole frames of at most `limit` bytes together, and returns whether there were any.
    /// A limit of 13 bytes always makes progress; 16 KiB and more make good frames.
    ///
    /// First go answers, resets, new streams and credit, then data by priority, one frame of at
    /// most 16 KiB for each stream in turn.
    public mutating func nextOutput(into output: inout [UInt8], atMost limit: Int) -> Bool {
        let start = output.count
        while limit - (output.count - start) >= YamuxFrame.byteCount {
            if let frame = controlFrames.popFirst() {
                frame.append(to: &output)
            } else if let id = signals.popFirst() {
                appendSignal(id, to: &output)
            } else {
                break
            }
        }
        guard controlFrames.isEmpty, signals.isEmpty else { return output.count > start }
        for priority in scheduled.indices {
            while !scheduled[priority].isEmpty {
                let used = output.count - start
                let room = limit - used - YamuxFrame.byteCount
                guard room >= (used == 0 ? 1 : Self.minimumRoom) else { return used > 0 }
                guard let id = scheduled[priority].popFirst() else { break }
                appendData(id, priority: priority, to: &output, atMost: room)
            }
        }
        return output.count > start
    }

    /// Appends the frame that opens or accepts a stream, or returns credit, or all that is due.
    private mutating func appendSignal(_ id: UInt32, to output: inout [UInt8]) {
        guard let stream = streams[id] else { return }
        var frame = YamuxFrame(.windowUpdate, stream: id)
        switch stream.opening {
        case .unannounced:
            frame.flags = .synchronize
            streams[id]?.opening = .announced
        case .unacknowledged:
            frame.flags = .acknowledge
            streams[id]?.opening = .established
        case .announced, .established: break
        }
        if !stream.hasRemoteEnded { frame.length = stream.owedCredit }
        streams[id]?.receiveWindow += frame.length
        streams[id]?.owedCredit = 0
        streams[id]?.isSignalling = false
        if frame.length > 0 || !frame.flags.isEmpty { frame.append(to: &output) }
    }

    /// Appends one data frame of a stream, or its end, and puts the stream back in line.
    private mutating func appendData(
        _ id: UInt32, priority: Int, to output: inout [UInt8], atMost limit: Int
    ) {
        // Entries of streams that ended or changed their class are stale.
        guard streams[id]?.leaveLine(priority) == true else { return }
        let sent = streams[id]?.appendDataFrame(id: id, to: &output, atMost: limit) ?? 0
        unsentByteCount -= sent
        announceRoom(of: id)
        announceRoomOfSession()
        schedule(id)
        closeIfOver(id)
    }

    /// Tells of room in a stream whose write was cut short, once half of its buffer is free.
    private mutating func announceRoom(of id: UInt32) {
        guard !isSendingFull, streams[id]?.awaitsRoom == true,
            unsentByteCount(of: YamuxStreamID(id)) <= limits.maximumStreamSendByteCount / 2
        else { return }
        streams[id]?.awaitsRoom = false
        events.append(.writable(YamuxStreamID(id)))
    }

    /// Tells all streams of room, once half of a session's buffer that was full is free.
    mutating func announceRoomOfSession() {
        guard isSendingFull, unsentByteCount <= limits.maximumSendByteCount / 2 else { return }
        isSendingFull = false
        // Sorted, so that the events do not depend on the dictionary's order.
        for id in streams.keys.sorted() { announceRoom(of: id) }
    }
}

// Changes in place: reading a stream out of the session's table would copy it.
extension YamuxStream {
    /// Stands in line if it has something to send and does not stand there yet; its class.
    mutating func enterLine() -> YamuxPriority? {
        guard !isScheduled, hasOutput else { return nil }
        isScheduled = true
        return priority
    }

    /// Leaves the line of a class; false when it does not stand there.
    mutating func leaveLine(_ priority: Int) -> Bool {
        guard isScheduled, Int(self.priority.rawValue) == priority else { return false }
        isScheduled = false
        return true
    }

    /// Appends a data frame with what credit and `limit` allow, or else the end of the data if it is
    /// due, and returns the number of data bytes.
    mutating func appendDataFrame(id: UInt32, to output: inout [UInt8], atMost limit: Int) -> Int {
        guard canSendData else {
            guard hasOutput else { return 0 }
            YamuxFrame(.data, .finish, stream: id).append(to: &output)
            localEnd = .finished
            return 0
        }
        let count = min(sendBuffer.count, Int(sendWindow), limit, YamuxLimits.frameByteCount)
        YamuxFrame(.data, stream: id, length: UInt32(count)).append(to: &output)
        output.append(contentsOf: sendBuffer.unread.prefix(count))
        sendBuffer.consume(count)
        sendWindow -= UInt32(count)
        return count
    }
}
