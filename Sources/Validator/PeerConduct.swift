internal import BlockSync
internal import Primitives

/// What peers did wrong on the block and transaction channels, and what follows.
///
/// The vote gossip keeps its own, finer account; here the third proven fault bans.
struct PeerConduct: Sendable {
    /// How long a peer is refused after its third fault.
    static let banDuration = Duration.seconds(600)
    private static let tolerated = 2
    private static let limit = 256

    enum Verdict: Sendable, Hashable {
        case tolerate, disconnect, ban
    }

    private struct Record {
        let peer: PeerHandle
        var isReserved: Bool
        var faults = 0
    }

    /// The peers seen last, the newest at the end.
    private var records: [Record] = []

    /// A peer opened a stream; what it did before is not forgotten.
    mutating func arrived(_ peer: PeerHandle, isReserved: Bool) {
        var record = Record(peer: peer, isReserved: isReserved)
        if let index = records.firstIndex(where: { $0.peer == peer }) {
            record.faults = records.remove(at: index).faults
        }
        records.append(record)
        if records.count > Self.limit { records.removeFirst() }
    }

    /// Takes an offence into account.
    mutating func judge(_ peer: PeerHandle, _ weight: SyncOffence.Weight) -> Verdict {
        switch weight {
        case .slight: return .tolerate
        case .fatal: return .disconnect
        case .fault:
            guard let index = records.firstIndex(where: { $0.peer == peer }),
                !records[index].isReserved
            else { return .tolerate }
            records[index].faults += 1
            guard records[index].faults > Self.tolerated else { return .tolerate }
            records[index].faults = 0
            return .ban
        }
    }
}
