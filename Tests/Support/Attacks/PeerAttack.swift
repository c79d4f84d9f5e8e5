import LibP2P
import Primitives

/// What strangers may do to the port that a node listens for peers on: each a program that goes on
/// until it is told to stop. Whoever is cut off comes back as somebody else, from another address.
package enum PeerAttack: String, CaseIterable, Sendable {
    case connectionFlood = "connection flood"
    case halfOpenHandshakes = "half-open handshakes"
    case slowDrip = "slow-drip bytes"
    case streamFlood = "stream flood"
    case rapidReset = "rapid reset"
    case windowAbuse = "window abuse"
    case oversizedFrames = "oversized frames"
    case unreadAnswers = "pings whose answers nobody reads"

    /// Connections that an attacker holds at one time.
    private static let heldCount = 300

    /// Attacks until `isOver`.
    ///
    /// - Returns: how often it did what it is named after.
    package func run(
        port: Int, seed: UInt64, isOver: @Sendable () -> Bool
    ) throws -> Int {
        var campaign = Campaign(port: port, random: SeededGenerator(seed: seed))
        var count = 0
        while !isOver() { count += try step(&campaign) }
        return count
    }

    /// Does it once, or a handful of times.
    private func step(_ campaign: inout Campaign) throws -> Int {
        switch self {
        case .connectionFlood: campaign.hold(saying: [], atMost: Self.heldCount)
        case .halfOpenHandshakes:
            campaign.hold(saying: Campaign.handshakeBegin, atMost: Self.heldCount)
        case .slowDrip: try campaign.drip(over: 64)
        case .streamFlood:
            try campaign.sendFrames { stream in
                [YamuxFrame(.windowUpdate, .synchronize, stream: stream)]
            }
        case .rapidReset:
            try campaign.sendFrames { stream in
                [
                    YamuxFrame(.windowUpdate, .synchronize, stream: stream),
                    YamuxFrame(.windowUpdate, .reset, stream: stream),
                ]
            }
        case .windowAbuse:
            try campaign.sendFrames { stream in
                // More credit than there are numbers for.
                [YamuxFrame(.windowUpdate, .synchronize, stream: stream)]
                    + Array(
                        repeating: YamuxFrame(.windowUpdate, stream: stream, length: .max),
                        count: 3)
            }
        case .oversizedFrames:
            try campaign.sendFrames { stream in
                [YamuxFrame(.data, .synchronize, stream: stream, length: .max)]
            }
        case .unreadAnswers:
            try campaign.sendFrames(reads: false) { stream in
                [YamuxFrame(.ping, .synchronize, length: stream)]
            }
        }
    }
}

/// One attacker's connections.
private struct Campaign {
    private static func line(_ text: String) -> [UInt8] {
        [UInt8(text.utf8.count + 1)] + Array(text.utf8) + [0x0A]
    }

    /// Up to the first handshake message, of which the length and one byte are there.
    static let handshakeBegin = line("/multistream/1.0.0") + line("/noise") + [0x00, 0x20, 0x09]

    let port: Int
    var random: SeededGenerator
    private var held: [RawConnection] = []
    private var peer: RawPeer?
    private var stream: UInt32 = 1

    init(port: Int, random: SeededGenerator) {
        self.port = port
        self.random = random
    }

    /// Some address of this machine that is not the validators'.
    private mutating func source() -> String {
        let parts = (0..<3).map { _ in UInt8.random(in: 1...250, using: &random) }
        return "127.\(parts[0]).\(parts[1]).\(parts[2])"
    }

    /// Connects, says something and nothing more, and stays.
    mutating func hold(saying bytes: [UInt8], atMost limit: Int) -> Int {
        if held.count == limit { held.removeFirst() }
        guard let connection = try? RawConnection(port: port, from: source(), patience: 1) else {
            return 0
        }
        _ = connection.send(bytes)
        held.append(connection)
        return 1
    }

    /// A byte on each of some connections.
    mutating func drip(over count: Int) throws -> Int {
        while held.count < count, hold(saying: [0x13], atMost: count) == 1 {}
        var kept: [RawConnection] = []
        for connection in held {
            // The pause between two bytes, and whether this one is cut off.
            let answer = try connection.receive(within: 0.002)
            if answer?.isEmpty != true, connection.send([0x2F]) { kept.append(connection) }
        }
        held = kept
        return kept.count
    }

    /// Sends what `frames` makes of the next 64 streams.
    mutating func sendFrames(
        reads: Bool = true, _ frames: (UInt32) -> [YamuxFrame]
    ) throws -> Int {
        guard let peer else {
            self.peer = try? RawPeer(port: port, from: source(), random: &random)
            stream = 1
            return 0
        }
        var batch: [YamuxFrame] = []
        for _ in 0..<64 {
            batch += frames(stream)
            stream &+= 2
        }
        guard peer.send(batch), try !reads || peer.discard() else {
            self.peer = nil
            return 0
        }
        return 64
    }
}
