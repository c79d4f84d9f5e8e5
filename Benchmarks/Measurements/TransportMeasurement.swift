import LibP2P
import Primitives
import TestSupport

/// The pure machines of the transport, both ends in one thread, without sockets.
struct TransportFigures: Codable {
    /// A whole Noise XX handshake, both sides. Microseconds.
    let noiseHandshake: Distribution
    /// Records of 65,519 bytes of plaintext. Megabytes per second, median of the repetitions.
    let sealMegabytesPerSecond: Double
    let openMegabytesPerSecond: Double
    /// Records with one vote of 1,430 bytes each.
    let sealVotesPerSecond: Double
    let openVotesPerSecond: Double
    /// One stream from one session to the other, credit returned at once.
    let yamuxMegabytesPerSecond: Double

    static func measure(isQuick: Bool) throws -> TransportFigures {
        var random = SeededGenerator(seed: 1)
        let repetitions = isQuick ? 3 : 9
        let handshakes = try (0..<(isQuick ? 50 : 500)).map { _ in
            try handshake(using: &random)
        }
        let bulk = try (0..<repetitions).map { _ in
            try channel(recordByteCount: SecuredChannel.maximumPlaintextByteCount, count: 256)
        }
        let votes = try (0..<repetitions).map { _ in
            try channel(recordByteCount: 1_430, count: 4_000)
        }
        let streams = try (0..<repetitions).map { _ in try yamux(byteCount: 32 << 20) }
        let byteCount = Double(SecuredChannel.maximumPlaintextByteCount * 256)
        return TransportFigures(
            noiseHandshake: try Distribution(handshakes, of: "handshake"),
            sealMegabytesPerSecond: byteCount / (try median(bulk.map(\.sealing))),
            openMegabytesPerSecond: byteCount / (try median(bulk.map(\.opening))),
            sealVotesPerSecond: 4_000 * 1e6 / (try median(votes.map(\.sealing))),
            openVotesPerSecond: 4_000 * 1e6 / (try median(votes.map(\.opening))),
            yamuxMegabytesPerSecond: Double(32 << 20) / (try median(streams)))
    }

    private static func median(_ values: [Double]) throws -> Double {
        try Distribution(values, of: "transport").p50
    }

    /// Microseconds of one handshake. Identities are made before, ephemeral keys within.
    private static func handshake(using random: inout SeededGenerator) throws -> Double {
        let ends = try [ConnectionRole.dialer, .listener].map { role in
            let seed = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
            guard let identity = NodeIdentity(seed: seed) else {
                throw MeasurementFailure("32 bytes are a key")
            }
            let key = NoisePrivateKey(using: &random)
            return (role, NoiseCredentials(identity: identity, staticKey: key))
        }
        let (time, isDone) = MachineClock.time {
            var handshakes = ends.map { role, credentials in
                NoiseHandshake(
                    role: role, credentials: credentials,
                    ephemeralKey: NoisePrivateKey(using: &random))
            }
            var isMoving = true
            while isMoving {
                isMoving = false
                for (sender, receiver) in [(0, 1), (1, 0)] {
                    guard let bytes = handshakes[sender].nextOutput() else { continue }
                    handshakes[receiver].receive(bytes)
                    isMoving = true
                }
            }
            return handshakes.allSatisfy {
                if case .established = $0.outcome { true } else { false }
            }
        }
        guard isDone else { throw MeasurementFailure("the Noise handshake failed") }
        return time
    }

    /// Microseconds for sealing and for opening so many records.
    private static func channel(
        recordByteCount: Int, count: Int
    ) throws -> (sealing: Double, opening: Double) {
        let keys = [[UInt8](repeating: 5, count: 32), [UInt8](repeating: 6, count: 32)]
        var sender = SecuredChannel(sendingKey: keys[0], receivingKey: keys[1])
        var receiver = SecuredChannel(sendingKey: keys[1], receivingKey: keys[0])
        let plaintext = [UInt8](repeating: 7, count: recordByteCount)
        var records = [[UInt8]](repeating: [], count: count)
        let (sealing, _) = try MachineClock.time {
            for number in 0..<count { try sender.seal(plaintext, into: &records[number]) }
        }
        let (opening, byteCount) = try MachineClock.time {
            var byteCount = 0
            for record in records { byteCount += try receiver.open(record).count }
            return byteCount
        }
        guard byteCount == recordByteCount * count else {
            throw MeasurementFailure("the channel lost bytes")
        }
        return (sealing, opening)
    }

    /// Microseconds for so many bytes through two sessions.
    private static func yamux(byteCount: Int) throws -> Double {
        var client = YamuxSession(role: .client, now: .zero)
        var server = YamuxSession(role: .server, now: .zero)
        let piece = [UInt8](repeating: 9, count: 32_768)
        let stream = try client.openStream()
        let (time, received) = try MachineClock.time {
            var (sent, received) = (0, 0)
            // Time goes on, or the limits on frames per second would be met.
            var now = Instant.zero
            while received < byteCount {
                now = now + .milliseconds(1)
                if sent < byteCount { sent += try client.write(stream, piece) }
                server.receive(pull(&client), now: now)
                while let event = server.nextEvent() {
                    guard case .data(let id, let bytes) = event else { continue }
                    received += bytes.count
                    server.consumed(id, bytes.count)
                }
                client.receive(pull(&server), now: now)
                while let event = client.nextEvent() {
                    if case .protocolError(let violation) = event { throw violation }
                }
            }
            return received
        }
        guard received >= byteCount else { throw MeasurementFailure("yamux lost bytes") }
        return time
    }

    private static func pull(_ session: inout YamuxSession) -> [UInt8] {
        var output: [UInt8] = []
        while session.nextOutput(into: &output, atMost: 65_536) {}
        return output
    }
}
