/// What validators use: the network, the processor, memory; and how they recover.
extension Page {
    var traffic: String? {
        guard let figures = results.traffic?.figures, let first = figures.networks.first else {
            return nil
        }
        let rows = figures.networks.map(Self.trafficRow)
        let names = Set(figures.networks.flatMap { $0.protocolBytes.keys }).sorted()
        let protocolRows = names.map { name in
            let cells = figures.networks.map { Format.rate($0.protocolBytes[name] ?? 0) }
            return Format.row("`\(name)`", cells.joined(separator: " | "))
        }
        let sizes = figures.networks.map { "n = \($0.validatorCount)" }.joined(separator: " | ")
        let idle = figures.idleProcessorShare
        let loads = figures.networks.map { Self.loadRow($0, idle: idle) }
        return """
            ## Traffic and processor, slots of \(first.slotMilliseconds / 1_000) s

            What a validator receives each second. "Votes" is the payload of votes and vote bundles, \
            of the mean validator and of the worst one; "vote gossip" adds status, certificates and \
            requests; "all protocols" is the payload of everything; "sockets" adds framing, \
            encryption, pings and set-up. d is the duplication factor: vote entries received for each \
            distinct one. All n nodes share the cores and begin each slot together; what is late is \
            forwarded by others, so we expect less traffic and shorter times of n machines than of \
            the large networks here.

            | n | blocks | votes | worst | vote gossip | all protocols | sockets | d | signatures verified per block |
            |---|---|---|---|---|---|---|---|---|
            \(rows.joined(separator: "\n"))

            | payload received | \(sizes) |
            |---|\(String(repeating: "---|", count: figures.networks.count))
            \(protocolRows.joined(separator: "\n"))

            Processor time as a share of one core. An idle node uses \(Format.percent(idle)): a node \
            of the same chain without `--validator` and without peers, so without votes and without \
            blocks. "Added" is what a validator uses beyond that. It holds more than vote gossip: also \
            making, importing and storing blocks, signing, and the liveness pings.

            | n | mean | worst | added, mean | added, worst | finality p50 | p99 | longest |
            |---|---|---|---|---|---|---|---|
            \(loads.joined(separator: "\n"))
            """
    }

    private static func trafficRow(_ network: TrafficFigures.Network) -> String {
        Format.row(
            "\(network.validatorCount)", "\(network.blockCount)", Format.rate(network.voteBytes),
            Format.rate(network.worstVoteBytes), Format.rate(network.gossipBytes),
            Format.rate(network.protocolBytes.values.reduce(0, +)),
            Format.rate(network.socketBytes), Format.number(network.duplicationFactor),
            Format.number(network.signaturesPerBlock))
    }

    private static func loadRow(_ network: TrafficFigures.Network, idle: Double) -> String {
        Format.row(
            "\(network.validatorCount)", Format.percent(network.processorShare),
            Format.percent(network.worstProcessorShare),
            Format.percent(network.processorShare - idle),
            Format.percent(network.worstProcessorShare - idle),
            Format.cells(network.importToFinality, Format.milliseconds))
    }

    var memory: String? {
        guard let figures = results.traffic?.figures else { return nil }
        var rows = figures.networks.map { network in
            Format.row(
                "n = \(network.validatorCount), slots of \(network.slotMilliseconds / 1_000) s",
                Format.megabytes(Double(network.heldBytes)),
                Format.megabytes(network.meanResidentBytes),
                Format.megabytes(Double(network.mostResidentBytes)))
        }
        if let latency = results.latency?.figures {
            let slot = latency.finality.slotMilliseconds
            rows.append(
                Format.row(
                    "n = 3, slots of \(slot) ms, \(Format.count(latency.lookCount)) looks at any time",
                    Format.megabytes(Double(latency.mostHeldBytes)), "-", "-"))
        }
        let idle = Format.megabytes(Double(figures.idleResidentBytes))
        rows.append(Format.row("idle node", "-", idle, "-"))
        return """
            ## Memory

            What the vote gossip holds by its own account (the gauge that its limits are enforced on): \
            just after blocks became final, or the most of many looks at any time; and the resident \
            memory of the whole process, program included.

            | network | votes | resident, mean | resident, most |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }

    var recovery: String? {
        var rows: [String] = []
        func add(_ what: String, _ times: Distribution) {
            let cells = Format.cells(times, Format.milliseconds)
            rows.append(Format.row(what, "\(times.count)", cells))
        }
        if let figures = results.restart?.figures {
            add(
                "two of three run, one is killed: from the start of its new process to its first "
                    + "new final block", figures.startToFinality)
        }
        if let figures = results.partition?.figures {
            let least = Format.seconds(figures.duration.minimum)
            let most = Format.seconds(figures.duration.maximum)
            add(
                "three, all cut off from each other for \(least) to \(most): from the link's return "
                    + "to the first new final block anywhere", figures.healToFirst)
            add("... at every node", figures.healToLast)
        }
        guard !rows.isEmpty else { return nil }
        return """
            ## Recovery

            Slots of 500 ms. Partitions are made by dropping every packet between the nodes, of which \
            TCP hears nothing.

            | what | times | p50 | p99 | longest |
            |---|---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }

    var transport: String? {
        guard let figures = results.transport?.figures else { return nil }
        return """
            ## Transport

            The pure machines, both ends in one thread, without sockets.

            | what | |
            |---|---|
            | Noise XX handshake, both sides | p50 \(Format.microseconds(figures.noiseHandshake.p50)), \
            mean \(Format.microseconds(figures.noiseHandshake.mean)) |
            | secured channel, records of 65,519 bytes | seal \
            \(Format.number(figures.sealMegabytesPerSecond)) MB/s, open \
            \(Format.number(figures.openMegabytesPerSecond)) MB/s |
            | secured channel, records of one vote (1,430 bytes) | seal \
            \(Format.number(figures.sealVotesPerSecond)) per second, open \
            \(Format.number(figures.openVotesPerSecond)) per second |
            | yamux, one stream from session to session | \
            \(Format.number(figures.yamuxMegabytesPerSecond)) MB/s |
            """
    }

    var streams: String? {
        guard let figures = results.streams?.figures else { return nil }
        let rows = figures.pairs.map { pair in
            Format.row(
                pair.sender, pair.receiver,
                "\(Format.number(pair.megabytesPerSecond.p50)) MB/s",
                Format.microseconds(pair.open.p50), Format.microseconds(pair.open.p99))
        }
        let relay = figures.relay
        return """
            ## Streams beside other implementations

            One stream over TCP on loopback, Noise and Yamux, \(figures.byteCount >> 20) MiB each time \
            (an eighth of that with py-libp2p), median; and from the wish for a new stream to the first \
            byte of the answer on it, protocol negotiation included, one stream after the other. Ours are two \
            swarms of one process, as a node has one, with a thread each. go-libp2p is the daemon p2pd: every byte \
            also goes through a unix socket to the driving Python program on each side, which alone does \
            \(Format.number(relay.megabytesPerSecond.p50)) MB/s and takes \
            \(Format.microseconds(relay.open.p50)) for connection and answer; that is in its numbers.

            | sender | receiver | throughput | opening, p50 | p99 |
            |---|---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }
}
