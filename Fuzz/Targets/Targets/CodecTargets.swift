import Chain
import Coherence
import Primitives
import SCALE

/// The SCALE codec and the types of chain and votes.
enum CodecTargets {
    static let all = [
        primitives, header, block, chainState, vote, quorumCertificate, certificate, evidence,
    ]

    /// One of many forms of the codec; the first byte says which.
    static let primitives = FuzzTarget(
        "scale", reads: "integers, compact integers, options, texts, bit vectors", runs: 60_000,
        upTo: 512,
        samples: {
            [
                [0, 0xFC], [1, 0x01, 0x14], [2, 0x02, 0, 0x01, 0], [3, 0x03, 0, 0, 0, 0x40],
                [4, 0x0B, 1, 2, 3, 4, 5, 6], [5, 0x0F, 1, 2, 3, 4, 5, 6, 7], [6, 1],
                [7, 0x0C, 0x61, 0xC3, 0xA9], [8, 1, 5, 0, 0, 0], [8, 0], [9, 2],
                [10, 0x28, 0xFF, 0x03], [11, 0x08, 0x04, 9, 0x00], [12, 1, 2, 3, 4, 5, 6, 7, 8],
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            return try primitive(form % 13, Array(bytes.dropFirst()))
        })

    private static func primitive(
        _ form: UInt8, _ bytes: [UInt8]
    ) throws(FuzzFinding) -> FuzzOutcome {
        switch form {
        case 0: try Properties.scale(Compact<UInt8>.self, bytes)
        case 1: try Properties.scale(Compact<UInt16>.self, bytes)
        case 2: try Properties.scale(Compact<UInt32>.self, bytes)
        case 3: try Properties.scale(Compact<UInt64>.self, bytes)
        case 4: try Properties.scale(Compact<UInt128>.self, bytes)
        case 5:
            try byHand(
                bytes, { (decoder) throws(SCALEError) in try decoder.readCompactLittleEndian() },
                { $0.appendCompact(littleEndian: $1) })
        case 6: try Properties.scale(Bool.self, bytes)
        case 7:
            try byHand(
                bytes, { (decoder) throws(SCALEError) in try decoder.readString(limit: 64) },
                { $0.appendBytes(Array($1.utf8)) })
        case 8:
            try byHand(
                bytes, { (decoder) throws(SCALEError) in try decoder.readOption(UInt32.self) },
                { $0.appendOption($1) })
        case 9:
            try byHand(
                bytes, { (decoder) throws(SCALEError) in try decoder.readOptionBool() },
                { $0.appendOptionBool($1) })
        case 10:
            try byHand(
                bytes, { (decoder) throws(SCALEError) in try decoder.readBits(limit: 1_024) },
                { $0.appendBits($1) })
        case 11:
            try byHand(
                bytes,
                { (decoder) throws(SCALEError) in
                    var lists: [[UInt8]] = []
                    for _ in 0..<(try decoder.readCount(limit: 32)) {
                        lists.append(try decoder.readBytes(limit: 64))
                    }
                    return lists
                },
                { encoder, lists in
                    encoder.appendCompact(UInt32(lists.count))
                    for list in lists { encoder.appendBytes(list) }
                })
        default: try Properties.scale(Int64.self, bytes)
        }
    }

    private static func byHand<Value: Equatable>(
        _ bytes: [UInt8], _ read: (inout SCALEDecoder) throws(SCALEError) -> Value,
        _ write: (inout SCALEEncoder, Value) -> Void
    ) throws(FuzzFinding) -> FuzzOutcome {
        try Properties.canonical(
            bytes,
            decode: { (bytes: [UInt8]) -> Value? in
                var decoder = SCALEDecoder(bytes)
                guard let value = try? read(&decoder), (try? decoder.finish()) != nil else {
                    return nil
                }
                return value
            },
            encode: { value in
                var encoder = SCALEEncoder()
                write(&encoder, value)
                return encoder.bytes
            })
    }

    static let header = FuzzTarget(
        "header", reads: "a block header", runs: 20_000, upTo: 70 * 1024,
        samples: {
            let chain = try SampleChain.shared()
            return [chain.genesis.scaleBytes] + chain.blocks.map(\.header.scaleBytes)
        },
        check: { bytes throws(FuzzFinding) in try Properties.scale(Header.self, bytes) })

    static let block = FuzzTarget(
        "block", reads: "a block with its extrinsics", runs: 8_000, upTo: 140 * 1024,
        samples: { try SampleChain.shared().blocks.prefix(2).map(\.scaleBytes) },
        check: { bytes throws(FuzzFinding) in
            if case .accepted = try Properties.scale(Block.self, bytes) { return .accepted }
            return try Properties.scale(Extrinsic.self, bytes)
        })

    static let chainState = FuzzTarget(
        "chain-state", reads: "the chain's state, its constants, a validator set", runs: 6_000,
        samples: {
            let chain = try SampleChain.shared()
            return [
                chain.state.scaleBytes, chain.constants.scaleBytes, chain.set.scaleBytes,
                chain.constants.votingTimings.scaleBytes,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            if try Properties.scale(ChainState.self, bytes) == .accepted { return .accepted }
            if try Properties.scale(ChainConstants.self, bytes) == .accepted { return .accepted }
            if try Properties.scale(VotingTimings.self, bytes) == .accepted { return .accepted }
            return try Properties.scale(ValidatorSet.self, bytes)
        })

    static let vote = FuzzTarget(
        "vote", reads: "a vote, and an entry of a certificate", runs: 20_000, upTo: 4_096,
        samples: {
            let chain = try SampleChain.shared()
            return [
                try chain.vote(1, .prevote, round: 5, for: chain.blocks[0].header.ref).scaleBytes,
                try chain.vote(2, .precommit, round: 5, for: nil).scaleBytes,
                try chain.entries([3], .prevote, round: 5, for: nil)[0].scaleBytes,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            if try Properties.scale(VoteEntry.self, bytes) == .accepted { return .accepted }
            let outcome = try Properties.scale(CoherenceVote.self, bytes)
            if let vote = try? SCALEDecoder.decode(CoherenceVote.self, from: bytes),
                let chain = try? SampleChain.shared()
            {
                // What passes the check must be signable: 244 bytes and no trap.
                let isGood = (try? vote.verify(in: chain.domain, using: LenientVerifier())) != nil
                try Properties.require(
                    !isGood || chain.domain.signedBytes(of: vote).count == 244, "signed bytes")
            }
            return outcome
        })

    static let quorumCertificate = FuzzTarget(
        "quorum-certificate", reads: "a quorum certificate and its verification", runs: 8_000,
        samples: {
            let chain = try SampleChain.shared()
            return [
                try chain.quorumCertificate(round: 5, for: chain.blocks[0].header.ref).scaleBytes
            ]
        },
        check: { bytes throws(FuzzFinding) in
            let outcome = try Properties.scale(QuorumCertificate.self, bytes)
            if let quorum = try? SCALEDecoder.decode(QuorumCertificate.self, from: bytes),
                let chain = try? SampleChain.shared(),
                let verified = try? quorum.verify(in: chain.domain, using: LenientVerifier())
            {
                try Properties.require(
                    quorum.entries.count >= chain.set.quorum && verified.block.hash != .zero,
                    "a quorum certificate of too few, or for nothing, verifies")
            }
            return outcome
        })

    static let certificate = FuzzTarget(
        "certificate", reads: "a finality certificate and its verification", runs: 8_000,
        samples: {
            let chain = try SampleChain.shared()
            return [try chain.certificate(round: 5, for: chain.blocks[0].header.ref).scaleBytes]
        },
        check: { bytes throws(FuzzFinding) in
            let outcome = try Properties.scale(FinalityCertificate.self, bytes)
            if let given = try? SCALEDecoder.decode(FinalityCertificate.self, from: bytes),
                let chain = try? SampleChain.shared(),
                let verified = try? given.verify(
                    set: chain.set, genesisHash: chain.genesis.hash, verifier: LenientVerifier())
            {
                let voters = given.precommits.map(\.validator)
                try Properties.require(
                    voters == voters.sorted() && Set(voters).count == voters.count
                        && voters.count >= chain.set.quorum && verified.block.hash != .zero,
                    "a certificate of too few, or for nothing, verifies")
            }
            return outcome
        })

    static let evidence = FuzzTarget(
        "evidence", reads: "double votes, sign records, locks, alarms", runs: 8_000,
        samples: {
            let chain = try SampleChain.shared()
            let block = chain.blocks[0].header.ref
            let quorum = try chain.quorumCertificate(round: 5, for: block)
            let certificate = try chain.certificate(round: 6, for: block)
            let lock = try SCALEDecoder.decode(Lock.self, from: quorum.scaleBytes)
            return [
                [0] + (try chain.doubleVote().scaleBytes),
                [1] + (try chain.signRecord().scaleBytes),
                [2] + lock.scaleBytes,
                [3] + SafetyAlarm.conflictingLock(lock, certificate).scaleBytes,
                [3] + SafetyAlarm.ownDoubleVote(try chain.doubleVote()).scaleBytes,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            guard let form = bytes.first else { return .refused }
            let rest = Array(bytes.dropFirst())
            return switch form % 4 {
            case 0: try Properties.scale(DoubleVote.self, rest)
            case 1: try Properties.scale(SignRecord.self, rest)
            case 2: try Properties.scale(Lock.self, rest)
            default: try Properties.scale(SafetyAlarm.self, rest)
            }
        })
}
