import Foundation
import Glibc
import Synchronization
import Testnet

/// The relays of a test network, all on one thread: each passes on what it reads, after its delay,
/// and nothing while it is blocked. A connection that begins meanwhile waits.
final class RelayLoop: Sendable {
    /// What the launcher wants of one relay.
    struct Setting: Sendable, Equatable {
        var isBlocked = false
        var delayMilliseconds: UInt64 = 0
    }

    private let settings: Mutex<[Setting]>
    private let wake: (reading: Int32, writing: Int32)

    /// Begins to relay.
    ///
    /// - Parameter relays: the listening sockets, and the ports that they lead to.
    init(_ relays: [(listener: Int32, target: UInt16)]) throws(LaunchError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw .noPort(why: String(cString: strerror(errno)))
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        wake = (ends[0], ends[1])
        settings = Mutex(Array(repeating: Setting(), count: relays.count))
        Thread.detachNewThread { [self] in
            var relaying = Relaying(relays, wake: wake.reading)
            while true { relaying.turn(settings.withLock { $0 }) }
        }
    }

    /// Changes what relays do, from now on.
    func set(_ change: (inout [Setting]) -> Void) {
        settings.withLock { change(&$0) }
        var byte: UInt8 = 0
        _ = write(wake.writing, &byte, 1)
    }
}

/// The state of the relays' thread.
private struct Relaying {
    private let relays: [(listener: Int32, target: UInt16)]
    private let wake: Int32
    private var links: [Link] = []

    /// One relayed connection: the dialler's socket and, once it is made, the target's.
    private struct Link {
        let relay: Int
        var sockets: [Int32]
        /// What goes to the target, and what goes to the dialler.
        var queues = [RelayQueue(), RelayQueue()]
        var isOver = false
        /// Whether a direction's end was passed on.
        var hasEnded = [false, false]
    }

    init(_ relays: [(listener: Int32, target: UInt16)], wake: Int32) {
        self.relays = relays
        self.wake = wake
    }

    /// Waits for something to happen and does what there is to do.
    mutating func turn(_ settings: [RelayLoop.Setting]) {
        var now = monotonicMilliseconds()
        var waits: Int32 = 1_000
        var polled = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        polled += relays.map { pollfd(fd: $0.listener, events: Int16(POLLIN), revents: 0) }
        for link in links {
            let isBlocked = settings[link.relay].isBlocked
            for side in link.sockets.indices {
                // Side 0 fills queue 0 and is filled by queue 1.
                var events: Int16 = link.queues[side].hasRoom ? Int16(POLLIN) : 0
                if let due = link.queues[1 - side].due, !isBlocked {
                    if due <= now {
                        events |= Int16(POLLOUT)
                    } else {
                        waits = min(waits, Int32(clamping: due - now))
                    }
                }
                // A socket with nothing to wait for is not polled: its hang-up would be told
                // over and over.
                polled.append(
                    pollfd(fd: events == 0 ? -1 : link.sockets[side], events: events, revents: 0))
            }
        }
        guard poll(&polled, nfds_t(polled.count), waits) >= 0 else { return }
        now = monotonicMilliseconds()
        if polled[0].revents != 0 { drainWake() }
        var place = 1 + relays.count
        for index in links.indices {
            for side in links[index].sockets.indices {
                let events = Int32(polled[place].revents)
                place += 1
                if events & (POLLIN | POLLHUP | POLLERR) != 0,
                    links[index].queues[side].hasRoom
                {
                    read(index, side, settings[links[index].relay], now)
                }
            }
        }
        for (relay, entry) in relays.enumerated() where polled[1 + relay].revents != 0 {
            while let socket = LoopbackSocket.accept(entry.listener) {
                links.append(Link(relay: relay, sockets: [socket]))
            }
        }
        for index in links.indices { advance(index, settings[links[index].relay], now) }
        for link in links where link.isOver { for socket in link.sockets { close(socket) } }
        links.removeAll(where: \.isOver)
    }

    private func drainWake() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while Glibc.read(wake, &bytes, bytes.count) > 0 {}
    }

    private mutating func read(
        _ index: Int, _ side: Int, _ setting: RelayLoop.Setting, _ now: UInt64
    ) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(links[index].sockets[side], &buffer, buffer.count, 0)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        let piece: RelayQueue.Piece = count > 0 ? .bytes(Array(buffer[..<count])) : .end
        links[index].queues[side].append(piece, due: now + setting.delayMilliseconds)
    }

    /// Passes on what is due, and makes the connection to the target if there is none.
    private mutating func advance(_ index: Int, _ setting: RelayLoop.Setting, _ now: UInt64) {
        guard !setting.isBlocked else { return }
        if links[index].sockets.count == 1 {
            guard let socket = LoopbackSocket.connect(port: relays[links[index].relay].target)
            else {
                links[index].isOver = true
                return
            }
            links[index].sockets.append(socket)
        }
        for side in 0..<2 {
            while let piece = links[index].queues[side].first(now: now) {
                guard pass(piece, index, from: side) else { break }
            }
        }
        if links[index].hasEnded == [true, true] { links[index].isOver = true }
    }

    /// Whether there may be more to pass on.
    private mutating func pass(
        _ piece: RelayQueue.Piece, _ index: Int, from side: Int
    ) -> Bool {
        let socket = links[index].sockets[1 - side]
        switch piece {
        case .end:
            shutdown(socket, Int32(SHUT_WR))
            links[index].hasEnded[side] = true
            links[index].queues[side].passed(0)
            return false
        case .bytes(let bytes):
            let count = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            if count < 0 {
                // Not connected yet, or no room: poll tells when there is.
                if errno != EAGAIN && errno != EINTR && errno != ENOTCONN {
                    links[index].isOver = true
                }
                return false
            }
            links[index].queues[side].passed(count)
            return count == bytes.count
        }
    }
}
