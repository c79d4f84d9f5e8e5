/// The ways of a vote side by side.
extension Page {
    var gossip: String? {
        guard let figures = results.gossip?.figures, let first = figures.ways.first else {
            return nil
        }
        let rows = figures.ways.map { way in
            Format.row(
                "`\(way.name)`", Format.number(way.copies),
                Format.cells(way.finality.propagation, Format.milliseconds),
                Format.rate(way.voteProtocolBytes), Format.rate(way.worstVoteProtocolBytes),
                Format.rate(way.traffic.socketBytes), Format.percent(way.traffic.processorShare),
                Format.milliseconds(way.finality.importToFinality.p50),
                Format.milliseconds(way.finality.importToFinality.p99))
        }
        let slot = Format.seconds(Double(first.finality.slotMilliseconds) / 1_000)
        return """
            ## Notifications and GossipSub

            The ways of a vote that `--gossip` offers, each with \(first.finality.validatorCount) \
            validators in a full mesh and slots of \(slot), over \(first.finality.blockCount) blocks. \
            "Copies": votes received for each distinct one, those that the topic's router dropped \
            included. "Propagation": from the sender's queues to verified and counted at a receiver, \
            each pair. "Received": payload of the protocols that carry votes, of the mean validator \
            and of the worst one each second, GossipSub's control messages included; "sockets": \
            everything. "Finality": from a block's import. Networks of 4 to 100 routers, simulated: \
            [networking.md](networking.md#gossipsub).

            | `--gossip` | copies | propagation p50 | p99 | longest | received | worst | sockets | processor | finality p50 | p99 |
            |---|---|---|---|---|---|---|---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }
}
