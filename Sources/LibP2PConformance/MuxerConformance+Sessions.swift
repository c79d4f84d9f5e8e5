internal import LibP2P
internal import Primitives

// What concerns a session and all its streams.
extension MuxerConformance {
    func checkConcurrentStreams(using generator: inout SeededGenerator) throws(Finding) {
        let count = min(20, implementation.maximumInboundStreams)
        var pair = makePair()
        var messages: [[UInt8]] = []
        var ids: [StreamID] = []
        for number in 0..<count {
            let length = Int.random(in: 0...100_000, using: &generator)
            messages.append([UInt8(number)] + generator.bytes(length))
            ids.append(try attempt("opening a stream") { try pair.dialer.endpoint.openStream() })
        }
        var written = [Int](repeating: 0, count: count)
        var hasFinished = [Bool](repeating: false, count: count)
        var pipe: [UInt8] = []
        for _ in 0..<200_000 where hasFinished.contains(false) {
            let number = Int.random(in: 0..<count, using: &generator)
            let rest = messages[number][written[number]...]
            let piece = rest.prefix(Int.random(in: 1...8_192, using: &generator))
            if piece.isEmpty {
                pair.dialer.endpoint.finish(ids[number])
                hasFinished[number] = true
            } else {
                written[number] += try attempt("writing") {
                    try pair.dialer.endpoint.write(piece, to: ids[number])
                }
            }
            try move(&pair, through: &pipe, using: &generator)
        }
        try require(!hasFinished.contains(false), "streams get stuck")
        try pair.listener.receive(pipe)
        try pair.settle()
        for number in 0..<count {
            let id = try pair.listener.stream(beginningWith: [UInt8(number)])
            try require(
                pair.listener.received[id] == messages[number], "stream \(number) is changed")
            try require(pair.listener.finished.contains(id), "stream \(number) has no end")
        }
    }

    /// Moves some of the dialer's output, in pieces, and all of the listener's.
    private func move(
        _ pair: inout Pair, through pipe: inout [UInt8], using generator: inout SeededGenerator
    ) throws(Finding) {
        if pipe.count < 16_384 { pipe += try Pair.output(of: &pair.dialer, atMost: 4_096) }
        let piece = pipe.prefix(Int.random(in: 0...8_192, using: &generator))
        try pair.listener.receive(Array(piece))
        pipe.removeFirst(piece.count)
        try pair.dialer.receive(try Pair.output(of: &pair.listener, atMost: 65_536))
    }

    /// What a dialer sends that opens streams, writes, ends one and resets one.
    private func recordedBytes(using generator: inout SeededGenerator) throws(Finding) -> [UInt8] {
        var pair = makePair()
        let (first, second) = (try pair.open(writing: [1]), try pair.open(writing: [2]))
        let third = try pair.open(writing: [3])
        var bytes: [UInt8] = []
        func send() throws(Finding) {
            while true {
                let output = try Pair.output(of: &pair.dialer, atMost: 65_536)
                if output.isEmpty { return }
                bytes += output
            }
        }
        try send()
        try pair.dialer.write(generator.bytes(200), to: first)
        try pair.dialer.write(generator.bytes(50), to: second)
        pair.dialer.endpoint.finish(first)
        try send()
        pair.dialer.endpoint.reset(third)
        try send()
        return bytes
    }

    func checkSplits(using generator: inout SeededGenerator) throws(Finding) {
        let bytes = try recordedBytes(using: &generator)
        func events(_ pieces: [[UInt8]]) throws(Finding) -> [MuxerEvent<StreamID>] {
            var listener = makePair().listener
            for piece in pieces { try listener.receive(piece) }
            return listener.events
        }
        let whole = try events([bytes])
        try require(whole.count >= 6, "a recorded session means only \(whole)")
        for offset in 1..<bytes.count {
            let pieces = [Array(bytes[..<offset]), Array(bytes[offset...])]
            try require(try events(pieces) == whole, "split at \(offset), bytes mean other things")
        }
        try require(
            try events(bytes.map { [$0] }) == whole, "byte by byte, bytes mean other things")
    }

    func checkStreamLimit() throws(Finding) {
        let limit = implementation.maximumInboundStreams
        var pair = makePair()
        var ids: [StreamID] = []
        for _ in 0..<limit + 8 {
            // Its own limit may keep the dialer from trying.
            guard let id = try? pair.dialer.endpoint.openStream() else { break }
            _ = try? pair.dialer.endpoint.write([9], to: id)
            ids.append(id)
        }
        try require(ids.count >= limit, "only \(ids.count) of \(limit) streams can be opened")
        try pair.settle()
        let accepted = pair.listener.opened.filter { !pair.listener.reset.contains($0) }
        try require(accepted.count <= limit, "\(accepted.count) streams are accepted")
        let refused = ids.filter { pair.dialer.reset.contains($0) }
        try require(
            refused.count == ids.count - limit,
            "of \(ids.count) streams \(refused.count) are refused")
        try require(!pair.dialer.endpoint.isClosed, "a stream too many ends the session")
        // What is there works, and its end makes room.
        guard let first = ids.first, let there = pair.listener.opened.first else { return }
        try pair.dialer.write([8], to: first)
        pair.dialer.endpoint.finish(first)
        pair.listener.endpoint.finish(there)
        try pair.settle()
        try require(pair.listener.received[there] == [9, 8], "the limit harms other streams")
        let late = try pair.open(writing: [7])
        try pair.settle()
        _ = try pair.listener.stream(beginningWith: [7])
        try require(!pair.dialer.reset.contains(late), "the end of a stream makes no room")
    }

    func checkClose() throws(Finding) {
        var pair = makePair()
        let own = try pair.open(writing: [1])
        try pair.settle()
        pair.dialer.endpoint.close()
        try pair.settle()
        try require(pair.listener.hasEnded, "the peer does not hear of the end")
        try require(
            pair.dialer.endpoint.isClosed && pair.listener.endpoint.isClosed,
            "a session goes on behind its end")
        let there = try pair.listener.stream(beginningWith: [1])
        try requireFailure("opening a stream behind the end") {
            _ = try pair.dialer.endpoint.openStream()
        }
        try requireFailure("opening a stream behind the peer's end") {
            _ = try pair.listener.endpoint.openStream()
        }
        try requireFailure("writing behind the end") {
            _ = try pair.dialer.endpoint.write([2], to: own)
        }
        try requireFailure("writing behind the peer's end") {
            _ = try pair.listener.endpoint.write([2], to: there)
        }
        // What is asked for now has no effect, and nothing comes of what arrives.
        pair.listener.endpoint.consumed(0, of: there)
        pair.listener.endpoint.finish(there)
        pair.listener.endpoint.reset(there)
        pair.listener.endpoint.close()
        var generator = SeededGenerator(seed: 0)
        try pair.listener.receive(try recordedBytes(using: &generator))
        try pair.settle()
    }

    func checkHostileBytes(using generator: inout SeededGenerator) throws(Finding) {
        let recorded = try recordedBytes(using: &generator)
        for offset in recorded.indices {
            for _ in 0..<2 {
                var bytes = recorded
                bytes[offset] = UInt8.random(in: 0...255, using: &generator)
                try endure(bytes, using: &generator)
            }
        }
        for _ in 0..<200 {
            let count = Int.random(in: 0...4_096, using: &generator)
            try endure(generator.bytes(count), using: &generator)
            // Zeros are the beginning of many frames.
            let sparse = generator.bytes(count).map { $0 < 200 ? 0 : $0 }
            try endure(sparse, using: &generator)
        }
    }

    /// Gives bytes to both sides of fresh sessions that have a stream open: what comes of them is
    /// bounded by them.
    private func endure(
        _ bytes: [UInt8], using generator: inout SeededGenerator
    ) throws(Finding) {
        var pair = makePair()
        _ = try pair.open(writing: [1])
        try pair.settle()
        for piece in generator.pieces(of: bytes, atMost: 2_048) {
            try pair.dialer.receive(piece)
            try pair.listener.receive(piece)
        }
        for side in [pair.dialer, pair.listener] {
            var side = side
            try require(
                side.receivedByteCount <= bytes.count + 1, "more data arrives than was sent")
            try require(
                side.opened.count <= implementation.maximumInboundStreams + side.reset.count,
                "bytes open \(side.opened.count) streams")
            var outputByteCount = 0
            while true {
                let output = try Pair.output(of: &side, atMost: 65_536)
                if output.isEmpty { break }
                outputByteCount += output.count
                // An answer to every byte of a peer is not an attack on this side, more would be.
                try require(
                    outputByteCount <= 1_024 + 16 * bytes.count, "answers that do not end")
            }
        }
    }
}
