internal import Chain
internal import Coherence
import Glibc
internal import LibP2P
internal import Networking
internal import Primitives
internal import RPC
internal import Storage
internal import Validator
internal import VoteGossip

extension RPCMethods {
    /// `coherence_statistics`: what the vote gossip, the network, the disk and the process have
    /// counted since the start.
    mutating func addStatistics(
        _ host: ValidatorHost, network: NetworkBridge, storage: StorageBridge,
        recorder: MetricsRecorder
    ) {
        add("coherence_statistics", access: .operatorOnly) { (_) throws(RPCError) in
            let core = await host.core
            let snapshot = await network.swarm.snapshot()
            let topic = await network.topic?.snapshot()
            return [
                "gossip": core.gossip.counters.json,
                "topic": topic.map(\.json) ?? .null,
                "gossipHeldBytes": .integer(core.gossip.gauges.heldByteCount),
                "protocols": .object(
                    snapshot.protocols.keys.sorted().compactMap { name in
                        snapshot.protocols[name].map { JSONMember(name, $0.json) }
                    }),
                "connections": snapshot.totals.json,
                "discovery": [
                    "knownPeers": .integer(snapshot.knownPeers),
                    "routingPeers": .integer(snapshot.routingPeers),
                ],
                "storage": storage.statistics.json,
                "process": ProcessUsage.now.json,
                "clockSkewMilliseconds": recorder.snapshot.clockSkewMilliseconds.map {
                    .integer($0)
                } ?? .null,
            ]
        }
    }
}

/// What this process has used of the machine.
struct ProcessUsage: Sendable {
    /// CPU time, user and system.
    let cpu: Duration
    /// Memory that is in RAM now, in bytes.
    let residentByteCount: Int

    static var now: ProcessUsage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let cpu = [usage.ru_utime, usage.ru_stime].reduce(Duration.zero) {
            $0 + .seconds($1.tv_sec) + .microseconds($1.tv_usec)
        }
        return ProcessUsage(cpu: cpu, residentByteCount: residentByteCount())
    }

    /// The second number of /proc/self/statm, in pages; 0 where there is none.
    private static func residentByteCount() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = fread(&buffer, 1, buffer.count, file)
        let fields = String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    fileprivate var json: JSONValue {
        [
            "cpuMicroseconds": .integer(microseconds(cpu)),
            "residentBytes": .integer(residentByteCount),
        ]
    }
}

private func microseconds(_ duration: Duration) -> Int64 {
    duration.components.seconds * 1_000_000
        + duration.components.attoseconds / 1_000_000_000_000
}

extension GossipCounters {
    fileprivate var json: JSONValue {
        [
            "received": received.json, "receivedBytes": receivedBytes.json,
            "sent": sent.json, "sentBytes": sentBytes.json,
            "entriesReceived": .integer(entriesReceived),
            "entriesDistinct": .integer(entriesDistinct),
            "accepted": .integer(accepted),
            "ignored": .object(
                IgnoreReason.allCases.map { JSONMember($0.rawValue, .integer(ignored($0))) }),
            "rejected": .object(
                Offence.allCases.map { JSONMember($0.rawValue, .integer(rejected($0))) }),
            "signaturesChecked": .integer(signaturesChecked),
            "bans": .integer(bans),
            "published": .integer(published),
            "resends": .integer(resends),
        ]
    }
}

extension PubSubSnapshot {
    /// What the router of the votes' topic has seen.
    fileprivate var json: JSONValue {
        [
            "mesh": .integer(topics.first?.mesh.count ?? 0),
            "subscribers": .integer(topics.first?.subscribers.count ?? 0),
            "received": .integer(counters.received),
            "duplicates": .integer(counters.duplicates),
            "accepted": .integer(counters.accepted), "ignored": .integer(counters.ignored),
            "rejected": .integer(counters.rejected),
            "unverified": .integer(counters.unverified), "muted": .integer(counters.muted),
            "published": .integer(counters.published), "sent": .integer(counters.sent),
            "graylisted": .integer(counters.graylisted), "unjudged": .integer(counters.unjudged),
        ]
    }
}

extension CountByKind {
    fileprivate var json: JSONValue {
        .object(GossipMessageKind.allCases.map { JSONMember("\($0)", .integer(self[$0])) })
    }
}

extension ProtocolCounters {
    fileprivate var json: JSONValue {
        [
            "messagesIn": .integer(messagesIn), "messagesOut": .integer(messagesOut),
            "bytesIn": .integer(bytesIn), "bytesOut": .integer(bytesOut),
            "drops": .integer(drops),
        ]
    }
}

extension ConnectionCounters {
    fileprivate var json: JSONValue {
        [
            "bytesIn": .integer(bytesIn), "bytesOut": .integer(bytesOut),
            "opened": .integer(openedInbound + openedOutbound), "closed": .integer(closed),
            "refusedPeers": .integer(refusedPeers),
            "failedHandshakes": .integer(failedHandshakes),
            "failedDials": .integer(failedDials),
        ]
    }
}

extension StorageStatistics {
    fileprivate var json: JSONValue {
        ["chainCommits": chainCommits.json, "signLogCommits": signLogCommits.json]
    }
}

extension StorageStatistics.Durations {
    fileprivate var json: JSONValue {
        [
            "count": .integer(count), "totalMicroseconds": .integer(microseconds(total)),
            "longestMicroseconds": .integer(microseconds(longest)),
        ]
    }
}
