extension RPCMethods {
    /// What the methods of a node take and answer, by name; aliases included.
    package static let descriptions: [String: MethodDescription] = {
        var all: [String: MethodDescription] = [:]
        for (names, description) in rpc + system + chain + author + state + coherence {
            for name in names { all[name] = description }
        }
        return all
    }()

    private typealias Table = [([String], MethodDescription)]

    private static let rpc: Table = [
        (
            ["rpc_methods"],
            .init("The names of all methods, sorted.", [], .object(["methods": .list(.text)]))
        ),
        (["rpc.discover"], .init("This document.", [], .any)),
    ]

    private static let system: Table = [
        (["system_name"], .init("The implementation's name.", [], .text)),
        (["system_version"], .init("The implementation's version.", [], .text)),
        (["system_chain"], .init("The chain's name.", [], .text)),
        (
            ["system_chainType"],
            .init("What the network is for.", [], .oneOf(["Development", "Local", "Live"]))
        ),
        (
            ["system_properties"],
            .init("The chain's properties.", [], .object(["ss58Format": .number]))
        ),
        (["system_localPeerId"], .init("The node's peer id.", [], .text)),
        (
            ["system_nodeRoles"],
            .init("What the node is.", [], .list(.oneOf(["Authority", "Full"])))
        ),
        (
            ["system_localListenAddresses"],
            .init("Where peers reach the node.", [], .list(.text))
        ),
        (
            ["system_health"],
            .init(
                "Peers, and whether the node is catching up.", [],
                .object(["peers": .number, "isSyncing": .bool, "shouldHavePeers": .bool]))
        ),
        (
            ["system_syncState"],
            .init(
                "How far the node has caught up.", [],
                .object([
                    "startingBlock": .number, "currentBlock": .number, "highestBlock": .number,
                ]))
        ),
        (["system_peers"], .init("The connected peers.", [], .list(peer))),
        (["system_reservedPeers"], .init("Peers that always get in.", [], .list(.text))),
        (
            ["system_addReservedPeer"],
            .init(
                "Makes a peer reserved until the node stops.",
                [.required("peer", .text)], .null)
        ),
        (
            ["system_removeReservedPeer"],
            .init("Makes a reserved peer an ordinary one.", [.required("peerId", .text)], .null)
        ),
        (
            ["system_unstable_networkState"],
            .init(
                "Everything about connections; its members may change with any version.", [],
                .table(.any))
        ),
        (
            ["system_addLogFilter"],
            .init("Changes log levels.", [.required("directives", .text)], .null)
        ),
        (["system_resetLogFilter"], .init("Undoes system_addLogFilter.", [], .null)),
    ]

    private static let peer = ResultSchema.object([
        "peerId": .text, "roles": .oneOf(["AUTHORITY", "FULL"]), "bestHash": .hash,
        "bestNumber": .number, "postQuantumTransport": .bool,
    ])

    private static let header = ResultSchema.object([
        "parentHash": .hash, "number": .hexNumber, "stateRoot": .hash, "extrinsicsRoot": .hash,
        "digest": .object(["logs": .list(.hex)]),
    ])

    private static let blockNumber = ResultSchema.either([.number, .pattern("^0x[0-9a-f]{1,16}$")])

    private static let chain: Table = [
        (
            ["chain_getHeader"],
            .init(
                "A block's header; the best block's without a hash.",
                [.optional("hash", .hash)], .nullable(header))
        ),
        (
            ["chain_getBlock"],
            .init(
                "A block and the certificate for it.", [.optional("hash", .hash)],
                .nullable(
                    .object([
                        "block": .object(["header": header, "extrinsics": .list(.hex)]),
                        "justifications": .nullable(.list(.list(.list(.number)))),
                    ])))
        ),
        (
            ["chain_getBlockHash", "chain_getHead"],
            .init(
                "The hash at a height of the best chain, or the hashes at several.",
                [.optional("hash", .either([blockNumber, .list(blockNumber)]))],
                .either([.hash, .null, .list(.nullable(.hash))]))
        ),
        (
            ["chain_getFinalizedHead", "chain_getFinalisedHead"],
            .init("The hash of the last final block.", [], .hash)
        ),
        (
            ["chain_subscribeNewHeads", "chain_subscribeNewHead", "subscribe_newHead"],
            subscription("Tells of heads of the best chain.", header)
        ),
        (
            ["chain_subscribeAllHeads"],
            subscription("Tells of every imported block.", header)
        ),
        (
            ["chain_subscribeFinalizedHeads", "chain_subscribeFinalisedHeads"],
            subscription("Tells of final blocks that have a certificate of their own.", header)
        ),
        (
            [
                "chain_unsubscribeNewHeads", "chain_unsubscribeNewHead", "unsubscribe_newHead",
                "chain_unsubscribeAllHeads", "chain_unsubscribeFinalizedHeads",
                "chain_unsubscribeFinalisedHeads",
            ], unsubscription
        ),
    ]

    private static func subscription(
        _ summary: String, _ notification: ResultSchema
    ) -> MethodDescription {
        .init(summary, [], .text, notification: notification)
    }

    private static let unsubscription = MethodDescription(
        "Ends a subscription; false when there is none of that id.",
        [.required("subscription", .text)], .bool)

    private static let author: Table = [
        (
            ["author_submitExtrinsic"],
            .init("Puts an extrinsic into the pool.", [.required("extrinsic", .hex)], .hash)
        ),
        (["author_pendingExtrinsics"], .init("The extrinsics of the pool.", [], .list(.hex))),
        (
            ["author_rotateKeys"],
            .init("Makes a session key and answers its public key.", [], .hex)
        ),
        (
            ["author_insertKey"],
            .init(
                "Puts a key into the keystore.",
                [
                    .required("keyType", .text), .required("suri", .text),
                    .required("publicKey", .hex),
                ], .null)
        ),
        (
            ["author_hasKey"],
            .init(
                "Whether the keystore has a key.",
                [.required("publicKey", .hex), .required("keyType", .text)], .bool)
        ),
        (
            ["author_hasSessionKeys"],
            .init(
                "Whether the keystore has all of these keys.",
                [.required("sessionKeys", .hex)], .bool)
        ),
    ]

    private static let runtimeVersion = ResultSchema.object([
        "specName": .text, "implName": .text, "authoringVersion": .number, "specVersion": .number,
        "implVersion": .number, "apis": .list(.any), "transactionVersion": .number,
        "systemVersion": .number, "stateVersion": .number,
    ])

    private static let state: Table = [
        (
            ["state_getRuntimeVersion", "chain_getRuntimeVersion"],
            .init("The version of the chain's rules.", [.optional("at", .hash)], runtimeVersion)
        ),
        (
            ["state_getMetadata"],
            .init(
                "Types of headers, digests and extrinsics: metadata of version 14.",
                [.optional("at", .hash)], .hex)
        ),
        (
            ["state_call"],
            .init(
                "Metadata_metadata, Metadata_metadata_versions and Metadata_metadata_at_version.",
                [.required("name", .text), .required("data", .hex), .optional("at", .hash)], .hex)
        ),
    ]
}
