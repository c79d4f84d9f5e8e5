import Coherence
import Primitives
import Testing
import VoteGossip

@Suite struct BudgetTests {
    static func at(_ seconds: Double) -> Instant {
        Instant(nanoseconds: UInt64(seconds * 1_000_000_000))
    }

    // MARK: Token buckets

    @Test func `a bucket gives its burst at once and then its rate`() {
        var bucket = TokenBucket(burst: 24, perSecond: 8, now: Self.at(0))
        for _ in 0..<24 { #expect(bucket.take(1, now: Self.at(0)) == true) }
        #expect(bucket.take(1, now: Self.at(0)) == false)
        #expect(bucket.take(1, now: Self.at(0.12)) == false)
        #expect(bucket.take(1, now: Self.at(0.125)) == true)
        #expect(bucket.take(2, now: Self.at(0.25)) == false)
        #expect(bucket.take(1, now: Self.at(0.25)) == true)
        #expect(bucket.available(now: Self.at(1.25)) == 8)
        #expect(bucket.available(now: Self.at(1_000_000)) == 24)
    }

    @Test func `a refused withdrawal takes nothing`() {
        var bucket = TokenBucket(burst: 10, perSecond: 1, now: Self.at(0))
        #expect(bucket.take(11, now: Self.at(0)) == false)
        #expect(bucket.take(.max, now: Self.at(0)) == false)
        #expect(bucket.take(10, now: Self.at(0)) == true)
        #expect(bucket.take(0, now: Self.at(0)) == true)
    }

    @Test func `clocks that stand still or leap give no more than the burst`() {
        var bucket = TokenBucket(burst: 5, perSecond: .max, now: Self.at(100))
        #expect(bucket.take(5, now: Self.at(100)) == true)
        #expect(bucket.take(1, now: Self.at(50)) == false)
        #expect(bucket.available(now: .distantFuture) == 5)
        var tiny = TokenBucket(burst: -3, perSecond: 0, now: Self.at(0))
        #expect(tiny.take(1, now: Self.at(0)) == true)
        #expect(tiny.take(1, now: Self.at(0.9)) == false)
        #expect(tiny.take(1, now: Self.at(1.9)) == true)
    }

    @Test func `a narrower bucket keeps no more than it holds`() {
        var bucket = TokenBucket(burst: 100, perSecond: 100, now: Self.at(0))
        bucket.reshape(burst: 10, perSecond: 1, now: Self.at(0))
        #expect(bucket.available(now: Self.at(0)) == 10)
        #expect(bucket.take(10, now: Self.at(0)) == true)
        bucket.reshape(burst: 100, perSecond: 100, now: Self.at(0))
        #expect(bucket.available(now: Self.at(0)) == 0)
        #expect(bucket.available(now: Self.at(0.5)) == 50)
    }

    @Test func `never more than burst plus rate times time, whatever the withdrawals`() {
        let seed: UInt64 = 77
        var random = SeededGenerator(seed: seed)
        var bucket = TokenBucket(burst: 60, perSecond: 20, now: Self.at(0))
        var taken = 0
        var now = Instant.zero
        for _ in 0..<20_000 {
            now = now + .microseconds(Int.random(in: 0...20_000, using: &random))
            let count = Int.random(in: 0...5, using: &random)
            if bucket.take(count, now: now) { taken += count }
            let limit = 60 + 20 * Double(now.nanoseconds) / 1e9
            #expect(Double(taken) <= limit + 1e-6, "seed \(seed)")
        }
        #expect(Double(taken) >= 20 * Double(now.nanoseconds) / 1e9, "seed \(seed)")
    }

    // MARK: Reputation

    @Test func `the third bad signature cuts off, however long ago the first was within its life`()
    {
        var reputation = PeerReputation(now: Self.at(0))
        #expect(reputation.record(.badSignature, now: Self.at(0)) == nil)
        #expect(reputation.record(.badQuorumCertificate, now: Self.at(1_500)) == nil)
        #expect(reputation.record(.badCertificate, now: Self.at(3_000)) == .seconds(600))
    }

    @Test func `a bad signature is forgiven after an hour`() {
        var reputation = PeerReputation(now: Self.at(0))
        #expect(reputation.record(.badSignature, now: Self.at(0)) == nil)
        #expect(reputation.record(.badSignature, now: Self.at(3_700)) == nil)
        #expect(reputation.strikes == 1)
        #expect(reputation.record(.badSignature, now: Self.at(3_800)) == nil)
        #expect(reputation.record(.badSignature, now: Self.at(3_900)) != nil)
    }

    @Test func `bans double from ten minutes to a day`() {
        var reputation = PeerReputation(now: Self.at(0))
        var durations: [Duration] = []
        for _ in 0..<10 {
            for _ in 0..<3 {
                if let duration = reputation.record(.badSignature, now: Self.at(1)) {
                    durations.append(duration)
                }
            }
        }
        let minutes = [10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440]
        #expect(durations == minutes.map { .seconds($0 * 60) })
        // A day without offence takes one doubling back; 32 are the most that are remembered.
        #expect(reputation.bans == 10)
        reputation.fade(now: Self.at(86_402))
        #expect(reputation.bans == 9)
        #expect(reputation.isClean(now: Self.at(86_402)) == false)
        #expect(reputation.isClean(now: Self.at(86_402 * 20)) == true)
    }

    @Test func `bans of earlier runs count`() {
        var reputation = PeerReputation(bans: 2, now: Self.at(0))
        for _ in 0..<2 { #expect(reputation.record(.badSignature, now: Self.at(0)) == nil) }
        #expect(reputation.record(.badSignature, now: Self.at(0)) == .seconds(2_400))
    }

    @Test func `small offences add up and fade`() {
        var reputation = PeerReputation(now: Self.at(0))
        for _ in 0..<9 { #expect(reputation.record(.undecodable, now: Self.at(0)) == nil) }
        #expect(reputation.points == 90)
        reputation.fade(now: Self.at(60))
        #expect(reputation.points == 80)
        #expect(reputation.record(.undecodable, now: Self.at(60)) == nil)
        #expect(reputation.record(.oversize, now: Self.at(60)) == .seconds(600))
        #expect(reputation.points == 0)
    }

    @Test func `an offence every two minutes is never enough`() {
        var reputation = PeerReputation(now: Self.at(0))
        for minute in stride(from: 0.0, to: 6_000, by: 2) {
            #expect(reputation.record(.oversize, now: Self.at(minute * 60)) == nil)
        }
    }

    @Test(arguments: Offence.allCases) func `every offence costs something and bites in the end`(
        offence: Offence
    ) {
        #expect(offence.weight > 0)
        var reputation = PeerReputation(now: Self.at(0))
        var count = 0
        while reputation.record(offence, now: Self.at(0)) == nil { count += 1 }
        #expect(count < 10)
    }

    // MARK: Sizes

    @Test(arguments: [1, 4, 10, 100, 1_000]) func `the parts of the byte budget fit the whole`(
        count: Int
    ) {
        let configuration = GossipConfiguration()
        let whole = GossipConfiguration.byteBudget(validatorCount: count)
        let machine = GossipConfiguration.machineByteBudget(validatorCount: count)
        let queue = configuration.queueByteBudget(validatorCount: count)
        // Two targets of every slot in three rounds, which is all that a tally keeps.
        let tally = 3 * 2 * 2 * count * (CoherenceVote.byteCount + 200)
        #expect(machine + queue * configuration.maximumPeerCount + tally <= whole)
        #expect(whole <= 10_000_000 * max(1, count / 100))
        // The largest thing that is ever sent, a certificate of q entries, fits a queue.
        let quorum = QuorumPolicy.standard(validatorCount: count).threshold(validatorCount: count)
        #expect(quorum * VoteEntry.byteCount + 128 <= queue)
        #expect(
            quorum * VoteEntry.byteCount + 128 <= GossipMessageKind.certificate.maximumByteCount)
        // What the machine holds fits its part: all that may be parked and a burst of votes.
        let parked = configuration.parkedPerValidator * count * CoherenceVote.byteCount
        let burst = (count + 2 * quorum) * CoherenceVote.byteCount
        let reserved = GossipConfiguration.reservedByteCount(
            validatorCount: count, peerCount: configuration.maximumPeerCount)
        #expect(reserved + parked + burst <= machine)
    }
}
