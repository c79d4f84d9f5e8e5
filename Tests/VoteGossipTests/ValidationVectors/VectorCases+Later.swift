import Chain
import Coherence
import Primitives
import SCALE
import VoteGossip

extension VectorWriter {
    // MARK: Steps 10 and 11

    mutating func addBudgets() throws {
        try add(
            "more signatures than 6n", row: "10", ["ignore overVerificationBudget": 1]
        ) { play in
            try play.begin()
            let block = try play.chain.ref("A")
            for round in UInt64(1)...8 {
                try play.receive(
                    .quorumCertificate(try play.chain.quorum([0, 1, 2], round: round, for: block)))
            }
            try play.receive(
                .vote(try play.chain.vote(3, .prevote, round: 0, for: block)))
        }
        try add("a fourth certificate of one sender", row: "10", ["ignore verificationBusy": 1]) {
            play in
            try play.begin()
            try play.hold()
            for round in UInt64(1)...4 {
                try play.receive(
                    .quorumCertificate(
                        try play.chain.quorum(
                            [0, 1, 2], round: round, for: try play.chain.ref("A"))))
            }
        }
        try add("four votes of one sender: three at a time", row: "11", ["accept": 4]) { play in
            try play.begin()
            try play.hold()
            try play.receive(
                try play.chain.bundle(
                    [0, 1, 2, 3], .prevote, round: 0, for: try play.chain.ref("A")))
            try play.release()
        }
    }

    // MARK: Steps 12 to 15

    mutating func addSignaturesAndBlocks() throws {
        let block = try chain.ref("A")
        try add("a bad signature", row: "12", ["reject badSignature": 1]) { play in
            try play.begin()
            try play.receive(
                .vote(try play.chain.vote(1, .prevote, round: 0, for: block, isForged: true)))
        }
        try add("a third bad signature", row: "12", ["reject badSignature": 1]) { play in
            try play.begin()
            for index in 0..<3 {
                try play.receive(
                    .vote(
                        try play.chain.vote(index, .prevote, round: 0, for: block, isForged: true)))
            }
        }
        try add("after the third bad signature", row: "12", ["ignore cutOff": 1]) { play in
            try play.begin()
            for index in 0..<3 {
                try play.receive(
                    .vote(
                        try play.chain.vote(index, .prevote, round: 0, for: block, isForged: true)))
            }
            try play.receive(.vote(try play.chain.vote(3, .prevote, round: 0, for: block)))
        }
        try add("a vote for an unknown block", row: "13", ["ignore parked": 1]) { play in
            try play.begin()
            try play.receive(
                .vote(try play.chain.vote(1, .prevote, round: 0, for: try play.chain.ref("D"))))
        }
        try add("the block of a parked vote comes", row: "13", ["accept": 1]) { play in
            try play.begin()
            try play.receive(
                .vote(try play.chain.vote(1, .prevote, round: 0, for: try play.chain.ref("D"))))
            try play.block("D")
        }
        try add("a fifth vote of a validator to be parked", row: "13", ["ignore parkingFull": 1]) {
            play in
            try play.begin()
            for name in ["a", "b", "c", "d", "e"] {
                let unknown = BlockRef(
                    hash: BLAKE2b256.hash(Array(name.utf8)), number: BlockNumber(9))
                try play.receive(
                    .vote(try play.chain.vote(1, .prevote, round: 0, for: unknown)))
            }
        }
        try add("an unknown block at or below F", row: "13", ["ignore staleBlock": 1]) { play in
            try play.beginInRoundThree()
            try play.receive(
                .vote(try play.chain.vote(1, .prevote, round: 3, for: try play.chain.ref("X"))))
        }
        try add("another height than the block's", row: "14", ["reject mismatchedNumber": 1]) {
            play in
            try play.begin()
            let wrong = BlockRef(hash: block.hash, number: BlockNumber(2))
            try play.receive(.vote(try play.chain.vote(1, .prevote, round: 0, for: wrong)))
        }
        try addAccepted(for: block)
    }

    private mutating func addAccepted(for block: BlockRef) throws {
        try add("a prevote", row: "15", ["accept": 1]) { play in
            try play.begin()
            try play.receive(.vote(try play.chain.vote(1, .prevote, round: 0, for: block)))
        }
        try add("a nil precommit", row: "15", ["accept": 1]) { play in
            try play.begin()
            try play.receive(.vote(try play.chain.vote(2, .precommit, round: 0, for: nil)))
        }
        try add("a second target of one slot", row: "15", ["accept": 1]) { play in
            try play.begin()
            try play.receive(.vote(try play.chain.vote(1, .prevote, round: 0, for: block)))
            try play.receive(
                .vote(try play.chain.vote(1, .prevote, round: 0, for: try play.chain.ref("B"))))
        }
        try add("a bundle", row: "15", ["accept": 2]) { play in
            try play.begin()
            try play.receive(try play.chain.bundle([1, 0], .prevote, round: 0, for: block))
        }
        try add(
            "a bundle of a held and a new vote", row: "15", ["accept": 1, "ignore duplicate": 1]
        ) { play in
            try play.begin()
            try play.receive(.vote(try play.chain.vote(1, .prevote, round: 0, for: block)))
            try play.receive(
                try play.chain.bundle([1, 0], .prevote, round: 0, for: block), from: 2)
        }
    }

    // MARK: Quorum certificates

    mutating func addQuorumCertificates() throws {
        let block = try chain.ref("A")
        try add("q prevotes", row: "QuorumCertificate", ["accept": 1]) { play in
            try play.begin()
            try play.receive(
                .quorumCertificate(try play.chain.quorum([1, 2, 3], round: 0, for: block)))
        }
        let malformed: [(String, [Int], BlockRef?)] = [
            ("no entries", [], block), ("fewer than q", [0, 1], block),
            ("an index twice", [0, 0, 1], block), ("indices out of order", [1, 0, 2], block),
            ("more than n", [0, 1, 2, 3, 3], block), ("an index above n", [0, 1, 4], block),
            ("for nil", [0, 1, 2], nil),
        ]
        for (name, voters, target) in malformed {
            try add(
                "\(name): quorum certificate", row: "QuorumCertificate",
                ["reject malformedCertificate": 1]
            ) { play in
                try play.begin()
                try play.receive(
                    .quorumCertificate(try play.chain.quorum(voters, round: 0, for: target)))
            }
        }
        try add(
            "one bad signature: quorum certificate", row: "QuorumCertificate",
            ["reject badQuorumCertificate": 1]
        ) { play in
            try play.begin()
            try play.receive(
                .quorumCertificate(
                    try play.chain.quorum([0, 1, 2], round: 0, for: block, forged: 2)))
        }
        try add(
            "the round and block of the highest: quorum certificate", row: "QuorumCertificate",
            ["ignore oldQuorumCertificate": 1]
        ) { play in
            try play.begin()
            for voters in [[0, 1, 2], [1, 2, 3]] {
                try play.receive(
                    .quorumCertificate(try play.chain.quorum(voters, round: 0, for: block)))
            }
        }
        try add(
            "of a decided round: quorum certificate", row: "QuorumCertificate",
            ["ignore oldQuorumCertificate": 1]
        ) { play in
            try play.beginInRoundThree()
            try play.receive(
                .quorumCertificate(
                    try play.chain.quorum([0, 1, 2], round: 2, for: try play.chain.ref("C"))))
        }
        try add(
            "round 2^63: quorum certificate", row: "QuorumCertificate",
            ["reject roundOutOfRange": 1]
        ) { play in
            try play.begin()
            try play.receive(
                .quorumCertificate(try play.chain.quorum([0, 1, 2], round: 1 << 63, for: block)))
        }
    }

    // MARK: Certificates

    mutating func addCertificates() throws {
        let block = try chain.ref("A")
        let good = try chain.certificate([0, 1, 2], round: 0, for: block)
        try add("q precommits", row: "Certificate", ["accept": 1]) {
            try $0.begin()
            try $0.receive(.certificate(good))
        }
        let malformed: [(String, FinalityCertificate)] = [
            (
                "another set hash",
                try chain.certificate([0, 1, 2], round: 0, for: block, setHash: .zero)
            ),
            (
                "another policy",
                try chain.certificate([0, 1, 2], round: 0, for: block, policy: .twoThirds)
            ),
            ("fewer than q", try chain.certificate([0, 1], round: 0, for: block)),
            ("indices out of order", try chain.certificate([2, 1, 0], round: 0, for: block)),
        ]
        for (name, certificate) in malformed {
            try add(
                "\(name): certificate", row: "Certificate", ["reject malformedCertificate": 1]
            ) {
                try $0.begin()
                try $0.receive(.certificate(certificate))
            }
        }
        try add("one bad signature: certificate", row: "Certificate", ["reject badCertificate": 1])
        {
            play in
            try play.begin()
            try play.receive(
                .certificate(
                    try play.chain.certificate([0, 1, 2], round: 0, for: block, forged: 0)))
        }
        try add(
            "what is final already: certificate", row: "Certificate", ["ignore oldCertificate": 1]
        ) { play in
            try play.begin()
            try play.receive(.certificate(good))
            try play.receive(
                .certificate(try play.chain.certificate([1, 2, 3], round: 0, for: block)), from: 2)
        }
        try add("for an unknown block: certificate", row: "Certificate", ["accept": 1]) { play in
            try play.begin()
            try play.receive(
                .certificate(
                    try play.chain.certificate([0, 1, 2], round: 0, for: try play.chain.ref("D"))))
        }
        try add(
            "one that contradicts F, twice: certificate", row: "Certificate",
            ["ignore duplicate": 1]
        ) { play in
            try play.begin()
            try play.receive(.certificate(good))
            let other = try play.chain.certificate(
                [1, 2, 3], round: 1, for: try play.chain.ref("X"))
            try play.block("X")
            try play.receive(.certificate(other), from: 2)
            try play.receive(.certificate(other), from: 1)
        }
        try add("of a newer set: certificate", row: "Certificate", ["ignore newerSet": 1]) { play in
            try play.begin()
            try play.receive(
                .certificate(
                    FinalityCertificate(
                        setID: SetID(1), setHash: good.setHash, round: good.round,
                        target: good.target, policy: good.policy, precommits: good.precommits)))
        }
    }

    // MARK: Statuses, requests, streams

    mutating func addStatusesAndRequests() throws {
        let bits = Bits(validatorCount: 4)
        let request = RoundRequest(
            setID: chain.set.id, round: RoundNumber(0), phase: .prevote, missing: bits)
        let accepted: [(String, GossipMessage)] = [
            ("Status", status(bits)),
            ("VoteRequest", .voteRequest(blockHash: try chain.ref("A").hash)),
            ("RoundRequest", .roundRequest(request)),
            ("CertificateRequest", .certificateRequest(number: BlockNumber(1))),
        ]
        for (kind, message) in accepted {
            try add("a \(kind)", row: kind, ["accept": 1]) {
                try $0.begin()
                try $0.receive(message)
            }
        }
        for (name, bits) in [
            ("too short", Bits(packed: [])), ("too long", Bits(packed: [0, 0])),
            ("with spare bits", Bits(packed: [0x10])),
        ] {
            try add("Bits \(name): Status", row: "Status", ["reject malformedBits": 1]) { play in
                try play.begin()
                try play.receive(Self.status(bits, set: play.chain.set.id))
            }
            try add("Bits \(name): RoundRequest", row: "RoundRequest", ["reject malformedBits": 1])
            {
                play in
                try play.begin()
                try play.receive(
                    .roundRequest(
                        RoundRequest(
                            setID: play.chain.set.id, round: RoundNumber(0), phase: .prevote,
                            missing: bits)))
            }
        }
        try add("a lock of round 2^63: Status", row: "Status", ["reject roundOutOfRange": 1]) {
            play in
            try play.begin()
            try play.receive(Self.status(bits, set: play.chain.set.id, lock: 1 << 63))
        }
        try add("held votes are asked for", row: "VoteRequest", ["accept": 1]) { play in
            try play.begin()
            let block = try play.chain.ref("A")
            try play.receive(try play.chain.bundle([0, 1], .prevote, round: 0, for: block))
            try play.receive(.voteRequest(blockHash: block.hash), from: 2)
        }
        try add(
            "a ninth request at once", row: "VoteRequest",
            ["accept": 8, "ignore answeredRecently": 1]
        ) { play in
            try play.begin()
            try play.receive(
                .voteRequest(blockHash: try play.chain.ref("A").hash), times: 9)
        }
    }

    private func status(_ bits: Bits) -> GossipMessage { Self.status(bits, set: chain.set.id) }

    private static func status(_ bits: Bits, set: SetID, lock: UInt64? = nil) -> GossipMessage {
        .status(
            GossipStatus(
                setID: set, round: RoundNumber(0), finalisedNumber: BlockNumber(0),
                finalisedHash: .zero, lockRound: lock.map { RoundNumber($0) },
                have: [.init(round: RoundNumber(0), phase: .prevote, validators: bits)]))
    }

    mutating func addStreams() throws {
        let vote = GossipMessage.vote(
            try chain.vote(1, .prevote, round: 0, for: try chain.ref("A")))
        try add("a message without a stream", row: "stream", ["ignore unknownPeer": 1]) {
            try $0.begin()
            try $0.receive(vote, from: 9)
        }
        try add("a message after the stream's end", row: "stream", ["ignore unknownPeer": 1]) {
            try $0.begin()
            try $0.close(1)
            try $0.receive(vote)
        }
        try add("a handshake that is none", row: "handshake", ["reject badHandshake": 1]) {
            try $0.open(1, handshake: [4, 1, 2, 3])
        }
        try add("a handshake of another chain", row: "handshake", [:]) { play in
            let genesis = play.chain.toy.genesis.ref
            try play.open(
                1,
                handshake: GossipHandshake(
                    role: .full, genesisHash: .zero, setID: play.chain.set.id,
                    round: RoundNumber(0), finalisedNumber: genesis.number,
                    finalisedHash: genesis.hash
                ).scaleBytes)
        }
    }
}
