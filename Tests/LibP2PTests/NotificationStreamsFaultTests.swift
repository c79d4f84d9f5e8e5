import LibP2P
import Primitives
import Testing

@Suite("Notification streams and faults")
struct NotificationStreamsFaultTests {
    let a = Cast.a
    let b = Cast.b
    let one = Cast.one
    let two = Cast.two
    let ours0 = Cast.ours(0)
    let ours1 = Cast.ours(1)
    let theirs0 = Cast.theirs(0)
    let theirs1 = Cast.theirs(1)

    @Test("Each step of our substream has ten seconds")
    func outboundTimeouts() {
        for steps in 0...2 {
            var machine = NotificationStreams.greeting()
            _ = machine.handle(.connected(a, one))
            _ = machine.handle(.open(a, isReserved: false))
            let inputs =
                [.outboundOpened(a, ours0), .handshake(a, ours0, [])] as [NotificationInput]
            for input in inputs.prefix(steps) { _ = machine.handle(input, at: 100) }
            let start: UInt64 = steps == 0 ? 0 : 100
            #expect(machine.handle(.timer, at: start + 9_999).withoutTimer == [])
            let effects = machine.handle(.timer, at: start + 10_000).withoutTimer
            let end: NotificationEffect =
                steps == 2 ? .closeSubstream(a, ours0) : .resetSubstream(a, ours0)
            #expect(effects == [end, .openFailed(a, .timedOut)], "after \(steps) steps")
        }
    }

    @Test("A peer's substream without handshake, or without our user's word, is dropped")
    func inboundTimeouts() {
        for steps in 0...1 {
            var machine = NotificationStreams.greeting()
            _ = machine.handle(.connected(a, one))
            _ = machine.handle(.inboundOpened(a, one, theirs0))
            if steps == 1 { _ = machine.handle(.handshake(a, theirs0, [])) }
            #expect(machine.handle(.timer, at: 10_000) == [.resetSubstream(a, theirs0)])
            #expect(machine.handle(.accept(a, theirs0), at: 10_001) == [])
        }
    }

    @Test("A timer that comes early asks for the time that is left")
    func earlyTimer() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.open(a, isReserved: false))
        #expect(machine.handle(.timer, at: 4_000) == [.setTimer(.milliseconds(10_000))])
    }

    @Test("The reverse substream that does not come fails the attempt on the accepting side too")
    func noReverse() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.inboundOpened(a, one, theirs0))
        _ = machine.handle(.handshake(a, theirs0, []))
        _ = machine.handle(.accept(a, theirs0))
        #expect(
            machine.handle(.substreamEnded(a, ours0, .ended)).withoutTimer
                == [.closeSubstream(a, theirs0), .openFailed(a, .closedByPeer)])
    }

    @Test("Our refused substream does not take the peer's unanswered one with it")
    func crossedRefusal() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.open(a, isReserved: false))
        _ = machine.handle(.inboundOpened(a, one, theirs0))
        #expect(
            machine.handle(.substreamEnded(a, ours0, .ended)).withoutTimer
                == [.openFailed(a, .closedByPeer)])
        _ = machine.handle(.handshake(a, theirs0, [8]))
        #expect(
            machine.handle(.accept(a, theirs0)).withoutTimer
                == [.sendHandshake(a, theirs0, [42]), .openSubstream(a, one, ours1)])
    }

    @Test("A lost connection closes the stream at once, and the next one opens it at once")
    func reconnection() {
        var machine = NotificationStreams.greeting()
        machine.open()
        #expect(machine.handle(.disconnected(a, one), at: 50) == [.closed(a, .disconnected)])
        #expect(
            machine.handle(.connected(a, two), at: 60).withoutTimer
                == [.openSubstream(a, two, ours1)])
    }

    @Test(
        "A new connection ends the back-off of a reserved peer, not of others",
        arguments: [true, false])
    func backOffAcrossConnections(isReserved: Bool) {
        var machine = NotificationStreams.greeting()
        machine.open(isReserved: isReserved)
        _ = machine.handle(.substreamEnded(a, ours0, .ended), at: 10)
        #expect(machine.handle(.disconnected(a, one), at: 20) == [])
        let effects = machine.handle(.connected(a, two), at: 30).withoutTimer
        #expect(effects == (isReserved ? [.openSubstream(a, two, ours1)] : []))
    }

    @Test("A stream moves to the connection that is left")
    func replacedConnection() {
        var machine = NotificationStreams.greeting()
        machine.open()
        #expect(machine.handle(.connected(a, two)) == [])
        #expect(
            machine.handle(.disconnected(a, one)).withoutTimer
                == [.closed(a, .disconnected), .openSubstream(a, two, ours1)])
        var other = NotificationStreams.greeting()
        other.open()
        _ = other.handle(.connected(a, two))
        #expect(other.handle(.disconnected(a, two)) == [], "it was not in use")
        #expect(other.openPeers == [a])
    }

    @Test("Substreams on two connections make a stream, and losing one connection ends both")
    func mixedConnections() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        _ = machine.handle(.open(a, isReserved: false))
        _ = machine.handle(.connected(a, two))
        for input in [
            .outboundOpened(a, ours0), .handshake(a, ours0, []), .inboundOpened(a, two, theirs0),
            .handshake(a, theirs0, []), .accept(a, theirs0),
        ] as [NotificationInput] { _ = machine.handle(input) }
        #expect(machine.openPeers == [a])
        #expect(
            machine.handle(.disconnected(a, two)).withoutTimer == [
                .closeSubstream(a, ours0), .closed(a, .disconnected),
                .openSubstream(a, one, ours1),
            ])
    }

    @Test("A peer that opens on another connection has lost what it had on the first")
    func restartedPeer() {
        var machine = NotificationStreams.greeting()
        machine.open()
        _ = machine.handle(.connected(a, two))
        #expect(
            machine.handle(.inboundOpened(a, two, theirs1), at: 500).withoutTimer == [
                .closeSubstream(a, ours0), .closeSubstream(a, theirs0),
                .closed(a, .disconnected), .openSubstream(a, two, ours1),
            ])
        _ = machine.handle(.handshake(a, theirs1, [5]), at: 501)
        _ = machine.handle(.outboundOpened(a, ours1), at: 501)
        _ = machine.handle(.handshake(a, ours1, [6]), at: 502)
        #expect(
            machine.handle(.accept(a, theirs1), at: 503).withoutTimer == [
                .sendHandshake(a, theirs1, [42]),
                .opened(a, handshake: [5], outbound: ours1, inbound: theirs1),
            ])
        #expect(machine.handle(.disconnected(a, one), at: 3_000) == [])
    }

    @Test("Substreams of unknown peers and connections are refused")
    func strangers() {
        var machine = NotificationStreams.greeting()
        #expect(machine.handle(.inboundOpened(a, one, theirs0)) == [.resetSubstream(a, theirs0)])
        _ = machine.handle(.connected(a, one))
        #expect(machine.handle(.inboundOpened(a, two, theirs0)) == [.resetSubstream(a, theirs0)])
        #expect(machine.handle(.inboundOpened(b, one, theirs0)) == [.resetSubstream(b, theirs0)])
    }

    @Test("Inputs about substreams that are none change nothing")
    func unknownSubstreams() {
        var machine = NotificationStreams.greeting()
        machine.open()
        for peer in [a, b] {
            for substream in [ours1, theirs1] {
                for input in [
                    .outboundOpened(peer, substream), .handshake(peer, substream, [1]),
                    .substreamEnded(peer, substream, .violation), .accept(peer, substream),
                    .refuse(peer, substream), .disconnected(peer, two),
                ] as [NotificationInput] { #expect(machine.handle(input) == []) }
            }
        }
        #expect(machine.openPeers == [a])
    }

    @Test("A peer that opens substreams without end is held to a rate")
    func churn() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(a, one))
        for number in 0..<20 as Range<UInt64> {
            let substream = Cast.theirs(number)
            let effects = machine.handle(.inboundOpened(a, one, substream))
            #expect(effects.contains(.resetSubstream(a, substream)) == (number >= 8))
            _ = machine.handle(.substreamEnded(a, substream, .ended))
        }
        #expect(machine.handle(.inboundOpened(a, one, theirs0), at: 1_000).withoutTimer == [])
    }

    @Test("Peers and connections are bounded, and forgotten when nothing is left of them")
    func bounds() {
        var configuration = NotificationConfiguration()
        configuration.maximumPeers = 2
        configuration.maximumConnectionsPerPeer = 1
        var machine = NotificationStreams(handshake: [], configuration: configuration, seed: 1)
        _ = machine.handle(.connected(Cast.c, one))
        _ = machine.handle(.open(a, isReserved: true))
        #expect(machine.handle(.open(b, isReserved: true)) == [.openFailed(b, .tooManyPeers)])
        #expect(machine.handle(.connected(b, two)) == [])
        #expect(machine.handle(.inboundOpened(b, two, theirs0)) == [.resetSubstream(b, theirs0)])
        #expect(machine.handle(.connected(Cast.c, two)) == [])
        _ = machine.handle(.disconnected(Cast.c, one))
        #expect(machine.peerCount == 1, "the second connection was above the limit")
        _ = machine.handle(.close(a))
        #expect(machine.peerCount == 0)
    }

    @Test("The earliest of all peers' times is asked for")
    func timerOrder() {
        var machine = NotificationStreams.greeting()
        _ = machine.handle(.connected(b, one), at: 0)
        _ = machine.handle(.connected(a, two), at: 0)
        #expect(
            machine.handle(.open(b, isReserved: false), at: 0).timer == .milliseconds(10_000))
        #expect(machine.handle(.open(a, isReserved: false), at: 100).timer == nil)
        #expect(
            machine.handle(.timer, at: 10_000).withoutTimer == [
                .resetSubstream(b, ours0), .openFailed(b, .timedOut),
            ])
        #expect(
            machine.handle(.timer, at: 10_100).withoutTimer == [
                .resetSubstream(a, ours1), .openFailed(a, .timedOut),
            ])
    }
}
