internal import LibP2P
internal import Primitives

// What concerns the handshake.
extension SecurityConformance {
    func checkRoundTrip(using generator: inout SeededGenerator) throws(Finding) {
        let (pair, _) = try converse(.none, .none, generator: generator)
        if let error = pair.dialer.error { throw Finding("the dialer: \(error)") }
        if let error = pair.listener.error { throw Finding("the listener: \(error)") }
        try require(pair.listener.received == Self.question, "the question arrives changed")
        try require(pair.dialer.received == Self.answer, "the answer arrives changed")
        // Nobody is expected, and everybody is told who came.
        var anonymous = makePair(using: &generator)
        try anonymous.settleInOrder()
        try require(
            anonymous.dialer.endpoint.remotePeer == bob.peerID
                && anonymous.listener.endpoint.remotePeer == alice.peerID,
            "a side that expects nobody does not learn who came")
    }

    func checkUnexpectedPeer(using generator: inout SeededGenerator) throws(Finding) {
        var pair = makePair(dialerExpects: carol.peerID, using: &generator)
        try pair.settle()
        try require(pair.dialer.error != nil, "the dialer takes Bob for Carol")
        try require(pair.dialer.endpoint.remotePeer == nil, "the refused peer counts as proven")
        pair = makePair(listenerExpects: carol.peerID, using: &generator)
        try pair.settle()
        try require(pair.listener.error != nil, "the listener takes Alice for Carol")
        try require(pair.listener.endpoint.remotePeer == nil, "the refused peer counts as proven")
    }

    func checkSplits(using generator: inout SeededGenerator) throws(Finding) {
        let (whole, _) = try converse(.none, .none, generator: generator)
        let count = max(whole.toListener.carried.count, whole.toDialer.carried.count)
        for offset in 0..<count {
            // Offset 0 stands for one byte at a time.
            let interference = offset == 0 ? Interference.pieces(1) : .split(offset)
            let (pair, _) = try converse(interference, interference, generator: generator)
            let place = offset == 0 ? "byte by byte" : "split at \(offset)"
            if let error = pair.dialer.error ?? pair.listener.error {
                throw Finding("\(place): \(error)")
            }
            try require(
                pair.listener.received == Self.question && pair.dialer.received == Self.answer,
                "\(place): messages are lost or changed")
        }
    }

    func checkAlterations(using generator: inout SeededGenerator) throws(Finding) {
        let base = generator
        let (whole, _) = try converse(.none, .none, generator: base)
        for offset in whole.toListener.carried.indices {
            let mask = UInt8.random(in: 1 ... .max, using: &generator)
            let (pair, _) = try converse(.alter(offset, mask: mask), .none, generator: base)
            let place = "byte \(offset) from the dialer ^ \(mask)"
            try requireSound(pair, place)
            try require(pair.listener.received.count < Self.question.count, "\(place): unnoticed")
        }
        for offset in whole.toDialer.carried.indices {
            let mask = UInt8.random(in: 1 ... .max, using: &generator)
            let (pair, _) = try converse(.none, .alter(offset, mask: mask), generator: base)
            let place = "byte \(offset) from the listener ^ \(mask)"
            try requireSound(pair, place)
            try require(pair.dialer.received.count < Self.answer.count, "\(place): unnoticed")
        }
    }

    func checkTruncations(using generator: inout SeededGenerator) throws(Finding) {
        let (whole, handshake) = try converse(.none, .none, generator: generator)
        for offset in whole.toListener.carried.indices {
            var (pair, _) = try converse(.truncate(offset), .none, generator: generator)
            let place = "the dialer's bytes end at \(offset)"
            try requireSound(pair, place)
            try require(pair.listener.received.count < Self.question.count, "\(place): unnoticed")
            if offset < handshake.toListener { try requireUnproven(&pair.listener, place) }
        }
        for offset in whole.toDialer.carried.indices {
            var (pair, _) = try converse(.none, .truncate(offset), generator: generator)
            let place = "the listener's bytes end at \(offset)"
            try requireSound(pair, place)
            try require(pair.dialer.received.count < Self.answer.count, "\(place): unnoticed")
            if offset < handshake.toDialer { try requireUnproven(&pair.dialer, place) }
        }
    }

    func checkGarbage(using generator: inout SeededGenerator) throws(Finding) {
        for round in 0..<64 {
            let role = round % 2 == 0 ? ConnectionRole.dialer : .listener
            var side = SecuritySide(
                implementation.makeEndpoint(
                    role: role, identity: alice, expectedPeer: nil, using: &generator))
            // Half of the rounds begin with a plausible length.
            let start: [UInt8] =
                round % 4 < 2 ? [0, UInt8.random(in: 0...255, using: &generator)] : []
            let bytes = start + generator.bytes(Int.random(in: 0...4_096, using: &generator))
            for piece in generator.pieces(of: bytes, atMost: 1_024) {
                side.take(piece)
                _ = side.endpoint.nextOutput()
            }
            try requireUnproven(&side, "random bytes, round \(round)")
            try require(side.received.isEmpty, "random bytes, round \(round): read as plaintext")
        }
    }

    /// Whatever happens: only who is there counts as proven, and what arrives was sent.
    private func requireSound(_ pair: Pair, _ place: String) throws(Finding) {
        let (dialer, listener) = (pair.dialer, pair.listener)
        try require(
            [nil, bob.peerID].contains(dialer.endpoint.remotePeer)
                && [nil, alice.peerID].contains(listener.endpoint.remotePeer),
            "\(place): somebody counts as proven who is not there")
        try require(
            Self.question.starts(with: listener.received)
                && Self.answer.starts(with: dialer.received),
            "\(place): plaintext arrives that was not sent")
    }

    /// A side whose handshake is not over knows nobody, and says so at the end of the stream.
    private func requireUnproven(
        _ side: inout SecuritySide<Implementation.Endpoint>, _ place: String
    ) throws(Finding) {
        try require(side.endpoint.remotePeer == nil, "\(place): the peer counts as proven")
        if side.error == nil {
            try requireFailure("\(place): the end of the stream") {
                try side.endpoint.receiveEndOfStream()
            }
        }
        try require(side.endpoint.remotePeer == nil, "\(place): the peer counts as proven")
    }
}
