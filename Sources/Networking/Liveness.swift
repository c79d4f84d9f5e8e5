internal import LibP2P
internal import Primitives

/// What a connection knows about whether its peer is alive.
struct Liveness {
    /// The last round trip of a ping.
    var roundTrip: Duration?
    /// When the next ping is due.
    var nextPing: Instant
    /// The stream on which pings go out, while there is one.
    var pings: PingStream?

    init(now: Instant) { nextPing = now }
}

extension Connection {
    /// Sends the ping that is due, ends the connection when the peer was silent for too long, and
    /// ends a duplicate once the better connection has shown that it works.
    func checkLiveness(now: Instant) {
        let timings = swarm.configuration.timings
        let isUrgent = swarm.peerSet.isUrgent(peer)
        let silence = lastReceivedAt + (isUrgent ? timings.urgentSilence : timings.silence)
        if now >= silence { return close(.silence) }
        if now >= liveness.nextPing {
            liveness.nextPing = now + (isUrgent ? timings.urgentPing : timings.ping)
            if liveness.pings?.isWaiting != true { ping(nil) }
        }
        schedule(min(silence, liveness.nextPing))
        if let duplicateSince {
            if swarm.hasReplaced(self, since: duplicateSince) { return close(.duplicate) }
            schedule(now + timings.duplicateCheck)
        }
    }

    /// Pings the peer: on the stream that is there, or a new one.
    func ping(_ completion: PingStream.Completion?) {
        if let pings = liveness.pings { return pings.ping(completion) }
        let pings = PingStream(connection: self)
        liveness.pings = pings
        pings.ping(completion)
        do {
            try openStream(
                proposals: [PingProtocol.name], priority: .urgent, handler: pings)
        } catch {
            pings.end(error)
        }
    }
}
