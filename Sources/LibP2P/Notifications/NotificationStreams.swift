public import Primitives

/// Decides over the streams of one notification protocol with all peers.
///
/// A stream is a pair of substreams, one opened by each side. It is open when both are accepted.
/// When the peer opens its substream and is welcome, ours follows at once, because others give up
/// on a stream whose reverse direction does not come; when either is lost, both end, and a wanted
/// stream is opened again after a back-off. So it works with both network backends of Substrate,
/// of which one needs both directions and the other only looks at its own.
///
/// Who is wanted and who is welcome is the user's business: slots, reputation and the meaning of
/// handshakes are not known here. A decider: no clock, no randomness but the seed.
public struct NotificationStreams: Sendable {
    public let configuration: NotificationConfiguration
    var handshake: [UInt8]
    var random: SeededGenerator
    /// Sorted by id.
    var peers: [NotificationPeer] = []
    var nextOutbound: UInt64 = 0
    var timer: Instant?
    var effects: [Effect] = []

    /// A machine that greets peers with `handshake`, of at most 1,024 bytes; `seed` decides the
    /// random part of the back-off.
    public init(
        handshake: [UInt8], configuration: NotificationConfiguration = .init(), seed: UInt64
    ) {
        precondition(handshake.count <= NotificationLimits.maximumHandshakeByteCount)
        self.handshake = handshake
        self.configuration = configuration
        random = SeededGenerator(seed: seed)
    }

    /// The peers with an open stream, in order of their ids.
    public var openPeers: [PeerID] { peers.filter(\.isOpen).map(\.id) }
    /// The number of peers that are remembered.
    public var peerCount: Int { peers.count }

    /// Takes an input and returns what is to be done about it.
    public mutating func handle(_ input: Input, now: Instant) -> [Effect] {
        apply(input, now: now)
        armTimer()
        defer { effects = [] }
        return effects
    }

    private mutating func apply(_ input: Input, now: Instant) {
        switch input {
        case .connected(let peer, let connection): connect(peer, connection, now: now)
        case .disconnected(let peer, let connection): disconnect(peer, connection, now: now)
        case .open(let peer, let isReserved): want(peer, isReserved: isReserved, now: now)
        case .close(let peer): unwant(peer, now: now)
        case .setHandshake(let bytes):
            precondition(bytes.count <= NotificationLimits.maximumHandshakeByteCount)
            handshake = bytes
        case .inboundOpened(let peer, let connection, let substream):
            takeInbound(peer, connection, substream, now: now)
        case .outboundOpened(let peer, let substream):
            sendHandshake(peer, substream, now: now)
        case .handshake(let peer, let substream, let bytes):
            takeHandshake(peer, substream, bytes, now: now)
        case .substreamEnded(let peer, let substream, let end):
            loseSubstream(peer, substream, end, now: now)
        case .accept(let peer, let substream): accept(peer, substream, now: now)
        case .refuse(let peer, let substream): refuse(peer, substream, now: now)
        case .timer:
            timer = nil
            for index in peers.indices { expire(index, now: now) }
        }
    }

    /// Asks for the timer when the earliest deadline is another than the one asked for.
    private mutating func armTimer() {
        let earliest = peers.lazy.compactMap(\.deadline).min()
        guard let earliest, earliest != timer else { return }
        timer = earliest
        effects.append(.setTimer(earliest))
    }
}

// MARK: - Peers and connections

extension NotificationStreams {
    func index(of peer: PeerID) -> Int? {
        let (index, isKnown) = peers.position(of: peer) { $0.id }
        return isKnown ? index : nil
    }

    /// The peer's position, after adding it if need be; nil when there are too many.
    private mutating func add(_ peer: PeerID, now: Instant) -> Int? {
        let (index, isKnown) = peers.position(of: peer) { $0.id }
        if isKnown { return index }
        guard peers.count < configuration.maximumPeers else { return nil }
        let openings = TokenBucket(configuration.inboundOpenings, now: now)
        peers.insert(NotificationPeer(id: peer, inboundOpenings: openings), at: index)
        return index
    }

    /// Forgets a peer that is neither connected nor wanted.
    private mutating func forgetIfIdle(_ index: Int) {
        if peers[index].connections.isEmpty, !peers[index].isWanted { peers.remove(at: index) }
    }

    private mutating func connect(_ peer: PeerID, _ connection: ConnectionID, now: Instant) {
        guard let index = add(peer, now: now), !peers[index].connections.contains(connection),
            peers[index].connections.count < configuration.maximumConnectionsPerPeer
        else { return }
        // Reserved peers come back without delay: nothing that failed before a partition says
        // anything about the time after it.
        if peers[index].connections.isEmpty, peers[index].isReserved { peers[index].retryAt = nil }
        peers[index].connections.append(connection)
        advance(index, now: now)
    }

    private mutating func disconnect(_ peer: PeerID, _ connection: ConnectionID, now: Instant) {
        guard let index = index(of: peer) else { return }
        peers[index].connections.removeAll { $0 == connection }
        let lost = peers[index].substreams(of: connection)
        if !lost.isEmpty { fail(index, .disconnected, lost: lost, now: now) }
        advance(index, now: now)
        forgetIfIdle(index)
    }

    private mutating func want(_ peer: PeerID, isReserved: Bool, now: Instant) {
        guard let index = add(peer, now: now) else {
            effects.append(.openFailed(peer, .tooManyPeers))
            return
        }
        peers[index].isWanted = true
        peers[index].isReserved = isReserved
        advance(index, now: now)
    }

    private mutating func unwant(_ peer: PeerID, now: Instant) {
        guard let index = index(of: peer) else { return }
        peers[index].isWanted = false
        peers[index].isReserved = false
        fail(index, .closedHere, now: now)
        forgetIfIdle(index)
    }
}
