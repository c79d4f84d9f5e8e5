internal import LibP2P
internal import Primitives

// What concerns the bytes behind the handshake.
extension SecurityConformance {
    func checkLongMessages(using generator: inout SeededGenerator) throws(Finding) {
        var pair = try establishedPair(using: &generator)
        var (sentThere, sentBack): ([UInt8], [UInt8]) = ([], [])
        // Around the most bytes of a Noise record and of a TLS record.
        for count in [0, 1, 16_384, 16_385, 65_518, 65_519, 65_520, 131_072, 1_048_583] {
            let (there, back) = (generator.bytes(count), generator.bytes(count))
            sentThere += there
            sentBack += back
            try attempt("sending \(count) bytes") {
                try pair.dialer.endpoint.send(there)
                try pair.listener.endpoint.send(back)
            }
            try pair.settleInOrder()
            try require(
                pair.listener.received == sentThere && pair.dialer.received == sentBack,
                "\(count) bytes arrive changed")
        }
        for count in 1...64 {
            try attempt("sending") { try pair.dialer.endpoint.send(generator.bytes(count)) }
        }
        let before = pair.listener.received.count
        pair.toListener.interference = .pieces(7)
        try pair.settleInOrder()
        try require(
            pair.listener.received.count - before == 64 * 65 / 2,
            "of many short messages at once some are lost")
    }

    func checkRecords(using generator: inout SeededGenerator) throws(Finding) {
        let base = generator
        let (first, second) = (generator.bytes(40), generator.bytes(40))
        /// A connection, and the wire's bytes of two messages of the dialer that nobody took yet.
        func prepared() throws(Finding) -> (pair: Pair, first: [UInt8], second: [UInt8]) {
            var generator = base
            var pair = try establishedPair(using: &generator)
            let records = try attempt("sending") {
                try pair.dialer.endpoint.send(first)
                let record = pair.dialer.endpoint.nextOutput()
                try pair.dialer.endpoint.send(second)
                return (record, pair.dialer.endpoint.nextOutput())
            }
            return (pair, records.0, records.1)
        }
        var (pair, record, next) = try prepared()
        pair.listener.take(record)
        pair.listener.take(record)
        try require(pair.listener.error != nil, "a record is taken twice")
        try require(pair.listener.received == first, "a repeated record is read")
        // What failed stays closed, also for the record that would have been next.
        try requireFailure("the record behind a bad one") {
            let plaintext = try pair.listener.endpoint.receive(next)
            if plaintext.isEmpty { throw Finding("nothing is read") }
        }

        (pair, record, next) = try prepared()
        pair.listener.take(next)
        pair.listener.take(record)
        try require(pair.listener.error != nil, "records are taken in another order")
        try require(pair.listener.received.isEmpty, "a record before its turn is read")

        (pair, record, next) = try prepared()
        pair.dialer.take(record)
        try require(pair.dialer.received.isEmpty, "a side reads what it said itself")
    }

    func checkSecrecy(using generator: inout SeededGenerator) throws(Finding) {
        let secret = generator.bytes(32)
        var seen: [[UInt8]] = []
        for connection in 1...2 {
            var pair = try establishedPair(using: &generator)
            for message in 1...2 {
                let before = pair.toListener.carried.count
                try attempt("sending") { try pair.dialer.endpoint.send(secret) }
                try pair.settleInOrder()
                let record = Array(pair.toListener.carried[before...])
                let place = "message \(message) of connection \(connection)"
                try require(!record.contains(secret), "\(place) is in the clear")
                try require(!seen.contains(record), "\(place) looks like an earlier one")
                seen.append(record)
            }
        }
    }
}

extension [UInt8] {
    /// Whether the bytes occur in these, in one piece.
    fileprivate func contains(_ bytes: [UInt8]) -> Bool {
        guard count >= bytes.count else { return false }
        return (0...count - bytes.count).contains { self[$0...].starts(with: bytes) }
    }
}
