internal import BlockSync
internal import Coherence
internal import Primitives
internal import Validator
internal import VoteGossip

// Connections, streams and lines.
extension Simulator {
    /// How long a silent connection is kept.
    private static let silenceLimit = Duration.seconds(3)
    private static let redialPause: ClosedRange<Duration> =
        .milliseconds(500)...(.milliseconds(700))
    private static let reopenPause: ClosedRange<Duration> = .milliseconds(500)...(.seconds(2))

    mutating func happenOnNetwork(_ happening: Happening) {
        switch happening {
        case .dial(let link): dial(link)
        case .opened(let link, let connection, let channel, let stream, let end, let handshake):
            guard links[link].connection == connection,
                links[link].streams[Int(channel.rawValue)] == stream
            else { return }
            opened(link, channel, end: end, handshake)
        case .closed(let link, let channel, let end, let life):
            let node = links[link].ends[end]
            guard isAlive(node, life) else { return }
            let peer = links[link].ends[1 - end]
            note(.streamClosed(peer: peer, channel), node: node)
            give(.streamClosed(channel, Self.handle(peer)), to: node)
        case .reopen(let link, let connection, let channel):
            guard links[link].connection == connection, links[link].isUp else { return }
            openStream(link, channel)
        case .send(let link, let connection, let end):
            guard links[link].connection == connection else { return }
            links[link].lines[end].isWaitingToSend = false
            transmit(link, end)
        case .arrival(let number, let connection, let end, let packet):
            let link = links[number]
            guard link.connection == connection, link.isUp else { return }
            link.lines[end].inFlightByteCount -= packet.byteCount
            arrived(packet, number, from: end)
            if link.isUp { transmit(number, end) }
        case .silence(let link, let connection, let since):
            guard links[link].connection == connection, links[link].isUp,
                links[link].blockedSince == since
            else { return }
            breakConnection(link, notice: .zero ... .milliseconds(600))
        case .requestTimeout(let token): endRequest(token, .failure(.timedOut))
        default: break
        }
    }

    // MARK: Connections

    private mutating func dial(_ link: Int) {
        guard !links[link].isUp else { return }
        let isPossible =
            links[link].ends.allSatisfy { nodes[$0].isUp && nodes[$0].frozenUntil <= now }
            && !links[link].lines.contains(where: \.isBlocked)
            && links[link].bannedUntil <= now && links[link].restsUntil <= now
        guard isPossible else {
            let pause = networkRandom.duration(Self.redialPause)
            heap.push(.dial(link: link), at: now + pause)
            return
        }
        links[link].connection += 1
        links[link].isUp = true
        statistics.connectionCount += 1
        for channel in Channel.allCases { openStream(link, channel) }
    }

    /// Both ends will learn that a new stream of a channel is open.
    private mutating func openStream(_ link: Int, _ channel: Channel) {
        let index = Int(channel.rawValue)
        links[link].streams[index] += 1
        let stream = links[link].streams[index]
        let trip = latency() * 4
        for end in 0...1 {
            let peer = links[link].ends[1 - end]
            let time = now + trip + latency()
            links[link].lines[1 - end].heardFrom[index] = time
            heap.push(
                .opened(
                    link: link, connection: links[link].connection, channel, stream: stream,
                    end: end, nodes[peer].handshakes[index]), at: time)
        }
    }

    private mutating func opened(
        _ link: Int, _ channel: Channel, end: Int, _ handshake: [UInt8]
    ) {
        let index = Int(channel.rawValue)
        let node = links[link].ends[end]
        let peer = links[link].ends[1 - end]
        guard nodes[node].isUp else { return }
        links[link].opened[end][index] = true
        links[link].lines[end].isOpen[index] = true
        note(.streamOpened(peer: peer, channel), node: node)
        give(
            .streamOpened(
                channel, Self.handle(peer), handshake: handshake, PeerHints()), to: node)
        redeliver(link, channel, from: 1 - end)
    }

    /// What the peer sent last on the stream before may come once more.
    private mutating func redeliver(_ link: Int, _ channel: Channel, from end: Int) {
        guard phase == .faults,
            networkRandom.chance(permille: network.redeliveryPermille)
        else { return }
        let stream = links[link].streams[Int(channel.rawValue)]
        for bytes in links[link].lines[end].recent(channel) {
            depart(.notification(channel, stream: stream, bytes), link, end)
        }
    }

    /// A connection is gone; its ends learn of it after a while each.
    mutating func breakConnection(_ link: Int, notice: ClosedRange<Duration>) {
        guard links[link].isUp else { return }
        links[link].isUp = false
        links[link].connection += 1
        links[link].blockedSince = nil
        var rests = now
        for end in 0...1 {
            let node = links[link].ends[end]
            let time = now + networkRandom.duration(notice)
            rests = max(rests, time)
            for channel in Channel.allCases where links[link].opened[end][Int(channel.rawValue)] {
                links[link].opened[end][Int(channel.rawValue)] = false
                heap.push(
                    .closed(link: link, channel, end: end, life: nodes[node].life), at: time)
            }
            links[link].lines[end].reset()
        }
        for token in requests.keys.sorted(by: { $0.rawValue < $1.rawValue })
        where requests[token]?.link == link {
            endRequest(token, .failure(.disconnected))
        }
        links[link].restsUntil = rests
        heap.push(
            .dial(link: link), at: rests + networkRandom.duration(Self.redialPause))
    }

    /// One channel's stream is closed; it is tried again after a while.
    mutating func closeStream(_ link: Int, _ channel: Channel) {
        let index = Int(channel.rawValue)
        guard links[link].isUp else { return }
        links[link].streams[index] += 1
        var rests = now
        for end in 0...1 {
            links[link].lines[end].drop(channel)
            guard links[link].opened[end][index] else { continue }
            links[link].opened[end][index] = false
            let node = links[link].ends[end]
            let time = now + latency()
            rests = max(rests, time)
            heap.push(
                .closed(link: link, channel, end: end, life: nodes[node].life), at: time)
        }
        heap.push(
            .reopen(link: link, connection: links[link].connection, channel),
            at: rests + networkRandom.duration(Self.reopenPause))
    }

    mutating func ban(_ peer: PeerHandle, _ duration: Duration, by node: Int) {
        let other = place(of: peer)
        if nodes[node].isHonest, nodes[other].isHonest {
            fail(.honestPeerBlamed(by: node, peer: other, "banned"))
        }
        note(.note("bans n\(other)"), node: node)
        statistics.banCount += 1
        let link = links.index(node, other)
        links[link].bannedUntil = max(links[link].bannedUntil, now + duration)
        breakConnection(link, notice: .zero ... .milliseconds(50))
    }

    // MARK: Lines

    private mutating func latency() -> Duration {
        var latency = network.latency + networkRandom.jitter(network.jitter)
        var delay = network.retransmissionDelay
        while networkRandom.chance(permille: network.retransmissionPermille), delay < .seconds(4) {
            latency = latency + delay
            delay = delay * 2
        }
        return latencyFactor == 1 ? latency : latency * latencyFactor
    }

    /// Sends what waits on a line as far as the line takes it.
    mutating func transmit(_ number: Int, _ end: Int) {
        let link = links[number]
        let line = link.lines[end]
        guard !line.isWaitingToSend else { return }
        while line.hasWaiting, line.inFlightByteCount < network.windowByteCount {
            if line.isFreeAt > now {
                line.isWaitingToSend = true
                heap.push(
                    .send(link: number, connection: link.connection, end: end), at: line.isFreeAt)
                return
            }
            guard let packet = line.next(streams: link.streams) else { return }
            if let rate = network.bytesPerSecond {
                let time = Duration.nanoseconds(packet.byteCount * 1_000_000_000 / rate)
                line.isFreeAt = now + time
            }
            depart(packet, number, end)
        }
    }

    private mutating func depart(_ packet: Packet, _ link: Int, _ end: Int) {
        let line = links[link].lines[end]
        line.inFlightByteCount += packet.byteCount
        if line.isBlocked {
            line.stalled.append(packet)
        } else {
            travel(packet, link, end, after: .zero)
        }
    }

    private mutating func travel(
        _ packet: Packet, _ number: Int, _ end: Int, after delay: Duration
    ) {
        let place: Int
        let link = links[number]
        let line = link.lines[end]
        let drawn = link.slowness == 1 ? latency() : latency() * link.slowness
        // A connection on which nothing comes for longer is given up.
        let trip = min(drawn, Self.silenceLimit)
        var earliest = max(now, line.isFreeAt) + delay + trip
        if case .notification(let channel, _, _) = packet {
            place = Int(channel.rawValue)
            earliest = max(earliest, line.heardFrom[place])
        } else {
            place = Channel.allCases.count
        }
        var time = earliest
        if !isOutOfOrder(packet) {
            time = max(earliest, line.lastArrival[place])
            line.lastArrival[place] = time
        }
        let connection = link.connection
        heap.push(.arrival(link: number, connection: connection, end: end, packet), at: time)
        guard isDoubled(packet) else { return }
        line.inFlightByteCount += packet.byteCount
        heap.push(
            .arrival(link: number, connection: connection, end: end, packet),
            at: time + latency())
    }

    private mutating func isOutOfOrder(_ packet: Packet) -> Bool {
        guard case .notification = packet else { return false }
        return networkRandom.chance(permille: network.reorderingPermille)
    }

    private mutating func isDoubled(_ packet: Packet) -> Bool {
        guard case .notification = packet else { return false }
        return networkRandom.chance(permille: network.duplicationPermille)
    }

    /// Nothing that this end sends arrives any more.
    mutating func block(_ link: Int, _ end: Int) {
        if !links[link].lines[end].isBlocked { links[link].lines[end].blockedSince = now }
        links[link].lines[end].blockerCount += 1
        guard links[link].blockedSince == nil else { return }
        links[link].blockedSince = now
        guard links[link].isUp else { return }
        let limit = Self.silenceLimit + networkRandom.duration(.zero ... .seconds(1))
        heap.push(
            .silence(link: link, connection: links[link].connection, since: now),
            at: now + limit)
    }

    /// One reason less why nothing arrives. What was sent meanwhile arrives now, unless the
    /// connection was given up.
    mutating func unblock(_ link: Int, _ end: Int) {
        guard links[link].lines[end].blockerCount > 0 else { return }
        links[link].lines[end].blockerCount -= 1
        if !links[link].lines.contains(where: \.isBlocked) { links[link].blockedSince = nil }
        guard !links[link].lines[end].isBlocked else { return }
        let stalled = links[link].lines[end].stalled
        links[link].lines[end].stalled = []
        guard !stalled.isEmpty else { return }
        let delay = retransmissionPause(after: now - links[link].lines[end].blockedSince)
        for packet in stalled { travel(packet, link, end, after: delay) }
    }

    /// How long a byte stream goes on standing still when its line carries again: until it sends
    /// again what was not confirmed, after 200 ms, 400 ms, 800 ms and so on.
    private mutating func retransmissionPause(after outage: Duration) -> Duration {
        var pause = Duration.milliseconds(200) + networkRandom.duration(.zero ... .milliseconds(50))
        var next = pause
        while next < outage {
            pause = pause * 2
            next = next + pause
        }
        return next - outage
    }

    // MARK: Arrivals

    private mutating func arrived(_ packet: Packet, _ number: Int, from end: Int) {
        let link = links[number]
        let sender = link.ends[end]
        let node = link.ends[1 - end]
        let it = nodes[node]
        guard it.isUp else { return }
        if it.frozenUntil > now {
            // The socket's buffer holds it until the node looks again.
            link.lines[end].inFlightByteCount += packet.byteCount
            heap.push(
                .arrival(link: number, connection: link.connection, end: end, packet),
                at: it.frozenUntil)
            return
        }
        switch packet {
        case .notification(let channel, let stream, let bytes):
            let index = Int(channel.rawValue)
            guard link.streams[index] == stream, link.opened[1 - end][index],
                !isLost(bytes, channel, from: sender, to: node)
            else { return }
            if !it.isHonest { overhear(bytes, channel, from: sender, node) }
            give(.notification(channel, Self.handle(sender), bytes), to: node)
        case .request, .response:
            arrivedExchange(packet, sender, node)
        }
    }

    private mutating func arrivedExchange(_ packet: Packet, _ sender: Int, _ node: Int) {
        switch packet {
        case .notification: break
        case .request(let token, let bytes):
            guard let open = requests[token] else { return }
            give(.request(open.inbound, Self.handle(sender), bytes), to: node)
        case .response(let token, let bytes):
            let isKept = starvedOfBlocks == node
            endRequest(
                token,
                isKept ? .failure(.timedOut) : bytes.map { .success($0) } ?? .failure(.refused))
        }
    }

    // MARK: Requests

    mutating func request(
        _ id: RequestID, of peer: PeerHandle, _ bytes: [UInt8], from node: Int
    ) {
        let link = links.index(node, place(of: peer))
        nextRequest += 1
        let token = RequestToken(rawValue: nextRequest)
        let inboundID = InboundRequestID(nextRequest)
        let open = OpenRequest(
            id: id, requester: node, life: nodes[node].life, link: link,
            connection: links[link].connection, inbound: inboundID)
        requests[token] = open
        asked[open.own] = token
        inbound[inboundID] = token
        guard links[link].isUp else { return endRequest(token, .failure(.disconnected)) }
        heap.push(.requestTimeout(token), at: now + .seconds(20))
        let end = links[link].end(of: node)
        links[link].lines[end].enqueue(.request(token, bytes))
        checkLine(links[link].lines[end], node)
        transmit(link, end)
    }

    mutating func respond(_ id: InboundRequestID, _ bytes: [UInt8]?, from node: Int) {
        guard let token = inbound.removeValue(forKey: id), let open = requests[token],
            links[open.link].isUp, links[open.link].connection == open.connection
        else { return }
        let end = links[open.link].end(of: node)
        links[open.link].lines[end].enqueue(.response(token, bytes))
        checkLine(links[open.link].lines[end], node)
        transmit(open.link, end)
    }

    /// The requester waits no more.
    mutating func abandon(_ id: RequestID, from node: Int) {
        let own = OwnRequest(node: node, life: nodes[node].life, id: id)
        if let token = asked[own] { forgetRequest(token) }
    }

    /// The stream of a request is gone, and what waited on it.
    @discardableResult
    private mutating func forgetRequest(_ token: RequestToken) -> OpenRequest? {
        guard let open = requests.removeValue(forKey: token) else { return nil }
        asked[open.own] = nil
        inbound[open.inbound] = nil
        for line in links[open.link].lines { line.withdraw(token) }
        return open
    }

    /// Tells the requester what became of its request.
    private mutating func endRequest(
        _ token: RequestToken, _ result: Result<[UInt8], SyncRequestFailure>
    ) {
        guard let open = forgetRequest(token), isAlive(open.requester, open.life) else { return }
        give(.response(open.id, result), to: open.requester, after: .microseconds(10))
    }
}
