internal import LibP2P
internal import Primitives
internal import Synchronization

/// Which number stands for which peer: the pure modules know peers by `PeerHandle` only.
///
/// A handle is never reused while the process lives. Peers that have no open stream are forgotten,
/// oldest first, when there are more than `limit` of them; they get a new handle when they return.
final class PeerDirectory: Sendable {
    private struct State {
        var handles: [PeerID: PeerHandle] = [:]
        var peers: [PeerHandle: PeerID] = [:]
        var openStreams: [PeerHandle: Int] = [:]
        /// Peers without open streams, the one that left first in front.
        var idle: [PeerHandle] = []
        var next: UInt64 = 1
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int = 4_096) { self.limit = limit }

    /// The peer's handle, made on first use.
    func handle(of peer: PeerID) -> PeerHandle {
        state.withLock { state in
            if let handle = state.handles[peer] { return handle }
            let handle = PeerHandle(state.next)
            state.next += 1
            state.handles[peer] = handle
            state.peers[handle] = peer
            state.idle.append(handle)
            while state.idle.count > limit {
                let forgotten = state.idle.removeFirst()
                if let peer = state.peers.removeValue(forKey: forgotten) {
                    state.handles[peer] = nil
                }
            }
            return handle
        }
    }

    /// The handle of a peer that has one: names on messages are free, so they get none.
    func knownHandle(of peer: PeerID) -> PeerHandle? { state.withLock { $0.handles[peer] } }

    /// The peer that a handle stands for; nil when it was forgotten.
    func peer(of handle: PeerHandle) -> PeerID? { state.withLock { $0.peers[handle] } }

    /// The peers that handles stand for, in the same order, forgotten ones left out.
    func peers(of handles: [PeerHandle]) -> [PeerID] {
        state.withLock { state in handles.compactMap { state.peers[$0] } }
    }

    /// A stream to the peer opened: it is not forgotten while one is open.
    func streamOpened(_ handle: PeerHandle) {
        state.withLock { state in
            state.openStreams[handle, default: 0] += 1
            state.idle.removeAll { $0 == handle }
        }
    }

    /// A stream to the peer is gone.
    func streamClosed(_ handle: PeerHandle) {
        state.withLock { state in
            guard let count = state.openStreams[handle] else { return }
            if count > 1 {
                state.openStreams[handle] = count - 1
            } else {
                state.openStreams[handle] = nil
                state.idle.append(handle)
            }
        }
    }
}
