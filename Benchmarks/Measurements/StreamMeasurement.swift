import LibP2P

/// One stream over TCP on loopback, Noise and Yamux: how many bytes go through it, and how long it takes
/// to open one. Ours, go-libp2p's and py-libp2p's ends in all combinations, in one run.
struct StreamFigures: Codable {
    /// A sender and a receiver.
    struct Pair: Codable {
        let sender: String
        let receiver: String
        /// Of the sends; megabytes per second.
        let megabytesPerSecond: Distribution
        /// Until the first byte of an answer is back; microseconds.
        let open: Distribution
    }

    let byteCount: Int
    let pairs: [Pair]
    /// Over the unix socket that every byte of go-libp2p's daemon goes through as well.
    let relay: Pair

    static func measure(isQuick: Bool) async throws -> StreamFigures {
        let byteCount = (isQuick ? 8 : 64) << 20
        var pairs: [Pair] = []
        for sender in End.allCases {
            for receiver in End.allCases {
                pairs.append(
                    try await pair(sender, receiver, byteCount: byteCount, isQuick: isQuick))
            }
        }
        return StreamFigures(
            byteCount: byteCount, pairs: pairs,
            relay: try await relay(byteCount: byteCount, isQuick: isQuick))
    }

    private enum End: String, CaseIterable {
        case ours = "this project"
        case go = "go-libp2p"
        case py = "py-libp2p"

        func start(seed: UInt8) async throws -> any StreamPeer {
            switch self {
            case .ours: try await OurStreamPeer.start(seed: seed)
            case .go: try await DrivenStreamPeer.start(.go)
            case .py: try await DrivenStreamPeer.start(.py)
            }
        }
    }

    private static func pair(
        _ sender: End, _ receiver: End, byteCount: Int, isQuick: Bool
    ) async throws -> Pair {
        // py-libp2p is slow: what it takes part in is measured with fewer bytes.
        let isSlow = sender == .py || receiver == .py
        let count = isSlow ? byteCount / 8 : byteCount
        let ends = [try await sender.start(seed: 0x71), try await receiver.start(seed: 0x72)]
        guard let peer = ends[1].address.peerID else { throw MeasurementFailure("no peer id") }
        try await ends[0].connect(to: ends[1].address)
        // The first ones find caches cold and windows small.
        _ = try await ends[0].send(count, to: peer)
        _ = try await ends[0].opens(10, to: peer)
        var rates: [Double] = []
        for _ in 0..<(isQuick ? 2 : 5) {
            rates.append(Double(count) / (try await ends[0].send(count, to: peer)))
        }
        let opens = try await ends[0].opens(isQuick ? 50 : 300, to: peer)
        for end in ends { await end.stop() }
        return Pair(
            sender: sender.rawValue, receiver: receiver.rawValue,
            megabytesPerSecond: try Distribution(rates, of: "stream"),
            open: try Distribution(opens, of: "opening"))
    }

    private static func relay(byteCount: Int, isQuick: Bool) async throws -> Pair {
        let peer = try await DrivenStreamPeer.start(.go)
        var rates: [Double] = []
        var opens: [Double] = []
        for _ in 0..<(isQuick ? 2 : 5) {
            let times = try await peer.relay(byteCount, opens: 50)
            rates.append(Double(byteCount) / times.send)
            opens += times.opens
        }
        await peer.stop()
        return Pair(
            sender: "driver", receiver: "driver",
            megabytesPerSecond: try Distribution(rates, of: "relay"),
            open: try Distribution(opens, of: "relay"))
    }
}
