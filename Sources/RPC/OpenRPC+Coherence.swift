extension RPCMethods {
    /// What the methods of our own finality protocol take and answer.
    static let coherence: [([String], MethodDescription)] = [
        (
            ["coherence_roundState"],
            .init(
                "Who has voted in the rounds that are going on.", [],
                .object([
                    "setId": .number, "best": .nullable(round), "background": .list(round),
                    "finalized": block, "lock": .nullable(reference),
                    "highestQuorumCertificate": .nullable(reference),
                ]))
        ),
        (["coherence_validators"], .init("The validator set in force.", [], validatorSet)),
        (
            ["coherence_votes"],
            .init(
                "The verified votes for a block that are held.", [.required("hash", .hash)],
                .list(vote))
        ),
        (
            ["coherence_proveFinality"],
            .init(
                "The lowest certificate at a height or above, with the headers up to its block.",
                [.required("number", .any)], .nullable(proof))
        ),
        (
            ["coherence_handOffs"],
            .init(
                "How validator sets handed over, from a set on.",
                [.required("fromSetId", .any)], .list(handOff))
        ),
        (
            ["coherence_bans"],
            .init(
                "The banned peers.", [],
                .list(.object(["peerId": .text, "until": .number, "count": .number])))
        ),
        (
            ["coherence_timings"],
            .init(
                "When the newest votes and blocks were made, counted and final.", [],
                .object(["votes": .list(.table(.any)), "blocks": .list(.table(.any))]))
        ),
        (
            ["coherence_statistics"],
            .init(
                "What gossip, network, disk and process have counted; may change with any version.",
                [], .table(.any))
        ),
        (
            ["coherence_subscribeCertificates"],
            .init("Tells of finality certificates.", [], .text, notification: certificate)
        ),
        (
            ["coherence_subscribeVotes"],
            .init(
                "Tells of counted votes and of double votes.", [], .text, notification: voteNotice)
        ),
        (
            ["coherence_unsubscribeCertificates", "coherence_unsubscribeVotes"],
            .init(
                "Ends a subscription; false when there is none of that id.",
                [.required("subscription", .text)], .bool)
        ),
    ]

    private static let block = ResultSchema.object(["hash": .hash, "number": .number])

    private static let reference = ResultSchema.object([
        "round": .number, "hash": .hash, "number": .number,
    ])

    private static let voters = ResultSchema.object([
        "currentWeight": .number, "missing": .list(.account),
    ])

    private static let round = ResultSchema.object([
        "round": .number, "totalWeight": .number, "thresholdWeight": .number, "prevotes": voters,
        "precommits": voters,
    ])

    private static let validatorSet = ResultSchema.object([
        "setId": .number, "setHash": .hash,
        "supermajority": .oneOf(["twoThirds", "moreThanTwoThirds"]), "totalWeight": .number,
        "thresholdWeight": .number,
        "validators": .list(
            .object([
                "index": .number, "account": .account, "accountId": .hash,
                "falconPublicKey": .hex,
            ])),
    ])

    private static let voteType = ResultSchema.oneOf(["Prevote", "Precommit"])

    private static let quantumState = ResultSchema.object([
        "validProofs": .number, "rejectedProofs": .number, "averageQber": .number,
        "entropyPoolHash": .hash, "reporterCount": .number, "minQber": .number,
        "maxQber": .number,
    ])

    private static let vote = ResultSchema.object([
        "index": .number, "validator": .account, "blockHash": .hash, "blockNumber": .number,
        "coherenceScore": .number, "quantumState": quantumState, "voteType": voteType,
        "round": .number, "setId": .number, "signature": .hex,
    ])

    private static let voteNotice = ResultSchema.either([
        .object([
            "kind": .oneOf(["vote"]), "own": .bool, "index": .number, "validator": .account,
            "voteType": voteType, "round": .number, "setId": .number,
            "blockHash": .nullable(.hash), "blockNumber": .nullable(.number),
            "coherenceScore": .number, "quantumState": quantumState, "receivedAt": .number,
            "isLate": .bool,
        ]),
        .object([
            "kind": .oneOf(["doubleVote"]), "index": .number, "validator": .account,
            "voteType": voteType, "round": .number, "setId": .number,
        ]),
    ])

    private static let certificate = ResultSchema.object([
        "blockHash": .hash, "blockNumber": .number, "setId": .number, "round": .number,
        "certificate": .hex, "signers": .list(.number), "finalizedAt": .number,
        "latencyMs": .nullable(.number),
    ])

    private static let proof = ResultSchema.object([
        "blockHash": .hash, "blockNumber": .number, "setId": .number, "round": .number,
        "certificate": .hex, "headers": .list(.hex),
    ])

    private static let handOff = ResultSchema.object([
        "setId": .number, "blockNumber": .number, "certificate": .hex, "header": .hex,
        "nextSet": .hex,
    ])
}
