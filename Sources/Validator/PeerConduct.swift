internal import BlockSync
internal import Primitives
internal import VoteGossip

/// What peers did wrong on the block and transaction channels, and what follows.
///
/// The vote gossip keeps its own, finer account; here the third proven fault bans, for longer each
/// time (`PeerReputation.banDuration`).
struct PeerConduct: Sendable {
    private static let tolerated = 2
    private static let limit = 256

    enum Verdict: Sendable, Hashable {
        case tolerate, disconnect
        case ban(Duration)
    }

    private struct Record {
        let peer: PeerHandle
        var isReserved: Bool
        var faults = 0
        /// How often the peer was banned, here or before.
        var bans: UInt32
    }

    /// The peers seen last, the newest at the end.
    private var records: [Record] = []

    /// A peer opened a stream; what it did before is not forgotten.
    ///
    /// - Parameter earlierBans: how often it was banned by any protocol, as the shell remembers.
    mutating func arrived(_ peer: PeerHandle, isReserved: Bool, earlierBans: UInt32) {
        var record = Record(peer: peer, isReserved: isReserved, bans: earlierBans)
        if let index = records.firstIndex(where: { $0.peer == peer }) {
            let known = records.remove(at: index)
            record.faults = known.faults
            record.bans = max(record.bans, known.bans)
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
            let duration = PeerReputation.banDuration(after: records[index].bans)
            records[index].bans = min(records[index].bans, .max - 1) + 1
            return .ban(duration)
        }
    }
}
