package import Coherence
internal import Primitives
internal import SCALE

/// A block became final: what `coherence_certificate` tells.
package struct CertificateNotice: Sendable {
    package var certificate: FinalityCertificate
    /// When this node knew, in milliseconds of Unix time.
    package var finalisedAt: UInt64
    /// From the block's import here to that; nil when the import is not remembered.
    package var latencyMilliseconds: UInt64?

    package init(
        certificate: FinalityCertificate, finalisedAt: UInt64, latencyMilliseconds: UInt64?
    ) {
        self.certificate = certificate
        self.finalisedAt = finalisedAt
        self.latencyMilliseconds = latencyMilliseconds
    }

    package var json: JSONValue {
        [
            "blockHash": .string(certificate.target.hash.description),
            "blockNumber": .integer(certificate.target.number.rawValue),
            "setId": .integer(certificate.setID.rawValue),
            "round": .integer(certificate.round.rawValue),
            "certificate": .hex(certificate.scaleBytes),
            "signers": .array(certificate.precommits.map { .integer($0.validator.rawValue) }),
            "finalizedAt": .integer(finalisedAt),
            "latencyMs": .optional(latencyMilliseconds.map { .integer($0) }),
        ]
    }
}

/// A vote was counted: what `coherence_vote` tells.
package struct VoteNotice: Sendable {
    package var report: VoteReport
    /// Whether this node cast it.
    package var isOwn: Bool
    /// When it was counted here, in milliseconds of Unix time.
    package var receivedAt: UInt64
    /// Whether its block was final already when it was counted.
    package var isLate: Bool

    package init(report: VoteReport, isOwn: Bool, receivedAt: UInt64, isLate: Bool) {
        self.report = report
        self.isOwn = isOwn
        self.receivedAt = receivedAt
        self.isLate = isLate
    }

    /// - Parameter addressPrefix: the number that the chain's SS58 addresses begin with.
    package func json(addressPrefix: UInt16) -> JSONValue {
        let vote = report.vote
        let isNil = vote.target.isNil
        return [
            "kind": "vote",
            "own": .bool(isOwn),
            "index": .integer(report.index.rawValue),
            "validator": AccountText(prefix: addressPrefix)(vote.validator),
            "voteType": vote.phase.json,
            "round": .integer(vote.round.rawValue),
            "setId": .integer(vote.setID.rawValue),
            "blockHash": isNil ? .null : .string(vote.target.hash.description),
            "blockNumber": isNil ? .null : .integer(vote.target.number.rawValue),
            "coherenceScore": .integer(vote.coherenceScore),
            "quantumState": vote.quantumState.json,
            "receivedAt": .integer(receivedAt),
            "isLate": .bool(isLate),
        ]
    }
}

extension VerifiedDoubleVote {
    /// What `coherence_vote` tells of a validator that voted twice in one slot.
    package func json(addressPrefix: UInt16) -> JSONValue {
        [
            "kind": "doubleVote",
            "index": .integer(slot.validator.rawValue),
            "validator": AccountText(prefix: addressPrefix)(first.vote.validator),
            "voteType": slot.phase.json,
            "round": .integer(slot.round.rawValue),
            "setId": .integer(slot.setID.rawValue),
        ]
    }
}

extension VotePhase {
    /// `Prevote` or `Precommit`.
    var json: JSONValue { self == .prevote ? "Prevote" : "Precommit" }
}
