import Chain
import Coherence
import Primitives
import SCALE
import Simulation
import Testing
import Validator
import VoteGossip

/// The power fails at every step of a hand-off: whatever the disk kept, the node ends in the same set
/// as the others, signs nothing twice and never with two keys in one set.
@Suite struct HandOffCrashTests {
    /// A network whose validator 0 rotates its key with the first session.
    private func network(_ validators: Int) throws -> CoreNetwork {
        var network = try CoreNetwork(validators: validators, session: 3)
        let new = TestKey(10, account: 0)
        network.nodes[0].keys.append(new)
        network.give(.keyAdded(HeldKey(new.identity)), to: 0)
        let call = Extrinsic.Call.rotateKey(
            newKey: new.publicKey, proof: new.proof(genesisHash: network.genesis.header.hash))
        network.submit(call, signedBy: TestKey(0), at: 0)
        return network
    }

    private func isThrough(_ network: CoreNetwork) -> Bool {
        network.sets.allSatisfy { $0 == 1 } && network.heights.allSatisfy { $0 > 5 }
    }

    /// The steps of node 0 from the block before the hand-off to the first block of the next set.
    private func window(_ start: CoreNetwork) -> ClosedRange<Int> {
        var network = start
        let begin = start.stepCounts[0]
        #expect(network.advance { $0.heights[0] >= 2 })
        let first = network.stepCounts[0] - begin
        #expect(network.advance { $0.heights[0] >= 4 })
        return first...network.stepCounts[0] - begin
    }

    private func check(_ network: CoreNetwork, _ what: Comment) {
        #expect(network.fault == nil, what)
        let node = network.nodes[0]
        var keys: [SetID: [UInt8]] = [:]
        for (key, slot) in node.signed {
            let earlier = keys.updateValue(key, forKey: slot.setID)
            #expect(earlier == nil || earlier == key, what)
        }
        #expect(node.alarms.isEmpty, what)
        let core = node.core
        #expect(
            core.domain.set == core.tree.state(of: core.tree.finalised.hash)?.setInForce, what)
        #expect(node.disk.durable.setInForce == core.domain.set, what)
        for other in network.nodes {
            #expect(other.core.domain.set == core.domain.set, what)
        }
        // The hand-off's certificate is there for those who come later.
        let handOff = node.disk.durable.certificate(.handOff(of: SetID(0)))
        #expect(handOff?.target.number == BlockNumber(3), what)
    }

    @Test(
        arguments: [1, 4],
        [VirtualDisk.Remains.nothing, .chain, .torn, .all])
    func `a crash at any step of a hand-off`(
        validators: Int, remains: VirtualDisk.Remains
    ) throws {
        let start = try network(validators)
        let steps = window(start)
        #expect(steps.count > 20)
        for step in steps {
            var network = start
            network.cut = CoreNetwork.Cut(node: 0, steps: step, remains: remains)
            let what: Comment = "\(validators) validators, step \(step), \(remains)"
            let isDone = network.advance(until: isThrough)
            #expect(isDone, what)
            #expect(network.cut == nil, what)
            check(network, what)
        }
    }

    @Test func `a halted key stays halted over a crash in its hand-off`() throws {
        // Node 1 of four halts because its key is used elsewhere; the set changes by node 0.
        let start = try network(4)
        var halted = start
        let domain = halted.nodes[1].core.domain
        let key = TestKey(1)
        let message = domain.signedBytes(
            round: RoundNumber(0), phase: .prevote, validator: key.account, target: .nothing,
            coherenceScore: 0, quantumState: .zero)
        let vote = CoherenceVote(
            validator: key.account, target: .nothing, coherenceScore: 0, quantumState: .zero,
            signature: try #require(VoteSignature(key.sign(message))), phase: .prevote,
            round: RoundNumber(0), setID: SetID(0))
        halted.give(
            .notification(
                .votes, CoreNetwork.handle(2), GossipMessage.vote(vote).scaleBytes), to: 1)
        halted.run()
        #expect(halted.nodes[1].alarms.count == 1)
        var baseline = halted
        let begin = baseline.stepCounts[1]
        #expect(baseline.advance { $0.heights[1] >= 2 })
        let first = baseline.stepCounts[1] - begin
        #expect(baseline.advance { $0.heights[1] >= 4 })
        for remains in [VirtualDisk.Remains.nothing, .chain, .all] {
            for step in first...baseline.stepCounts[1] - begin {
                var network = halted
                network.cut = CoreNetwork.Cut(node: 1, steps: step, remains: remains)
                let isDone = network.advance(until: isThrough)
                #expect(isDone, "step \(step), \(remains)")
                let node = network.nodes[1]
                #expect(
                    node.core.gadget.view(tree: node.core.tree).halt != nil,
                    "step \(step), \(remains)")
                #expect(node.signed.allSatisfy { $0.slot.setID == SetID(0) })
            }
        }
    }
}
