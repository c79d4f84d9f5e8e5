internal import Chain
internal import Coherence
internal import Keystore
internal import Primitives
internal import SCALE

extension RPCMethods {
    /// `coherence_*`: voting and finality.
    mutating func addCoherence(_ node: some NodeQueries) {
        let accounts = AccountText(prefix: node.description.addressPrefix)
        add("coherence_roundState") { (_) throws(RPCError) in
            guard let state = await node.roundState() else {
                throw RPCError(code: 1, message: "Coherence RPC endpoint not ready")
            }
            return state.json(accounts)
        }
        add("coherence_validators") { (_) throws(RPCError) in
            await node.activeSet().json(accounts)
        }
        add("coherence_votes") { (parameters) throws(RPCError) in
            let hash = try parameters.hash(0, "hash")
            let votes = try await answering { () throws(NodeQueryFailure) in
                try await node.votes(for: hash)
            }
            return .array(votes.map { $0.json(accounts) })
        }
        add("coherence_proveFinality") { (parameters) throws(RPCError) in
            let number = try parameters.blockNumber(0, "number")
            return .optional(
                try await answering { () throws(NodeQueryFailure) in
                    try await node.finalityProof(from: number)
                }?.json)
        }
        add("coherence_handOffs") { (parameters) throws(RPCError) in
            let set = SetID(UInt64(try parameters.blockNumber(0, "fromSetId").rawValue))
            return .array(
                try await answering { () throws(NodeQueryFailure) in
                    try await node.handOffs(from: set)
                }.map(\.json))
        }
        add("coherence_bans", access: .operatorOnly) { (_) throws(RPCError) in
            .array(await node.bans().map(\.json))
        }
    }
}

/// Writes accounts as addresses of the chain.
struct AccountText: Sendable {
    let prefix: UInt16

    /// The SS58 address, or hexadecimal digits when the chain's prefix is no valid one.
    func callAsFunction(_ account: AccountID) -> JSONValue {
        .string(SS58Address(account, prefix: prefix)?.description ?? account.description)
    }
}

extension BanReport {
    var json: JSONValue {
        [
            "peerId": .string(peerID), "until": .integer(untilUnixSeconds),
            "count": .integer(count),
        ]
    }
}

extension RoundStateReport {
    /// In the shape of `grandpa_roundState`, with what this protocol has besides.
    func json(_ accounts: AccountText) -> JSONValue {
        [
            "setId": .integer(set.id.rawValue),
            "best": .optional(rounds.first.map { json($0, accounts) }),
            "background": .array(rounds.dropFirst().map { json($0, accounts) }),
            "finalized": [
                "hash": .string(finalised.hash.description),
                "number": .integer(finalised.number.rawValue),
            ],
            "lock": .optional(lock?.json),
            "highestQuorumCertificate": .optional(highestQuorumCertificate?.json),
        ]
    }

    private func json(_ round: Round, _ accounts: AccountText) -> JSONValue {
        [
            "round": .integer(round.number.rawValue),
            "totalWeight": .integer(set.count),
            "thresholdWeight": .integer(set.quorum),
            "prevotes": votes(round.prevotes, accounts),
            "precommits": votes(round.precommits, accounts),
        ]
    }

    private func votes(_ voters: Set<ValidatorIndex>, _ accounts: AccountText) -> JSONValue {
        let missing = set.validators.enumerated().filter { position, _ in
            !voters.contains(ValidatorIndex(UInt16(position)))
        }
        return [
            "currentWeight": .integer(set.count - missing.count),
            "missing": .array(missing.map { accounts($0.element.account) }),
        ]
    }
}

extension RoundStateReport.Reference {
    fileprivate var json: JSONValue {
        [
            "round": .integer(round.rawValue),
            "hash": .string(block.hash.description),
            "number": .integer(block.number.rawValue),
        ]
    }
}

extension ValidatorSet {
    fileprivate func json(_ accounts: AccountText) -> JSONValue {
        let members = validators.enumerated().map { position, validator -> JSONValue in
            [
                "index": .integer(position),
                "account": accounts(validator.account),
                "accountId": .string(validator.account.description),
                "falconPublicKey": .hex(validator.falconPublicKey),
            ]
        }
        return [
            "setId": .integer(id.rawValue),
            "setHash": .string(hash.description),
            "supermajority": .string(policy.name),
            "totalWeight": .integer(count),
            "thresholdWeight": .integer(quorum),
            "validators": .array(members),
        ]
    }
}

extension VoteReport {
    fileprivate func json(_ accounts: AccountText) -> JSONValue {
        [
            "index": .integer(index.rawValue),
            "validator": accounts(vote.validator),
            "blockHash": .string(vote.target.hash.description),
            "blockNumber": .integer(vote.target.number.rawValue),
            "coherenceScore": .integer(vote.coherenceScore),
            "quantumState": vote.quantumState.json,
            "voteType": vote.phase.json,
            "round": .integer(vote.round.rawValue),
            "setId": .integer(vote.setID.rawValue),
            "signature": .hex(vote.signature.bytes),
        ]
    }
}

extension QuantumState {
    var json: JSONValue {
        [
            "validProofs": .integer(validProofs),
            "rejectedProofs": .integer(rejectedProofs),
            "averageQber": .integer(averageQBER),
            "entropyPoolHash": .string(entropyPoolHash.description),
            "reporterCount": .integer(reporterCount),
            "minQber": .integer(minimumQBER),
            "maxQber": .integer(maximumQBER),
        ]
    }
}

extension HandOffProof {
    /// Certificate, header and next set in SCALE.
    fileprivate var json: JSONValue {
        [
            "setId": .integer(certificate.setID.rawValue),
            "blockNumber": .integer(certificate.target.number.rawValue),
            "certificate": .hex(certificate.scaleBytes),
            "header": .hex(header.scaleBytes),
            "nextSet": .hex(nextSet.scaleBytes),
        ]
    }
}

extension FinalityProof {
    /// The certificate and the headers in SCALE, and what the certificate is for.
    fileprivate var json: JSONValue {
        [
            "blockHash": .string(certificate.target.hash.description),
            "blockNumber": .integer(certificate.target.number.rawValue),
            "setId": .integer(certificate.setID.rawValue),
            "round": .integer(certificate.round.rawValue),
            "certificate": .hex(certificate.scaleBytes),
            "headers": .array(headers.map { .hex($0.scaleBytes) }),
        ]
    }
}
