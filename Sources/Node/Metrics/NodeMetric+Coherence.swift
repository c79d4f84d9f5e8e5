internal import Metrics

/// The finality protocol.
extension NodeMetric {
    static let round = Metric(.gauge, "coherence_round", "The round that the node is in.")
    static let setID = Metric(.gauge, "coherence_validator_set", "The validator set in force.")
    static let validatorCount = Metric(
        .gauge, "coherence_validators", "Validators of the set in force.")
    static let quorum = Metric(
        .gauge, "coherence_quorum", "Votes that make a block of the set in force final.")
    static let signing = Metric(
        .gauge, "coherence_signing_state",
        "0: voting, 1: abstaining, 2: signing stopped by an alarm, 3: following, no key in this set."
    )
    static let prevotes = Metric(
        .counter, "coherence_prevotes_total",
        "Prevotes counted, by whose they are (own or others) and what for (block or nil).",
        labels: ["by", "target"])
    static let precommits = Metric(
        .counter, "coherence_precommits_total",
        "Precommits counted, by whose they are (own or others) and what for (block or nil).",
        labels: ["by", "target"])
    static let roundsEnded = Metric(
        .counter, "coherence_rounds_ended_total",
        "Rounds with votes that are over, their late votes included.")
    static let ownMissedRounds = Metric(
        .counter, "coherence_own_missed_rounds_total",
        "Ended rounds in which this validator cast neither vote.")
    static let prevoteQuorum = Metric(
        .histogram, "coherence_prevote_quorum_seconds",
        "From a round's first prevote to a quorum of prevotes for one block.")
    static let precommitQuorum = Metric(
        .histogram, "coherence_precommit_quorum_seconds",
        "From a round's first prevote to a quorum of precommits for one block.")
    static let finalityLatency = Metric(
        .histogram, "coherence_finality_seconds", "From a block's import to its finality.")
    static let finalisedBlocks = Metric(
        .counter, "coherence_finalised_blocks_total", "Blocks that became final.")
    static let lockAge = Metric(
        .gauge, "coherence_lock_age_seconds", "How long the present lock has been held; 0: no lock."
    )
    static let lockedRound = Metric(
        .gauge, "coherence_lock_round", "The round of the present lock; no series without a lock.")
    static let ownQBER = Metric(
        .gauge, "coherence_own_qber_ratio",
        "The average quantum bit error rate of the own source, 0 to 1; no series while unknown.")
    static let doubleVotes = Metric(
        .counter, "coherence_equivocations_total",
        "Double votes and double blocks that were proved: kind vote or block.", labels: ["kind"])
    static let evidence = Metric(
        .gauge, "coherence_evidence", "Pieces of evidence of double votes that are stored.")
    static let clockSkew = Metric(
        .gauge, "coherence_clock_skew_seconds",
        "How long after their slot's start blocks of others arrive at best; negative: clock behind."
    )
    static let treeBlocks = Metric(
        .gauge, "coherence_tree_blocks", "Blocks in memory: the finalised one and all above it.")

    static var finality: [Metric] {
        [
            round, setID, validatorCount, quorum, signing, prevotes, precommits, roundsEnded,
            ownMissedRounds, prevoteQuorum, precommitQuorum, finalityLatency, finalisedBlocks,
            lockAge, lockedRound, ownQBER, doubleVotes, evidence, clockSkew, treeBlocks,
        ]
    }
}

/// Each validator of the set in force, as this node sees it; at most 1,000 of them.
extension NodeMetric {
    private static let labels = ["validator", "account"]

    static let validatorMissed = Metric(
        .counter, "coherence_validator_missed_rounds_total",
        "Ended rounds of this set in which no vote of the validator was counted here.",
        labels: labels)
    static let certificateMissing = Metric(
        .gauge, "coherence_certificate_missing",
        "1 when the last certificate has no precommit of the validator; a quorum is enough for it.",
        labels: labels)
    static let validatorQBER = Metric(
        .gauge, "coherence_validator_qber_ratio",
        "The average quantum bit error rate of the validator's last vote in a certificate, 0 to 1.",
        labels: labels)
    static let validatorScore = Metric(
        .gauge, "coherence_validator_score",
        "The coherence score of the validator's last vote in a certificate, 0 to 100.",
        labels: labels)
    static let blockDelay = Metric(
        .gauge, "coherence_validator_block_delay_seconds",
        "How long after their slot's start the validator's blocks arrive here at best.",
        labels: labels)

    static var validators: [Metric] {
        [validatorMissed, certificateMissing, validatorQBER, validatorScore, blockDelay]
    }
}

/// The gossip of votes.
extension NodeMetric {
    static let gossipMessages = Metric(
        .counter, "coherence_gossip_messages_total",
        "Messages of the vote gossip: in, or out (once for each peer), by kind.",
        labels: ["direction", "kind"])
    static let gossipBytes = Metric(
        .counter, "coherence_gossip_bytes_total",
        "Bytes of the vote gossip: in, or out (once for each peer), by kind.",
        labels: ["direction", "kind"])
    static let entriesReceived = Metric(
        .counter, "coherence_vote_entries_received_total",
        "Votes received, by themselves or in bundles.")
    static let entriesDistinct = Metric(
        .counter, "coherence_vote_entries_distinct_total",
        "Votes received that were the first of their validator, round and phase.")
    static let duplicationFactor = Metric(
        .gauge, "coherence_vote_duplication_factor",
        "Votes received for each distinct one since the start; 1 is the least.")
    static let gossipVerdicts = Metric(
        .counter, "coherence_gossip_verdicts_total",
        "What became of votes and certificates of others: accepted, ignored or rejected, and why.",
        labels: ["verdict", "reason"])
    static let signaturesChecked = Metric(
        .counter, "coherence_signatures_checked_total",
        "Signatures of votes handed to verification."
    )
    static let verification = Metric(
        .histogram, "coherence_verification_seconds",
        "How long verifying a vote, a certificate or evidence took.")
    static let resends = Metric(
        .counter, "coherence_resends_total", "Times that own votes were sent again.")
    static let requestsTimedOut = Metric(
        .counter, "coherence_requests_timed_out_total",
        "Requests for votes and certificates that no peer answered in time.")
    static let bansImposed = Metric(
        .counter, "coherence_bans_total", "Peers banned by the vote gossip.")
    static let queueBytes = Metric(
        .gauge, "coherence_queue_bytes",
        "Bytes that the vote gossip holds: parked (votes whose block is missing), verifying, or all.",
        labels: ["queue"])
    static let queueBudget = Metric(
        .gauge, "coherence_queue_budget_bytes", "The most bytes that the vote gossip may hold.")
    static let topicMessages = Metric(
        .counter, "coherence_topic_messages_total",
        "Messages of the GossipSub topic: received, duplicate, published, sent or graylisted.",
        labels: ["event"])

    static var gossip: [Metric] {
        [
            gossipMessages, gossipBytes, entriesReceived, entriesDistinct, duplicationFactor,
            gossipVerdicts, signaturesChecked, verification, resends, requestsTimedOut,
            bansImposed, queueBytes, queueBudget, topicMessages,
        ]
    }
}

/// Peers and protocols.
extension NodeMetric {
    static let peersByKind = Metric(
        .gauge, "coherence_peers",
        "Connected peers by who dialled (in: the peer) and how the connection is encrypted.",
        labels: ["direction", "security"])
    static let votePeers = Metric(
        .gauge, "coherence_vote_peers", "Peers with an open stream for votes.")
    static let bannedPeers = Metric(.gauge, "coherence_banned_peers", "Bans in force.")
    static let routingPeers = Metric(
        .gauge, "coherence_routing_peers", "Peers in the routing table.")
    static let refusedPeers = Metric(
        .counter, "coherence_refused_peers_total",
        "Connections refused after authentication: banned, no slot, or not reserved.")
    static let roundTrip = Metric(
        .gauge, "coherence_peer_round_trip_seconds",
        "The longest of the peers' last ping times; no series before the first.")
    static let protocolMessages = Metric(
        .counter, "coherence_protocol_messages_total", "Messages of a protocol: in or out.",
        labels: ["protocol", "direction"])
    static let protocolBytes = Metric(
        .counter, "coherence_protocol_bytes_total", "Payload bytes of a protocol: in or out.",
        labels: ["protocol", "direction"])
    static let protocolDrops = Metric(
        .counter, "coherence_protocol_dropped_messages_total",
        "Messages for peers that were dropped: superseded, no room, or the stream ended.",
        labels: ["protocol"])
    static let rpcConnections = Metric(
        .gauge, "coherence_rpc_connections", "Open connections of JSON-RPC.")
    static let rpcRefused = Metric(
        .counter, "coherence_rpc_refused_connections_total",
        "Connections of JSON-RPC turned away because there were too many.")
    static let rpcRequests = Metric(
        .counter, "coherence_rpc_requests_total", "Bodies of JSON-RPC answered.")

    static var network: [Metric] {
        [
            peersByKind, votePeers, bannedPeers, routingPeers, refusedPeers, roundTrip,
            protocolMessages, protocolBytes, protocolDrops, rpcConnections, rpcRefused, rpcRequests,
        ]
    }
}

/// The disk.
extension NodeMetric {
    static let commits = Metric(
        .histogram, "coherence_commit_seconds",
        "How long a commit took, its fsync included: of the chain's database or of the sign log.",
        labels: ["database"])
    static let diskFree = Metric(
        .gauge, "coherence_disk_free_bytes", "Bytes free on the disk of the base path.")
    static let diskSize = Metric(
        .gauge, "coherence_disk_size_bytes", "The size of the disk of the base path.")

    static var storage: [Metric] { [commits, diskFree, diskSize] }
}
