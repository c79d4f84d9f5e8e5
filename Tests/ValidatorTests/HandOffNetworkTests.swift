import BlockSync
import Chain
import Coherence
import Primitives
import SCALE
import Simulation
import Testing
import Validator
import VoteGossip

/// Networks of real cores whose validator sets change.
@Suite struct HandOffNetworkTests {
    private func isRunning(_ network: CoreNetwork, set: UInt64, past height: UInt32) -> Bool {
        network.sets.allSatisfy { $0 >= set } && network.heights.allSatisfy { $0 > height }
    }

    private func members(_ network: CoreNetwork, at node: Int = 0) -> [ValidatorIdentity] {
        network.nodes[node].core.domain.set.validators
    }

    private func rotation(_ key: TestKey, in network: CoreNetwork) -> Extrinsic.Call {
        .rotateKey(
            newKey: key.publicKey, proof: key.proof(genesisHash: network.genesis.header.hash))
    }

    private func addition(_ key: TestKey, in network: CoreNetwork) -> Extrinsic.Call {
        .nominateAddition(
            key.identity, proof: key.proof(genesisHash: network.genesis.header.hash))
    }

    /// No node ever signed with two keys in one set, nor with a key that is not of the set.
    private func checkKeys(_ network: CoreNetwork) {
        for (place, node) in network.nodes.enumerated() {
            var keys: [SetID: [UInt8]] = [:]
            for (key, slot) in node.signed {
                let earlier = keys.updateValue(key, forKey: slot.setID)
                #expect(earlier == nil || earlier == key, "node \(place), set \(slot.setID)")
            }
            #expect(node.alarms.isEmpty, "node \(place)")
        }
        #expect(network.fault == nil)
    }

    @Test func `a chain whose set stays the same activates none`() throws {
        var network = try CoreNetwork(validators: 4, session: 3)
        #expect(network.advance { isRunning($0, set: 0, past: 8) })
        #expect(network.nodes.allSatisfy { $0.activated.isEmpty })
        checkKeys(network)
    }

    @Test func `a validator rotates its key at run time and goes on with the new one`() throws {
        var network = try CoreNetwork(validators: 4, session: 4)
        let (old, new) = (TestKey(1), TestKey(11, account: 1))
        network.nodes[1].keys.append(new)
        network.give(.keyAdded(HeldKey(new.identity)), to: 1)
        network.submit(rotation(new, in: network), signedBy: old, at: 1)
        #expect(network.advance { isRunning($0, set: 1, past: 10) })
        #expect(members(network)[1] == new.identity)
        let signed = network.nodes[1].signed
        #expect(signed.allSatisfy { $0.key == ($0.slot.setID == SetID(0) ? old : new).publicKey })
        #expect(signed.contains { $0.slot.setID == SetID(1) })
        for node in network.nodes {
            #expect(node.activated.map(\.id) == [SetID(1)])
            #expect(
                node.core.domain.set
                    == node.core.tree.state(
                        of: node.core.tree.finalised.hash)?.setInForce)
        }
        // Blocks of the rotated validator above the hand-off are sealed with its new key.
        #expect(network.advance { $0.heights.allSatisfy { $0 > 16 } })
        checkKeys(network)
    }

    @Test func `the operator's own call rotates as well`() throws {
        var network = try CoreNetwork(validators: 4, session: 4)
        let new = TestKey(12, account: 2)
        network.nodes[2].keys.append(new)
        network.give(.keyAdded(HeldKey(new.identity)), to: 2)
        network.give(.call(rotation(new, in: network)), to: 2)
        network.run()
        #expect(network.advance { isRunning($0, set: 1, past: 6) })
        #expect(members(network)[2] == new.identity)
        checkKeys(network)
    }

    @Test func `without the new key the validator falls silent and the others go on`() throws {
        var network = try CoreNetwork(validators: 4, session: 4)
        network.submit(
            rotation(TestKey(11, account: 1), in: network), signedBy: TestKey(1), at: 1)
        #expect(network.advance { isRunning($0, set: 1, past: 12) })
        #expect(network.nodes[1].signed.allSatisfy { $0.slot.setID == SetID(0) })
        #expect(network.nodes[1].core.gadget.local == nil)
        checkKeys(network)
    }

    @Test func `a newcomer joins by nominations, votes and makes blocks`() throws {
        let key = TestKey(7)
        var network = try CoreNetwork(validators: 4, session: 4, extra: [[key]])
        for member in [0, 2, 3] {
            network.submit(addition(key, in: network), signedBy: TestKey(member), at: member)
        }
        #expect(network.advance { isRunning($0, set: 1, past: 10) })
        #expect(members(network).count == 5 && members(network)[4] == key.identity)
        #expect(network.nodes[4].core.gadget.local == ValidatorIndex(4))
        #expect(network.nodes[4].signed.contains { $0.slot.setID == SetID(1) })
        // Five with a quorum of four: the newcomer's vote is needed when one is silent.
        for other in [0, 2, 3, 4] { network.disconnect(1, other) }
        network.offline = [1]
        let height = network.heights[0]
        #expect(network.advance { $0.heights[0] > height + 6 && $0.heights[4] > height + 6 })
        checkKeys(network)
    }

    @Test func `a validator leaves, follows on and signs nothing more`() throws {
        var network = try CoreNetwork(validators: 4, session: 4)
        network.submit(.leave, signedBy: TestKey(3), at: 3)
        #expect(network.advance { isRunning($0, set: 1, past: 10) })
        #expect(members(network) == (0..<3).map { TestKey($0).identity })
        #expect(network.nodes[3].signed.allSatisfy { $0.slot.setID == SetID(0) })
        checkKeys(network)
    }

    @Test func `an equivocator is told of everywhere, convicted and excluded`() throws {
        var network = try CoreNetwork(validators: 5, session: 4)
        let offender = TestKey(4)
        let domain = network.nodes[0].core.domain
        func vote(_ block: UInt8) throws -> CoherenceVote {
            let target = try #require(
                VoteTarget(
                    hash: BLAKE2b256.hash([block]), number: BlockNumber(1)))
            let state = QuantumState(
                validProofs: 1, rejectedProofs: 0, averageQBER: 50, entropyPoolHash: .zero,
                reporterCount: 1, minimumQBER: 50, maximumQBER: 50)
            let message = domain.signedBytes(
                round: RoundNumber(3), phase: .prevote, validator: offender.account,
                target: target, coherenceScore: 95, quantumState: state)
            return CoherenceVote(
                validator: offender.account, target: target, coherenceScore: 95,
                quantumState: state,
                signature: try #require(VoteSignature(offender.sign(message))),
                phase: .prevote, round: RoundNumber(3), setID: SetID(0))
        }
        let evidence = DoubleVote(try vote(1), try vote(2))
        network.give(
            .notification(
                .votes, CoreNetwork.handle(1), GossipMessage.equivocation(evidence).scaleBytes),
            to: 0)
        network.run()
        for node in network.nodes {
            #expect(node.doubleVotes.map(\.validator) == [ValidatorIndex(4)])
            #expect(node.disk.durable.evidence == [evidence])
        }
        #expect(network.advance { isRunning($0, set: 1, past: 9) })
        #expect(members(network) == (0..<4).map { TestKey($0).identity })
        let state = try #require(
            network.nodes[0].core.tree.state(of: network.nodes[0].core.tree.best.hash))
        #expect(
            state.convictions == [Conviction(setID: SetID(0), account: offender.account)])
        // Everybody had an extrinsic ready; one was executed, the others are gone.
        #expect(state.nonces.count == 1)
        for node in network.nodes { #expect(node.core.sync.pool.count == 0) }
        checkKeys(network)
    }

    @Test func `a node that was away follows from set to set`() throws {
        var network = try CoreNetwork(validators: 4, session: 2)
        for other in 0..<3 { network.disconnect(3, other) }
        network.offline = [3]
        var key = TestKey(1)
        for rotationNumber in 0..<6 {
            let new = TestKey(20 + rotationNumber, account: 1)
            network.nodes[1].keys.append(new)
            network.give(.keyAdded(HeldKey(new.identity)), to: 1)
            network.submit(rotation(new, in: network), signedBy: key, at: 1)
            let target = UInt64(rotationNumber) + 1
            #expect(network.advance { $0.sets[0] >= target && $0.sets[1] >= target })
            key = new
        }
        #expect(network.sets[3] == 0)
        network.offline = []
        for other in 0..<3 { network.connect(3, other) }
        network.run()
        let height = network.heights[0]
        #expect(network.advance { isRunning($0, set: 6, past: height) })
        #expect(network.nodes[3].activated.map(\.id.rawValue) == [1, 2, 3, 4, 5, 6])
        checkKeys(network)
    }
}
