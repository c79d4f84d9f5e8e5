package import Primitives

/// What a peer's behaviour costs it.
///
/// Penalty points fade with time and cut off at a threshold that bites; three bad signatures cut
/// off by themselves. A peer forwards only what it verified, so a bad signature proves fault. Nothing
/// earns points back but time, so nobody can farm a reputation with status messages.
/// Source: docs/protocol.md, "Peers".
package struct PeerReputation: Sendable, Equatable {
    /// Points at which a peer is cut off.
    package static let threshold: UInt32 = 100
    /// One point is forgiven in this time.
    package static let pointLife: Duration = .seconds(6)
    /// Bad signatures at which a peer is cut off.
    package static let strikeLimit: UInt32 = 3
    /// One bad signature is forgiven in this time.
    package static let strikeLife: Duration = .seconds(3600)
    /// The first ban; each further one is twice as long.
    package static let firstBan: Duration = .seconds(600)
    /// The longest ban.
    package static let longestBan: Duration = .seconds(86_400)

    /// Penalty points now, after `fade`.
    package private(set) var points: UInt32 = 0
    /// Bad signatures now, after `fade`.
    package private(set) var strikes: UInt32 = 0
    /// How often the peer was cut off; one is forgotten per day.
    package private(set) var bans: UInt32
    private var pointsFadedAt: Instant
    private var strikesFadedAt: Instant
    private var bansFadedAt: Instant

    /// A peer that was cut off `bans` times before, as the address book remembers.
    package init(bans: UInt32 = 0, now: Instant) {
        self.bans = min(bans, 32)
        pointsFadedAt = now
        strikesFadedAt = now
        bansFadedAt = now
    }

    /// How many bad signatures are left before the peer is cut off.
    package var strikesLeft: Int { Int(Self.strikeLimit - min(Self.strikeLimit, strikes)) }

    /// Counts an offence.
    ///
    /// - Returns: for how long the peer is to be banned, nil while it is tolerated. After a ban the
    ///   count starts anew, but the next ban is longer.
    package mutating func record(_ offence: Offence, now: Instant) -> Duration? {
        fade(now: now)
        points = min(points + offence.weight, Self.threshold)
        if offence.isStrike { strikes += 1 }
        guard points >= Self.threshold || strikes >= Self.strikeLimit else { return nil }
        let duration = Self.banDuration(after: bans)
        points = 0
        strikes = 0
        bans = min(bans + 1, 32)
        bansFadedAt = now
        return duration
    }

    /// How long the next ban lasts after that many earlier ones: 10 minutes doubling to 24 hours.
    package static func banDuration(after bans: UInt32) -> Duration {
        // 600 s << 8 is more than a day.
        min(firstBan * (1 << Int(min(bans, 8))), longestBan)
    }

    /// Whether nothing is held against the peer any more.
    package mutating func isClean(now: Instant) -> Bool {
        fade(now: now)
        return points == 0 && strikes == 0 && bans == 0
    }

    /// Forgives what time has forgiven.
    package mutating func fade(now: Instant) {
        Self.fade(&points, since: &pointsFadedAt, by: Self.pointLife, now: now)
        Self.fade(&strikes, since: &strikesFadedAt, by: Self.strikeLife, now: now)
        Self.fade(&bans, since: &bansFadedAt, by: Self.longestBan, now: now)
    }

    private static func fade(
        _ count: inout UInt32, since mark: inout Instant, by life: Duration, now: Instant
    ) {
        guard count > 0 else {
            mark = now
            return
        }
        let elapsed = UInt64(max(0, (now - mark).clampedNanoseconds))
        let step = UInt64(life.clampedNanoseconds)
        let forgiven = elapsed / step
        guard forgiven > 0 else { return }
        count -= UInt32(min(UInt64(count), forgiven))
        mark = mark + .nanoseconds(Int64(clamping: forgiven * step))
    }
}
