internal import LibP2P
internal import Primitives

// What concerns one stream, or a few.
extension MuxerConformance {
    func checkExchange(using generator: inout SeededGenerator) throws(Finding) {
        var pair = makePair()
        // Both sides open before either knows of the other's streams.
        let (question, answer) = (generator.bytes(1_000), generator.bytes(1_000))
        let own = try pair.open(writing: question)
        let foreign = try attempt("opening a stream") { try pair.listener.endpoint.openStream() }
        try pair.listener.write(answer, to: foreign)
        try pair.settle()
        let accepted = try pair.listener.stream(beginningWith: question)
        let offered = try pair.dialer.stream(beginningWith: answer)
        try require(own != offered && foreign != accepted, "two streams have the same id")
        try pair.listener.write(answer, to: accepted)
        try pair.dialer.write(question, to: offered)
        for id in [own, offered] { pair.dialer.endpoint.finish(id) }
        for id in [foreign, accepted] { pair.listener.endpoint.finish(id) }
        try pair.settle()
        for id in [own, offered] {
            try require(pair.dialer.received[id] == answer, "bytes to the dialer are changed")
            try require(pair.dialer.finished.contains(id), "the dialer misses the end of a stream")
        }
        for id in [foreign, accepted] {
            try require(pair.listener.received[id] == question, "bytes to the listener are changed")
            try require(
                pair.listener.finished.contains(id), "the listener misses the end of a stream")
        }
        try require(!pair.dialer.endpoint.isClosed, "the session ends with its streams")
    }

    func checkHalfClose(using generator: inout SeededGenerator) throws(Finding) {
        var pair = makePair()
        let own = try pair.open(writing: [1])
        pair.dialer.endpoint.finish(own)
        try requireFailure("writing behind the end") {
            _ = try pair.dialer.endpoint.write([2], to: own)
        }
        try pair.settle()
        let accepted = try pair.listener.stream(beginningWith: [1])
        try require(
            pair.listener.finished.contains(accepted) && pair.listener.received[accepted] == [1],
            "bytes or their end do not arrive")
        let answer = generator.bytes(2 * implementation.windowByteCount)
        var rest = answer[...]
        while !rest.isEmpty {
            let count = try attempt("answering on a half-closed stream") {
                try pair.listener.endpoint.write(rest, to: accepted)
            }
            rest = rest.dropFirst(count)
            let before = pair.dialer.receivedByteCount
            try pair.settle()
            try require(
                count > 0 || pair.dialer.receivedByteCount > before,
                "a half-closed stream gets stuck with \(rest.count) bytes to go")
        }
        pair.listener.endpoint.finish(accepted)
        try pair.settle()
        try require(pair.dialer.received[own] == answer, "the answer arrives changed")
        try require(pair.dialer.finished.contains(own), "the end of the answer does not arrive")
    }

    func checkReset() throws(Finding) {
        var pair = makePair()
        let (first, second) = (try pair.open(writing: [1]), try pair.open(writing: [2]))
        try pair.settle()
        pair.listener.endpoint.reset(try pair.listener.stream(beginningWith: [1]))
        try pair.settle()
        try require(pair.dialer.reset.contains(first), "the peer's reset does not arrive")
        try requireFailure("writing on a reset stream") {
            _ = try pair.dialer.endpoint.write([1], to: first)
        }
        // Reset by the side that opened, before and behind what the peer knows of the stream.
        let third = try pair.open(writing: [3])
        try pair.settle()
        pair.dialer.endpoint.reset(third)
        let fourth = try pair.open(writing: [4])
        pair.dialer.endpoint.reset(fourth)
        try pair.settle()
        let foreign = try pair.listener.stream(beginningWith: [3])
        try require(pair.listener.reset.contains(foreign), "the opener's reset does not arrive")
        try require(
            !pair.dialer.reset.contains(third) && !pair.dialer.reset.contains(fourth),
            "a side is told of its own reset")
        try pair.dialer.write([5], to: second)
        try pair.settle()
        let survivor = try pair.listener.stream(beginningWith: [2])
        try require(
            pair.listener.received[survivor] == [2, 5], "a reset harms another stream")
    }

    func checkBackPressure(using generator: inout SeededGenerator) throws(Finding) {
        let window = implementation.windowByteCount
        let message = generator.bytes(4 * window + 100)
        var pair = makePair()
        pair.listener.isConsuming = false
        let slow = try pair.open(writing: [1])
        let quick = try pair.open(writing: [2])
        try pair.settle()
        let slowThere = try pair.listener.stream(beginningWith: [1])
        let quickThere = try pair.listener.stream(beginningWith: [2])
        pair.listener.consume(quickThere)
        // As much as is taken while nobody reads.
        var rest = ([1] + message)[...].dropFirst()
        while !rest.isEmpty {
            let count = try attempt("writing") { try pair.dialer.endpoint.write(rest, to: slow) }
            rest = rest.dropFirst(count)
            try pair.settle()
            if count == 0 { break }
        }
        let arrived = pair.listener.received[slowThere, default: []].count
        try require(arrived <= window, "\(arrived) bytes arrive, the window has \(window)")
        try require(
            !rest.isEmpty, "\(message.count) bytes are taken of which nobody reads any")
        try pair.dialer.write([UInt8](repeating: 7, count: 100), to: quick)
        try pair.settle()
        try require(
            pair.listener.received[quickThere, default: []].count == 101,
            "a stream whose reader waits holds up another one")
        // The reader goes on, and all the rest comes.
        for _ in 0..<1_000 {
            pair.listener.consume(slowThere)
            try pair.settle()
            guard !rest.isEmpty else { break }
            let count = try attempt("writing") { try pair.dialer.endpoint.write(rest, to: slow) }
            rest = rest.dropFirst(count)
        }
        pair.dialer.endpoint.finish(slow)
        for _ in 0..<8 {
            try pair.settle()
            pair.listener.consume(slowThere)
        }
        try require(
            pair.listener.received[slowThere] == [1] + message,
            "a stream that waited does not get all its bytes")
        try require(pair.listener.finished.contains(slowThere), "its end does not arrive")
    }
}
