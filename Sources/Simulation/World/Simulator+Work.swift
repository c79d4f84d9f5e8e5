internal import BlockSync
internal import Chain
internal import Coherence
internal import Primitives
internal import Validator

// What the world asks of nodes: slots, measurements, remarks.
extension Simulator {
    // MARK: Slots

    /// The slot that a node's wall clock is in.
    func slot(of node: Int) -> SlotNumber {
        constants.slot(atUnixMilliseconds: nodes[node].clock.unixMilliseconds(at: now))
    }

    /// A wall clock may jump back while its node runs, but not over a restart: the node would not
    /// know which slots it has used up.
    mutating func correctClock(of node: Int) {
        let behind = Int64(nodes[node].newestSlot.rawValue) - Int64(slot(of: node).rawValue)
        guard behind > 0 else { return }
        nodes[node].clock.wallOffset += behind * Int64(world.slotMilliseconds) * 1_000_000
    }

    /// A node's wall clock entered a slot, or is looked at because it may have jumped.
    mutating func enterSlot(_ node: Int) {
        let slot = slot(of: node)
        nodes[node].newestSlot = max(nodes[node].newestSlot, slot)
        give(.slotStarted(slot), to: node)
        let start = constants.unixMillisecondsOfStart(of: SlotNumber(slot.rawValue + 1))
        let time = nodes[node].clock.time(ofUnixMilliseconds: start)
        heap.push(
            .slot(node: node, life: nodes[node].life), at: max(now + .microseconds(1), time))
    }

    // MARK: Measurements

    /// A state that votes may carry.
    static func healthyState(QBER: UInt32) -> QuantumState {
        QuantumState(
            validProofs: 3, rejectedProofs: 0, averageQBER: QBER,
            entropyPoolHash: BLAKE2b256.hash([UInt8(truncatingIfNeeded: QBER)]), reporterCount: 3,
            minimumQBER: QBER / 2, maximumQBER: QBER * 2)
    }

    /// A node's quantum source reports now, and again after a while.
    mutating func measure(_ node: Int) {
        giveMeasurement(to: node)
        heap.push(
            .measurement(node: node, life: nodes[node].life),
            at: now + workRandom.duration(.milliseconds(500) ... .seconds(2)))
    }

    /// A node's quantum source reports now.
    mutating func giveMeasurement(to node: Int) {
        let QBER = UInt32(workRandom.draw(10...600))
        let failures: [QuantumMeasurement] = [
            .unusable(.stale), .unusable(.errorRateTooHigh(averageQBER: 1_101)),
        ]
        let measurement: QuantumMeasurement =
            nodes[node].isSourceDown
            ? failures[workRandom.draw(0...1)] : .usable(Self.healthyState(QBER: QBER))
        give(.measurement(measurement), to: node)
    }

    // MARK: Remarks

    /// Somebody hands a remark in at some node, signed by that node's account if it is a member.
    mutating func submitRemark() {
        heap.push(.remark, at: now + workRandom.duration(world.remarkPause))
        guard let node = workRandom.pick(nodes.indices.filter { nodes[$0].isUp }) else { return }
        let bytes = (0..<workRandom.draw(0...300)).map { UInt8(truncatingIfNeeded: $0) }
        submit(.remark(bytes), at: node)
    }
}
