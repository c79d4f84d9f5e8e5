import LibP2P
import LibP2PConformance
import Primitives
import Testing

/// Noise with something wrong: the checks have to find it.
struct FaultyNoise: SecurityImplementation {
    enum Fault: String, Sendable, CaseIterable {
        case takesAnybody, speaksInTheClear, wantsWholeMessages, believesAtOnce, endsQuietly
        case cutsLongMessages, swallowsErrors, addsToTheHandshake

        /// The check that finds it.
        var check: SecurityCheck {
            switch self {
            case .takesAnybody: .unexpectedPeer
            case .speaksInTheClear: .secrecy
            case .wantsWholeMessages: .splits
            case .believesAtOnce: .garbage
            case .endsQuietly: .truncations
            case .cutsLongMessages: .longMessages
            case .swallowsErrors: .records
            case .addsToTheHandshake: .alterations
            }
        }
    }

    struct Endpoint: SecurityEndpoint {
        let fault: Fault
        let believed: PeerID
        var noise: NoiseEndpoint
        var clear: [UInt8] = []

        var remotePeer: PeerID? {
            noise.remotePeer ?? (fault == .believesAtOnce ? believed : nil)
        }

        mutating func receive(_ bytes: [UInt8]) throws -> [UInt8] {
            if fault == .wantsWholeMessages, bytes.count == 1 { throw NoiseError.endOfStream }
            if fault == .speaksInTheClear, noise.remotePeer != nil { return bytes }
            // What it skips nobody authenticates.
            if fault == .addsToTheHandshake, noise.remotePeer != nil {
                return try noise.receive(Array(bytes.dropLast()))
            }
            do { return try noise.receive(bytes) } catch  where fault == .swallowsErrors {
                return []
            }
        }

        mutating func receiveEndOfStream() throws {
            if fault != .endsQuietly { try noise.receiveEndOfStream() }
        }

        mutating func send(_ plaintext: [UInt8]) throws {
            switch fault {
            case .speaksInTheClear: clear += plaintext
            case .cutsLongMessages: try noise.send(Array(plaintext.prefix(65_519)))
            case .addsToTheHandshake:
                try noise.send(plaintext)
                clear = [0]
            default: try noise.send(plaintext)
            }
        }

        mutating func nextOutput() -> [UInt8] {
            defer { clear = [] }
            return noise.nextOutput() + clear
        }
    }

    let fault: Fault
    var name: String { fault.rawValue }

    func makeEndpoint(
        role: ConnectionRole, identity: NodeIdentity, expectedPeer: PeerID?,
        using generator: inout SeededGenerator
    ) -> Endpoint {
        Endpoint(
            fault: fault, believed: identity.peerID,
            noise: Noise(security: .noise).makeEndpoint(
                role: role, identity: identity,
                expectedPeer: fault == .takesAnybody ? nil : expectedPeer, using: &generator))
    }
}

/// Yamux with something wrong: the checks have to find it.
struct FaultyYamux: MuxerImplementation {
    enum Fault: String, Sendable, CaseIterable {
        case losesEnds, finishesBothWays, ignoresReset, consumesAtOnce, mixesLongData
        case losesSingleBytes, takesAnyStreams, endsQuietly, neverStops

        /// The check that finds it.
        var check: MuxerCheck {
            switch self {
            case .losesEnds: .exchange
            case .finishesBothWays: .halfClose
            case .ignoresReset: .reset
            case .consumesAtOnce: .backPressure
            case .mixesLongData: .concurrentStreams
            case .losesSingleBytes: .splits
            case .takesAnyStreams: .streamLimit
            case .endsQuietly: .close
            case .neverStops: .hostileBytes
            }
        }
    }

    struct Endpoint: MuxerEndpoint {
        let fault: Fault
        var yamux: YamuxEndpoint

        var isClosed: Bool { yamux.isClosed }

        mutating func openStream() throws -> YamuxStreamID { try yamux.openStream() }

        mutating func write(_ bytes: ArraySlice<UInt8>, to id: YamuxStreamID) throws -> Int {
            try yamux.write(bytes, to: id)
        }

        mutating func consumed(_ byteCount: Int, of id: YamuxStreamID) {
            if fault != .consumesAtOnce { yamux.consumed(byteCount, of: id) }
        }

        mutating func finish(_ id: YamuxStreamID) { yamux.finish(id) }

        mutating func reset(_ id: YamuxStreamID) {
            if fault != .ignoresReset { yamux.reset(id) }
        }

        mutating func close() { yamux.close() }

        mutating func receive(_ bytes: [UInt8]) {
            if fault != .losesSingleBytes || bytes.count != 1 { yamux.receive(bytes) }
        }

        mutating func nextEvent() -> MuxerEvent<YamuxStreamID>? {
            switch (yamux.nextEvent(), fault) {
            case (.finished?, .losesEnds), (.sessionEnded?, .endsQuietly): return nextEvent()
            case (.finished(let id)?, .finishesBothWays):
                yamux.finish(id)
                return .finished(id)
            case (.data(let id, let bytes)?, .consumesAtOnce):
                yamux.consumed(bytes.count, of: id)
                return .data(id, bytes)
            case (.data(let id, let bytes)?, .mixesLongData) where bytes.count > 2_000:
                return .data(id, bytes.reversed())
            case (let event, _): return event
            }
        }

        mutating func nextOutput(atMost limit: Int) -> [UInt8] {
            let output = yamux.nextOutput(atMost: limit)
            guard output.isEmpty, fault == .neverStops, isClosed else { return output }
            return [UInt8](repeating: 0, count: 1_024)
        }
    }

    let fault: Fault
    var name: String { fault.rawValue }
    let maximumInboundStreams = 16
    let windowByteCount = Int(YamuxLimits.windowByteCount)

    func makeEndpoint(role: ConnectionRole) -> Endpoint {
        var limits = YamuxLimits()
        limits.maximumInboundStreams = fault == .takesAnyStreams ? 64 : maximumInboundStreams
        return Endpoint(
            fault: fault,
            yamux: YamuxEndpoint(
                YamuxSession(
                    role: role == .dialer ? .client : .server, limits: limits, now: .zero)))
    }
}

@Suite("The checks of conformance find what is wrong")
struct ConformanceFaultTests {
    @Test("with a security protocol", arguments: FaultyNoise.Fault.allCases)
    func security(fault: FaultyNoise.Fault) throws {
        let failure = #expect(throws: ConformanceFailure.self) {
            try SecurityConformance(FaultyNoise(fault: fault)).run(fault.check, seed: 1)
        }
        #expect(failure?.implementation == fault.rawValue)
        #expect(failure?.check == fault.check.rawValue)
        #expect(failure?.description.contains("(seed 1)") == true)
    }

    @Test("with a multiplexer", arguments: FaultyYamux.Fault.allCases)
    func muxer(fault: FaultyYamux.Fault) throws {
        let failure = #expect(throws: ConformanceFailure.self) {
            try MuxerConformance(FaultyYamux(fault: fault)).run(fault.check, seed: 1)
        }
        #expect(failure?.implementation == fault.rawValue)
        #expect(failure?.check == fault.check.rawValue)
    }
}
