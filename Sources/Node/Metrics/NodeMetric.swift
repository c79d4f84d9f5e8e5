internal import Metrics

/// Every metric of the node, in the order of the page. docs/metrics.md lists the same.
enum NodeMetric {
    static let all = process + substrate + finality + validators + gossip + network + storage
}

/// What the process uses, under the names that Prometheus' own client libraries give it.
extension NodeMetric {
    static let processorSeconds = Metric(
        .counter, "process_cpu_seconds_total", "Processor time used, user and system, in seconds.")
    static let residentBytes = Metric(
        .gauge, "process_resident_memory_bytes", "Memory that is in RAM now, in bytes.")
    static let openFiles = Metric(
        .gauge, "process_open_fds", "Files and sockets that are open.")
    static let maximumFiles = Metric(
        .gauge, "process_max_fds", "How many files and sockets may be open.")
    static let startTime = Metric(
        .gauge, "process_start_time_seconds", "When the process started, in seconds of Unix time.")
    static let queuedWork = Metric(
        .gauge, "coherence_queued_work",
        "Signatures, verifications and reads that wait for a thread or run.")
    static let droppedSeries = Metric(
        .gauge, "coherence_metrics_dropped_series",
        "Series left out of this page because their family is full.")

    private static var process: [Metric] {
        [
            processorSeconds, residentBytes, openFiles, maximumFiles, startTime, queuedWork,
            droppedSeries,
        ]
    }
}

/// What Substrate nodes have under the same names.
extension NodeMetric {
    static let blockHeight = Metric(
        .gauge, "substrate_block_height",
        "Height of the best block, of the finalised one, and of the highest that a peer has.",
        labels: ["status"])
    static let buildInfo = Metric(
        .gauge, "substrate_build_info", "Always 1; the labels say what runs.",
        labels: ["name", "version"])
    static let nodeRoles = Metric(
        .gauge, "substrate_node_roles", "1: a full node, 4: an authority.")
    static let substrateStartTime = Metric(
        .gauge, "substrate_process_start_time_seconds",
        "When the process started, in seconds of Unix time.")
    static let leaves = Metric(
        .gauge, "substrate_number_leaves", "Heads of the block tree above the finalised block.")
    static let readyTransactions = Metric(
        .gauge, "substrate_ready_transactions_number", "Extrinsics in the pool.")
    static let peers = Metric(
        .gauge, "substrate_sub_libp2p_peers_count", "Connected peers.")
    static let isMajorSyncing = Metric(
        .gauge, "substrate_sub_libp2p_is_major_syncing", "1 while the node catches up, else 0.")
    static let connectionsOpened = Metric(
        .counter, "substrate_sub_libp2p_connections_opened_total",
        "Connections that came up, by who dialled: in (the peer) or out.", labels: ["direction"])
    static let connectionsClosed = Metric(
        .counter, "substrate_sub_libp2p_connections_closed_total", "Connections that ended.")
    static let pendingConnections = Metric(
        .gauge, "substrate_sub_libp2p_pending_connections",
        "Connections whose peer is not authenticated yet.")
    static let pendingErrors = Metric(
        .counter, "substrate_sub_libp2p_pending_connections_errors_total",
        "Connections that never came up: dial (nobody answered), handshake, or limit (too many).",
        labels: ["reason"])
    static let listenAddresses = Metric(
        .gauge, "substrate_sub_libp2p_listeners_local_addresses",
        "Addresses that the node listens on for peers.")
    static let networkBytes = Metric(
        .counter, "substrate_sub_libp2p_network_bytes_total",
        "Bytes on all sockets to peers: in or out.", labels: ["direction"])
    static let discovered = Metric(
        .gauge, "substrate_sub_libp2p_peerset_num_discovered", "Peers whose addresses are known.")
    static let syncPeers = Metric(
        .gauge, "substrate_sync_peers", "Peers that blocks are exchanged with.")

    private static var substrate: [Metric] {
        [
            blockHeight, buildInfo, nodeRoles, substrateStartTime, leaves, readyTransactions, peers,
            isMajorSyncing, connectionsOpened, connectionsClosed, pendingConnections, pendingErrors,
            listenAddresses, networkBytes, discovered, syncPeers,
        ]
    }
}
