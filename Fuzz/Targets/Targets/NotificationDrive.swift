import LibP2P
import Primitives

/// The keeper of one protocol's notification streams, with two peers that do as the script says.
struct NotificationDrive {
    private var streams = NotificationStreams(handshake: [7], seed: 1)
    private let peers: [PeerID]
    private var now = Instant.zero
    /// Substreams as they were named, in order of their appearance.
    private var substreams: [NotificationSubstreamID] = []
    private var nextInbound: UInt64 = 0
    /// Streams that are open by what was reported.
    private var open: Set<PeerID> = []
    /// Whether the machine ever asked whether a peer is welcome.
    private(set) var wasAsked = false

    init() throws(FuzzFinding) {
        do {
            peers = try [UInt8(1), 2].map { seed in
                guard let identity = NodeIdentity(seed: [UInt8](repeating: seed, count: 32)) else {
                    throw FuzzFinding("32 bytes are no seed")
                }
                return identity.peerID
            }
        } catch {
            throw FuzzFinding("no peers: \(error)")
        }
    }

    private func substream(_ operand: UInt8) -> NotificationSubstreamID {
        substreams.isEmpty ? .outbound(99) : substreams[Int(operand >> 1) % substreams.count]
    }

    mutating func perform(_ step: Script.Step) throws(FuzzFinding) {
        let peer = peers[Int(step.operand & 1)]
        let substream = substream(step.operand)
        switch step.operation % 11 {
        case 0: try tell(.connected(peer, ConnectionID(UInt64(step.operand >> 1 & 3))))
        case 1: try tell(.disconnected(peer, ConnectionID(UInt64(step.operand >> 1 & 3))))
        case 2: try tell(.open(peer, isReserved: step.operand & 2 != 0))
        case 3: try tell(.close(peer))
        case 4:
            nextInbound += 1
            substreams.append(.inbound(nextInbound))
            try tell(
                .inboundOpened(
                    peer, ConnectionID(UInt64(step.operand >> 1 & 3)), .inbound(nextInbound)))
        case 5: try tell(.outboundOpened(peer, substream))
        case 6: try tell(.handshake(peer, substream, step.payload))
        case 7:
            let ends: [NotificationStreams.SubstreamEnd] = [.ended, .unsupported, .violation]
            try tell(.substreamEnded(peer, substream, ends[Int(step.operand) % 3]))
        case 8: try tell(.accept(peer, substream))
        case 9: try tell(.refuse(peer, substream))
        default:
            now = now + .milliseconds(Int64(step.operand) * 100)
            try tell(.timer)
        }
        if substreams.count > 64 { substreams.removeFirst(32) }
    }

    private mutating func tell(_ input: NotificationStreams.Input) throws(FuzzFinding) {
        for effect in streams.handle(input, now: now) {
            switch effect {
            case .openSubstream(_, _, let id): substreams.append(id)
            case .sendHandshake(_, _, let bytes):
                try Properties.require(
                    bytes.count <= NotificationLimits.maximumHandshakeByteCount + 2, "handshake")
            case .validate: wasAsked = true
            case .opened(let peer, _, _, _):
                try Properties.require(open.insert(peer).inserted, "opened twice: \(peer)")
            case .closed(let peer, _):
                try Properties.require(open.remove(peer) != nil, "closed and not open: \(peer)")
            case .setTimer(let at):
                try Properties.require(
                    at + .seconds(60) >= now, "a timer of long ago: \(at) at \(now)")
            case .closeSubstream, .resetSubstream, .openFailed: break
            }
        }
        try Properties.require(
            Set(streams.openPeers) == open, "open: \(streams.openPeers), reported: \(open)")
        try Properties.require(streams.peerCount <= peers.count, "\(streams.peerCount) peers")
    }
}
