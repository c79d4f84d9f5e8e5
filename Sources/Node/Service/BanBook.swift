internal import LibP2P
internal import Logging
internal import Networking
internal import Primitives
internal import RPC
internal import Storage
internal import Synchronization

/// Which peers are banned until when, and how often each was: survives a restart.
final class BanBook: Sendable {
    private static let limit = 4_096
    private let storage: StorageBridge
    private let logger = Logger(label: "peers")
    private let bans = Mutex<[PeerID: StoredBan]>([:])

    init(storage: StorageBridge) { self.storage = storage }

    /// Loads what is stored and bans in the swarm whoever is still banned.
    func restore(into swarm: Swarm) async throws {
        let now = NodeClock.unixMilliseconds() / 1_000
        for ban in try await storage.bans() {
            guard let peer = try? PeerID(bytes: ban.peerID) else { continue }
            bans.withLock { $0[peer] = ban }
            if ban.untilUnixSeconds > now {
                swarm.ban(peer, for: .seconds(Int64(clamping: ban.untilUnixSeconds - now)))
            }
        }
    }

    /// How often a peer was banned.
    func count(of peer: PeerID) -> UInt32 { bans.withLock { $0[peer]?.count ?? 0 } }

    /// Notes a ban, which `store` makes durable.
    func add(_ peer: PeerID, for duration: Duration) {
        let until =
            NodeClock.unixMilliseconds() / 1_000 + UInt64(max(0, duration.components.seconds))
        bans.withLock { bans in
            bans[peer] = StoredBan(
                peerID: peer.bytes, untilUnixSeconds: until,
                count: min(bans[peer]?.count ?? 0, .max - 1) + 1)
            if bans.count > Self.limit, let oldest = bans.min(by: Self.endsEarlier)?.key {
                bans[oldest] = nil
            }
        }
    }

    /// Makes what is noted of a peer durable.
    func store(_ peer: PeerID) async {
        guard let ban = bans.withLock({ $0[peer] }) else { return }
        await store(.ban(ban))
    }

    /// Ends a ban, as for a peer that became reserved; how often it was banned is forgotten too.
    func remove(_ peer: PeerID) async {
        guard bans.withLock({ $0.removeValue(forKey: peer) }) != nil else { return }
        await store(.unban(peerID: peer.bytes))
    }

    private func store(_ record: DurableRecord) async {
        do {
            try await storage.apply([record])
        } catch {
            logger.error("A ban could not be stored: \(error)")
        }
    }

    private static func endsEarlier(
        _ left: (key: PeerID, value: StoredBan), _ right: (key: PeerID, value: StoredBan)
    ) -> Bool {
        left.value.untilUnixSeconds < right.value.untilUnixSeconds
    }

    /// The bans in force, as RPC tells them.
    func reports() -> [BanReport] {
        let now = NodeClock.unixMilliseconds() / 1_000
        return bans.withLock(\.self).filter { $0.value.untilUnixSeconds > now }
            .sorted { $0.key < $1.key }
            .map {
                BanReport(
                    peerID: "\($0.key)", untilUnixSeconds: $0.value.untilUnixSeconds,
                    count: $0.value.count)
            }
    }
}
