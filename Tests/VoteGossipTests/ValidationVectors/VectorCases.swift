import Coherence
import Primitives
import SCALE
import VoteGossip

/// The cases, in the order of the table of docs/protocol.md. A new one is a call of `add`.
extension VectorWriter {
    mutating func addAll() throws {
        try addMessageForms()
        try addSetsAndRounds()
        try addContents()
        try addDuplicates()
        try addBudgets()
        try addSignaturesAndBlocks()
        try addQuorumCertificates()
        try addCertificates()
        try addStatusesAndRequests()
        try addStreams()
    }

    // MARK: Steps 1 to 3

    mutating func addMessageForms() throws {
        let vote = GossipMessage.vote(
            try chain.vote(1, .prevote, round: 0, for: try chain.ref("A")))
        let bytes = vote.scaleBytes
        try add(
            "more messages than the budget", row: "1",
            ["accept": 1_024, "ignore overMessageBudget": 6]
        ) {
            try $0.begin()
            try $0.receive(.certificateRequest(number: BlockNumber(1)), times: 1_030)
        }
        try add("a vote above 4 KiB", row: "2", ["reject oversize": 1]) {
            try $0.begin()
            try $0.receive(bytes + [UInt8](repeating: 0, count: 4_096), as: "large vote")
        }
        for index in [9, 255] as [UInt8] {
            try add("index \(index)", row: "2", ["ignore unknownIndex": 1]) {
                try $0.begin()
                try $0.receive([index, 1, 2, 3], as: "unknown index")
            }
        }
        let broken: [(String, [UInt8])] = [
            ("no bytes", []), ("a vote that is cut", Array(bytes.dropLast())),
            ("a nil vote with a height", Self.replacing(33..<65, of: bytes, with: 0)),
            (
                "a signature that does not begin with 3a",
                Self.replacing(135..<136, of: bytes, with: 0)
            ),
            ("a signature of another length", Self.replacing(133..<134, of: bytes, with: 5)),
            ("a vote_type of 2", Self.replacing(1_415..<1_416, of: bytes, with: 2)),
        ]
        for (name, bytes) in broken {
            try add(name, row: "3", ["reject undecodable": 1]) {
                try $0.begin()
                try $0.receive(bytes, as: name)
            }
        }
        try add("a byte after a vote", row: "3", ["reject trailingBytes": 1]) {
            try $0.begin()
            try $0.receive(bytes + [0], as: "vote and a byte")
        }
    }

    static func replacing(_ range: Range<Int>, of bytes: [UInt8], with byte: UInt8) -> [UInt8] {
        var result = bytes
        for place in range { result[place] = byte }
        return result
    }

    // MARK: Steps 4 to 6

    mutating func addSetsAndRounds() throws {
        try add(
            "a vote of an older set", row: "4", set: SetID(3), ["ignore olderSet": 1]
        ) { play in
            try play.block("A")
            try play.open(1, set: SetID(3))
            try play.receive(
                .vote(try play.chain.vote(1, .prevote, round: 0, for: nil, set: SetID(2))))
        }
        try add("a vote of a newer set", row: "4", ["ignore newerSet": 1]) { play in
            try play.begin()
            try play.receive(
                .vote(try play.chain.vote(1, .prevote, round: 0, for: nil, set: SetID(1))))
        }
        try add("a voter who is not in the set", row: "5", ["reject unknownValidator": 1]) { play in
            try play.begin()
            try play.receive(
                .vote(try play.chain.vote(4, .prevote, round: 0, for: try play.chain.ref("A"))))
        }
        try add(
            "a bundle with an index that is not in the set", row: "5",
            ["reject unknownValidator": 1]
        ) { play in
            try play.begin()
            try play.receive(
                try play.chain.bundle([0, 4], .prevote, round: 0, for: try play.chain.ref("A")))
        }
        let rounds: [(String, UInt64, [String: Int])] = [
            ("round 2^63", 1 << 63, ["reject roundOutOfRange": 1]),
            ("round c + 2^20 + 1", 2 + (1 << 20) + 1, ["ignore roundTooNew": 1]),
            ("round c + 2^20", 2 + (1 << 20), ["accept": 1]),
            ("round r - 2", 1, ["ignore oldRound": 1]), ("round r - 1", 2, ["accept": 1]),
            ("round r + 1", 4, ["accept": 1]),
        ]
        for (name, round, outcomes) in rounds {
            try add(name, row: "6", outcomes) { play in
                try play.beginInRoundThree()
                try play.receive(
                    .vote(
                        try play.chain.vote(1, .prevote, round: round, for: try play.chain.ref("D"))
                    ))
            }
        }
    }

    // MARK: Step 7

    mutating func addContents() throws {
        func state(_ average: UInt32, _ low: UInt32, _ high: UInt32) -> QuantumState {
            QuantumState(
                validProofs: 1, rejectedProofs: 0, averageQBER: average, entropyPoolHash: .zero,
                reporterCount: 1, minimumQBER: low, maximumQBER: high)
        }
        let contents: [(String, QuantumState?, UInt64, Bool)] = [
            ("a score that is not the state's", nil, 94, false),
            ("a QBER above 11 %", state(1_101, 0, 2_000), 0, false),
            ("an average below the minimum", state(50, 51, 60), 95, false),
            ("an average above the maximum", state(50, 40, 49), 95, false),
            ("a maximum above 10,000", state(50, 40, 10_001), 95, false),
            ("a nil vote with a score", nil, 1, true),
            ("a nil vote with a state", Self.measured, 0, true),
        ]
        for (name, state, score, isNil) in contents {
            try add(name, row: "7", ["reject invalidState": 1]) { play in
                try play.begin()
                try play.receive(
                    .vote(
                        try play.chain.vote(
                            1, .prevote, round: 0, for: isNil ? nil : try play.chain.ref("A"),
                            state: state, score: score)))
            }
        }
    }

    private static let measured = DevelopmentChain.state

    // MARK: Steps 8 and 9

    mutating func addDuplicates() throws {
        let block = try chain.ref("A")
        let vote = GossipMessage.vote(try chain.vote(1, .prevote, round: 0, for: block))
        let again = GossipMessage.vote(try chain.vote(1, .prevote, round: 0, for: block, salt: 1))
        let forged = GossipMessage.vote(
            try chain.vote(1, .prevote, round: 0, for: block, isForged: true))
        for (name, second) in [
            ("a held vote", vote), ("a held vote, signed anew", again),
            ("a held vote with a bad signature", forged),
        ] {
            try add(name, row: "8", ["ignore duplicate": 1]) {
                try $0.begin()
                try $0.receive(vote)
                try $0.receive(second, from: 2)
            }
        }
        try add("a parked vote", row: "8", ["ignore duplicate": 1]) { play in
            try play.begin()
            let vote = try play.chain.vote(1, .prevote, round: 0, for: try play.chain.ref("D"))
            try play.receive(.vote(vote))
            try play.receive(.vote(vote), from: 2)
        }
        try add("far ahead, older than the newest", row: "8", ["ignore duplicate": 1]) { play in
            try play.begin()
            for (round, phase) in [(9, .prevote), (8, .precommit)] as [(UInt64, VotePhase)] {
                try play.receive(
                    .vote(try play.chain.vote(1, phase, round: round, for: block)))
            }
        }
        try add("the bytes that are being verified", row: "9", ["ignore duplicate": 1]) {
            try $0.begin()
            try $0.hold()
            try $0.receive(vote)
            try $0.receive(vote, from: 2)
        }
        try add(
            "other bytes wait, and hold", row: "9", ["reject badSignature": 1, "accept": 1]
        ) {
            try $0.begin()
            try $0.hold()
            try $0.receive(forged)
            try $0.receive(vote, from: 2)
            try $0.release()
        }
    }
}
