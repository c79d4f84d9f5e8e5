import Foundation
import TestSupport
import Testing

/// Validators on hosts of their own, with liars among them, cut cables and crashes.
@Suite(.serialized) struct ByzantineTests {
    @Test(.timeLimit(.minutes(3)))
    func `one of three sends invalid votes: the other two finalise`() async throws {
        let net = try LabTestnet(count: 3, slotMilliseconds: 500)
        try await net.start(0)
        try await net.start(1)
        let liar = try await net.start(2, behaviour: "invalid")
        try await net.waitForFinality(of: 8)
        let liars = try liar.rpc.string("system_localPeerId")
        for node in net.honest {
            let bans = try node.rpc.call("coherence_bans") as? [[String: Any]] ?? []
            #expect(bans.contains { $0["peerId"] as? String == liars }, "\(node.name)")
        }
        expectOneBlockPerHeight(net)
    }

    @Test(.timeLimit(.minutes(4)))
    func `Charlie is cut off and comes back: finality goes on, and he catches up at once`()
        async throws
    {
        let net = try LabTestnet(count: 3, slotMilliseconds: 500)
        for validator in 0..<3 { try await net.start(validator) }
        try await net.waitForFinality(of: 4)
        let isLong = ProcessInfo.processInfo.environment["QH_LONG"] != nil
        for seconds in isLong ? [5, 15, 40] : [5, 15] {
            let charlie = try #require(net.nodes[2])
            try net.lab.partition([[0, 1], [2]])
            let before = try net.finalisedNumber()
            // Two blocks a second become final without him.
            for node in net.honest.prefix(2) {
                try await node.waitForFinality(of: before + UInt32(2 * seconds - 2))
            }
            let behind = try charlie.rpc.finalisedNumber()
            #expect(behind <= before + 1)
            try await expectHealing(net, from: behind + 2, after: seconds)
        }
        expectOneBlockPerHeight(net)
    }

    @Test(.timeLimit(.minutes(5)), arguments: [4, 7])
    func `liars, a partition and a crash at once: nothing conflicts, and finality comes back`(
        count: Int
    ) async throws {
        let net = try LabTestnet(count: count, slotMilliseconds: 500)
        let liars = (count - 1) / 3
        for validator in liars..<count { try await net.start(validator) }
        for validator in 0..<liars {
            try await net.start(validator, behaviour: validator == 0 ? "equivocate" : "silent")
        }
        try await net.waitForFinality(of: 4)
        let seen = net.honest.contains { node in
            node.log.lines.contains { $0.contains("Double vote of ") }
        }
        #expect(seen, "the liar was caught")

        // Half and half, and one of the larger half dies: nobody has a quorum.
        let honest = Array(liars..<count)
        let middle = honest.count / 2
        try net.lab.partition([
            Array(0..<liars) + honest[..<middle], Array(honest[middle...]),
        ])
        let victim = count - 1
        net.nodes[victim]?.kill()
        let before = try net.finalisedNumber()
        // They go on with blocks for a while: until the other half is given up for lost.
        let witness = try #require(net.nodes[liars])
        let best = try witness.rpc.bestNumber()
        try await witness.wait(for: "Peer lost", from: witness.log.lines.count, seconds: 60)
        #expect(try witness.rpc.bestNumber() > best)
        #expect(try net.finalisedNumber() <= before + 2)

        try net.lab.heal()
        try await net.start(victim)
        try await net.waitForFinality(of: before + 6, seconds: 90)
        expectOneBlockPerHeight(net)
    }

    /// Mends the cables and waits until a height is final everywhere; prints how long it took.
    private func expectHealing(
        _ net: LabTestnet, from height: UInt32, after seconds: Int
    ) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        try net.lab.heal()
        try await net.waitForFinality(of: height, seconds: 30)
        print("after a partition of \(seconds) s finality was back in \(clock.now - start)")
        try await net.waitForFinality(of: try net.finalisedNumber() + 2, seconds: 30)
    }

    private func expectOneBlockPerHeight(_ net: LabTestnet) {
        let blocks = net.finalisedBlocks
        #expect(blocks.count >= 4)
        for (height, hashes) in blocks { #expect(hashes.count == 1, "#\(height): \(hashes)") }
    }
}
