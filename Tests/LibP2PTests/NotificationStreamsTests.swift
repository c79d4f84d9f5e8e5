import LibP2P
import Primitives
import Testing

typealias NotificationEffect = NotificationStreams.Effect
typealias NotificationInput = NotificationStreams.Input

/// Peers `a` to `d`, connections and substreams of the transcripts below.
enum Cast {
    static let a = peer("a")
    static let b = peer("b")
    static let c = peer("c")
    static let one = ConnectionID(1)
    static let two = ConnectionID(2)

    static func peer(_ letter: Character) -> PeerID {
        guard let byte = letter.asciiValue, let id = try? PeerID(bytes: [0, 1, byte]) else {
            preconditionFailure("a letter makes a peer id")
        }
        return id
    }

    static func ours(_ number: UInt64) -> NotificationSubstreamID { .outbound(number) }
    static func theirs(_ number: UInt64) -> NotificationSubstreamID { .inbound(number) }
}

extension NotificationStreams {
    static func greeting(_ bytes: [UInt8] = [42]) -> NotificationStreams {
        NotificationStreams(handshake: bytes, seed: 1)
    }

    mutating func handle(_ input: Input, at milliseconds: UInt64 = 0) -> [Effect] {
        handle(input, now: .milliseconds(milliseconds))
    }

    /// Brings peer `a` to an open stream on connection 1: substreams ours 0 and theirs 0.
    mutating func open(isReserved: Bool = false) {
        for input in [
            .connected(Cast.a, Cast.one), .open(Cast.a, isReserved: isReserved),
            .outboundOpened(Cast.a, Cast.ours(0)), .handshake(Cast.a, Cast.ours(0), [7]),
            .inboundOpened(Cast.a, Cast.one, Cast.theirs(0)),
            .handshake(Cast.a, Cast.theirs(0), [8]), .accept(Cast.a, Cast.theirs(0)),
        ] as [Input] { _ = handle(input) }
    }
}

extension [NotificationEffect] {
    var withoutTimer: [NotificationEffect] {
        filter { if case .setTimer = $0 { false } else { true } }
    }
    var timer: Instant? {
        for case .setTimer(let time) in reversed() { return time }
        return nil
    }
}

@Suite("Notification streams")
struct NotificationStreamsTests {
    let a = Cast.a
    let one = Cast.one
    let two = Cast.two
    let ours0 = Cast.ours(0)
    let ours1 = Cast.ours(1)
    let theirs0 = Cast.theirs(0)
    let theirs1 = Cast.theirs(1)

    @Test("This side opens: its substream, the peer's, open")
    func opening() {
        var machine = NotificationStreams.greeting()
        #expect(machine.handle(.open(a, isReserved: false)) == [])
        #expect(
            machine.handle(.connected(a, one)) == [
                .openSubstream(a, one, ours0), .setTimer(.milliseconds(10_000)),
            ])
        #expect(
            machine.handle(.outboundOpened(a, ours0), at: 20) == [
                .sendHandshake(a, ours0, [42]), .setTimer(.milliseconds(10_020)),
            ])
        #expect(
            machine.handle(.handshake(a, ours0, [7]), at: 40)
                == [.setTimer(.milliseconds(10_040))])
        #expect(machine.handle(.inboundOpened(a, one, theirs0), at: 50) == [])
        #expect(
            machine.handle(.handshake(a, theirs0, [8]), at: 60)
                == [.validate(a, theirs0, handshake: [8])])
        #expect(machine.openPeers == [])
        #expect(
            machine.handle(.accept(a, theirs0), at: 61) == [
                .sendHandshake(a, theirs0, [42]),
                .opened(a, handshake: [8], outbound: ours0, inbound: theirs0),
            ])
        #expect(machine.openPeers == [a])
        #expect(machine.handle(.timer, at: 10_040) == [])
    }

    @Test("The peer opens: the reverse substream follows at once")
    func answering() {
        var machine = NotificationStreams.greeting()
        #expect(machine.handle(.connected(a, one)) == [])
        #expect(
            machine.handle(.inboundOpened(a, one, theirs0))
                == [.setTimer(.milliseconds(10_000))])
        #expect(
            machine.handle(.handshake(a, theirs0, [8]), at: 5) == [
                .validate(a, theirs0, handshake: [8]), .setTimer(.milliseconds(10_005)),
            ])
        #expect(
            machine.handle(.accept(a, theirs0), at: 6) == [
                .sendHandshake(a, theirs0, [42]), .openSubstream(a, one, ours0),
                .setTimer(.milliseconds(10_006)),
            ])
        #expect(
            machine.handle(.outboundOpened(a, ours0), at: 7).withoutTimer == [
                .sendHandshake(a, ours0, [42])
            ])
        #expect(
            machine.handle(.handshake(a, ours0, [9]), at: 8) == [
                .opened(a, handshake: [8], outbound: ours0, inbound: theirs0)
            ])
    }

    @Test("Both open at once: the two substreams are the stream, no third is opened")
    func simultaneous() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.open(a, isReserved: false))
        _ = machine.handle(.inboundOpened(a, one, theirs0))
        #expect(
            machine.handle(.handshake(a, theirs0, [8])) == [
                .validate(a, theirs0, handshake: [8])
            ])
        #expect(machine.handle(.accept(a, theirs0)) == [.sendHandshake(a, theirs0, [42])])
        #expect(machine.handle(.outboundOpened(a, ours0)) == [.sendHandshake(a, ours0, [42])])
        #expect(
            machine.handle(.handshake(a, ours0, [8])) == [
                .opened(a, handshake: [8], outbound: ours0, inbound: theirs0)
            ])
    }

    @Test("A second substream of the peer's on the same connection is refused")
    func duplicate() {
        var machine = NotificationStreams.greeting()
        machine.open()
        #expect(machine.handle(.inboundOpened(a, one, theirs1)) == [.resetSubstream(a, theirs1)])
        #expect(machine.handle(.handshake(a, theirs1, [1])) == [])
        #expect(machine.handle(.substreamEnded(a, theirs1, .ended)) == [])
        #expect(machine.openPeers == [a])
    }

    @Test(
        "Losing either direction closes both; a wanted stream is opened again after five seconds",
        arguments: [true, false])
    func loss(isOurs: Bool) throws {
        var machine = NotificationStreams.greeting()
        machine.open()
        let (lost, other) = isOurs ? (ours0, theirs0) : (theirs0, ours0)
        let effects = machine.handle(.substreamEnded(a, lost, .ended), at: 100)
        #expect(
            effects.withoutTimer == [.closeSubstream(a, other), .closed(a, .closedByPeer)])
        let retry = try #require(effects.timer)
        #expect(retry >= .milliseconds(5_100) && retry <= .milliseconds(6_350))
        #expect(machine.openPeers == [])
        #expect(machine.handle(.substreamEnded(a, other, .ended), at: 101) == [])
        #expect(
            machine.handle(.timer, now: retry).withoutTimer == [.openSubstream(a, one, ours1)])
    }

    @Test("Reserved peers are tried again after half a second")
    func reserved() throws {
        var machine = NotificationStreams.greeting()
        machine.open(isReserved: true)
        let retry = try #require(
            machine.handle(.substreamEnded(a, ours0, .ended), at: 100).timer)
        #expect(retry >= .milliseconds(600) && retry <= .milliseconds(725))
    }

    @Test("Every failure in a row doubles the back-off up to its maximum; success starts anew")
    func backOff() throws {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        var effects = machine.handle(.open(a, isReserved: false))
        var now = Instant.zero
        for (attempt, seconds) in [5, 10, 20, 40, 60, 60, 60].enumerated() {
            let substream = Cast.ours(UInt64(attempt))
            #expect(effects.withoutTimer == [.openSubstream(a, one, substream)])
            effects = machine.handle(.substreamEnded(a, substream, .ended), now: now)
            #expect(effects.withoutTimer == [.openFailed(a, .closedByPeer)])
            let retry = try #require(effects.timer)
            let delay = Duration.seconds(seconds)
            #expect(retry - now >= delay && retry - now <= delay * 1.25)
            #expect(machine.handle(.open(a, isReserved: false), now: now) == [], "not sooner")
            now = retry
            effects = machine.handle(.timer, now: now)
        }
    }

    @Test("The jitter is the seed's, and differs between seeds")
    func jitter() {
        let timers = [UInt64(1), 1, 2].map { seed in
            var machine = NotificationStreams(handshake: [], seed: seed)
            machine.open()
            return machine.handle(.substreamEnded(a, ours0, .ended)).timer
        }
        #expect(timers[0] == timers[1] && timers[0] != timers[2])
    }

    @Test(
        "A peer without the protocol, or one that breaks it, waits the longest",
        arguments: [NotificationStreams.SubstreamEnd.unsupported, .violation])
    func hopeless(_ end: NotificationStreams.SubstreamEnd) throws {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.open(a, isReserved: false))
        let effects = machine.handle(.substreamEnded(a, ours0, end))
        #expect(
            effects.withoutTimer
                == [.openFailed(a, end == .violation ? .violation : .unsupported)])
        #expect(try #require(effects.timer) >= .milliseconds(60_000))
    }

    @Test("The peer may open during the back-off")
    func peerDuringBackOff() {
        var machine = NotificationStreams.greeting()
        machine.open()
        _ = machine.handle(.substreamEnded(a, ours0, .ended))
        _ = machine.handle(.inboundOpened(a, one, theirs1), at: 10)
        _ = machine.handle(.handshake(a, theirs1, [1]), at: 10)
        #expect(
            machine.handle(.accept(a, theirs1), at: 10).withoutTimer == [
                .sendHandshake(a, theirs1, [42]), .openSubstream(a, one, ours1),
            ])
    }

    @Test("A stream that only the peer wanted is not opened again")
    func unwantedLoss() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        for input in [
            .inboundOpened(a, one, theirs0), .handshake(a, theirs0, []), .accept(a, theirs0),
            .outboundOpened(a, ours0), .handshake(a, ours0, []),
        ] as [NotificationInput] { _ = machine.handle(input) }
        #expect(machine.openPeers == [a])
        #expect(
            machine.handle(.substreamEnded(a, theirs0, .ended)).withoutTimer
                == [.closeSubstream(a, ours0), .closed(a, .closedByPeer)])
        #expect(machine.handle(.timer, now: .distantFuture) == [])
    }

    @Test("Closing here ends both directions and is not tried again")
    func closing() {
        var machine = NotificationStreams.greeting()
        machine.open()
        #expect(
            machine.handle(.close(a)) == [
                .closeSubstream(a, ours0), .closeSubstream(a, theirs0), .closed(a, .closedHere),
            ])
        #expect(machine.handle(.timer, now: .distantFuture) == [])
        #expect(machine.handle(.close(a)) == [])
        #expect(machine.peerCount == 1)
        #expect(machine.handle(.disconnected(a, one)) == [])
        #expect(machine.peerCount == 0)
    }

    @Test("Closing while opening aborts without a report")
    func closingWhileOpening() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.open(a, isReserved: false))
        _ = machine.handle(.inboundOpened(a, one, theirs0))
        #expect(
            machine.handle(.close(a))
                == [.resetSubstream(a, ours0), .resetSubstream(a, theirs0)])
        #expect(machine.handle(.outboundOpened(a, ours0)) == [], "too late")
    }

    @Test("A peer that is not welcome is refused, and tried again late if it was wanted")
    func refusing() throws {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.inboundOpened(a, one, theirs0))
        _ = machine.handle(.handshake(a, theirs0, [1]))
        #expect(machine.handle(.refuse(a, theirs0)) == [.resetSubstream(a, theirs0)])
        #expect(machine.handle(.accept(a, theirs0)) == [])
        let effects = machine.handle(.open(a, isReserved: false))
        #expect(effects.withoutTimer == [])
        #expect(try #require(effects.timer) >= .milliseconds(60_000))
        var wanted = NotificationStreams.greeting()
        _ = wanted.handle(.connected(a, one))
        _ = wanted.handle(.open(a, isReserved: true))
        _ = wanted.handle(.inboundOpened(a, one, theirs0))
        _ = wanted.handle(.handshake(a, theirs0, [1]))
        #expect(
            wanted.handle(.refuse(a, theirs0)).withoutTimer == [
                .resetSubstream(a, ours0), .resetSubstream(a, theirs0),
                .openFailed(a, .refusedHere),
            ])
    }

    @Test("New handshakes are used from then on")
    func updatedHandshake() {
        var machine = NotificationStreams.greeting()
        machine.open()
        #expect(machine.handle(.setHandshake([43, 44])) == [])
        _ = machine.handle(.connected(Cast.b, two))
        _ = machine.handle(.open(Cast.b, isReserved: false))
        #expect(
            machine.handle(.outboundOpened(Cast.b, ours1))
                == [.sendHandshake(Cast.b, ours1, [43, 44])])
    }
}
