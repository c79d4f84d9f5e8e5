import Primitives
import SCALE
import Testing

/// A validator with an account and a key of one repeated byte each.
private func validator(_ account: UInt8, key: UInt8) throws -> ValidatorIdentity {
    let id = try #require(AccountID([UInt8](repeating: account, count: 32)))
    return try #require(
        ValidatorIdentity(account: id, falconPublicKey: [UInt8](repeating: key, count: 1793)))
}

struct QuorumTests {
    @Test(
        "the quorums are those of the protocol's table",
        arguments: zip(
            [1, 2, 3, 4, 6, 7, 100],
            [(1, 1), (2, 2), (2, 3), (3, 3), (4, 5), (5, 5), (67, 67)]))
    func table(count: Int, quorums: (Int, Int)) {
        #expect(QuorumPolicy.twoThirds.threshold(validatorCount: count) == quorums.0)
        #expect(QuorumPolicy.moreThanTwoThirds.threshold(validatorCount: count) == quorums.1)
    }

    @Test func `quorums of every size are the smallest that the policy allows`() {
        for count in 1...1_000 {
            let atLeast = QuorumPolicy.twoThirds.threshold(validatorCount: count)
            #expect(3 * atLeast >= 2 * count && 3 * (atLeast - 1) < 2 * count)
            let more = QuorumPolicy.moreThanTwoThirds.threshold(validatorCount: count)
            #expect(3 * more > 2 * count && 3 * (more - 1) <= 2 * count)
            #expect(more <= count)
            #expect(
                QuorumPolicy.moreThanTwoThirds.toleratedEquivocators(validatorCount: count)
                    >= (count - 1) / 3)
        }
    }

    @Test func `three validators with two votes tolerate no equivocator`() {
        #expect(QuorumPolicy.standard(validatorCount: 3) == .twoThirds)
        #expect(QuorumPolicy.standard(validatorCount: 4) == .moreThanTwoThirds)
        #expect(QuorumPolicy.twoThirds.toleratedEquivocators(validatorCount: 3) == 0)
        #expect(QuorumPolicy.moreThanTwoThirds.toleratedEquivocators(validatorCount: 4) == 1)
    }

    @Test func `policies go by index and by name`() throws {
        for policy in QuorumPolicy.allCases {
            #expect(try SCALEDecoder.decode(QuorumPolicy.self, from: policy.scaleBytes) == policy)
            #expect(QuorumPolicy(name: policy.name) == policy)
        }
        #expect(QuorumPolicy(name: "half") == nil)
        #expect(throws: SCALEError.invalidIndex(offset: 0, index: 2)) {
            try SCALEDecoder.decode(QuorumPolicy.self, from: [2])
        }
    }
}

struct ValidatorSetTests {
    @Test func `a set knows its members by index and account`() throws {
        let members = [
            try validator(3, key: 1), try validator(1, key: 2), try validator(2, key: 3),
        ]
        let set = try ValidatorSet(id: SetID(7), validators: members, policy: .twoThirds)
        #expect(set.count == 3 && set.quorum == 2 && set.faultBound == 0)
        for (position, member) in members.enumerated() {
            let index = ValidatorIndex(UInt16(position))
            #expect(set.index(of: member.account) == index)
            #expect(set.validator(at: index) == member)
        }
        #expect(set.validator(at: ValidatorIndex(3)) == nil)
        #expect(set.validator(at: ValidatorIndex(.max)) == nil)
        #expect(set.index(of: try validator(9, key: 9).account) == nil)
    }

    @Test func `the hash covers id, members, order, keys and policy`() throws {
        let members = [try validator(1, key: 1), try validator(2, key: 2)]
        let set = try ValidatorSet(id: SetID(0), validators: members, policy: .twoThirds)
        #expect(set.hash == BLAKE2b256.hash(set.scaleBytes))
        let others = [
            try ValidatorSet(id: SetID(1), validators: members, policy: .twoThirds),
            try ValidatorSet(id: SetID(0), validators: members.reversed(), policy: .twoThirds),
            try ValidatorSet(id: SetID(0), validators: members, policy: .moreThanTwoThirds),
            try ValidatorSet(id: SetID(0), validators: [members[0]], policy: .twoThirds),
            try ValidatorSet(
                id: SetID(0), validators: [members[0], try validator(2, key: 9)],
                policy: .twoThirds),
        ]
        #expect(Set(others + [set]).count == 6)
    }

    @Test func `a set goes both ways and every truncation is refused`() throws {
        let members = [try validator(1, key: 1), try validator(2, key: 2)]
        let set = try ValidatorSet(
            id: SetID(5), validators: members, policy: .moreThanTwoThirds)
        let bytes = set.scaleBytes
        #expect(bytes.count == 8 + 1 + 2 * 1825 + 1)
        let decoded = try SCALEDecoder.decode(ValidatorSet.self, from: bytes)
        #expect(decoded == set && decoded.validators == set.validators && decoded.id == set.id)
        for count in 0..<bytes.count {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(ValidatorSet.self, from: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: SCALEError.trailingBytes(count: 1)) {
            try SCALEDecoder.decode(ValidatorSet.self, from: bytes + [0])
        }
    }

    @Test func `sets that cannot be are refused`() throws {
        let one = try validator(1, key: 1)
        func form(_ members: [ValidatorIdentity]) throws -> ValidatorSet {
            try ValidatorSet(id: SetID(0), validators: members, policy: .twoThirds)
        }
        #expect(throws: ValidatorSet.Invalid.empty) { try form([]) }
        #expect(throws: ValidatorSet.Invalid.duplicateAccount(one.account)) {
            try form([one, try validator(1, key: 2)])
        }
        let sameKey = try validator(2, key: 1)
        #expect(throws: ValidatorSet.Invalid.duplicateKey(one.account, sameKey.account)) {
            try form([one, sameKey])
        }
        #expect(throws: ValidatorSet.Invalid.tooLarge(count: 1_001)) {
            try form([ValidatorIdentity](repeating: one, count: 1_001))
        }
        #expect(ValidatorIdentity(account: one.account, falconPublicKey: [1]) == nil)
    }

    @Test func `hostile sets are refused when they are decoded`() throws {
        let one = try validator(1, key: 1)
        func encoded(count: UInt64, _ members: [ValidatorIdentity]) -> [UInt8] {
            var encoder = SCALEEncoder()
            encoder.append(UInt64(0))
            encoder.appendCompact(count)
            for member in members { encoder.append(member) }
            encoder.append(UInt8(0))
            return encoder.bytes
        }
        for bytes in [
            encoded(count: 0, []), encoded(count: 2, [one, one]),
            encoded(count: 1_001, [one]), encoded(count: 4_000_000_000, [one]),
        ] {
            #expect(throws: SCALEError.self) {
                try SCALEDecoder.decode(ValidatorSet.self, from: bytes)
            }
        }
    }
}

struct IdentifierTests {
    @Test func `typed integers keep their width, order and end`() throws {
        #expect(BlockNumber(1).scaleBytes == [1, 0, 0, 0])
        #expect(RoundNumber(1).scaleBytes == [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(ValidatorIndex(0x0102).scaleBytes == [2, 1])
        #expect(
            try SCALEDecoder.decode(SlotNumber.self, from: [9, 0, 0, 0, 0, 0, 0, 1]).rawValue == 1
                << 56 + 9)
        #expect(BlockNumber(1) < BlockNumber(2))
        #expect(BlockNumber(1).successor == BlockNumber(2))
        #expect(BlockNumber(.max).successor == nil)
        #expect("\(SetID(12))" == "12")
    }
}

struct OutboundQueueTests {
    private func message(_ size: Int, _ byte: UInt8 = 0) -> OutboundMessage {
        OutboundMessage(bytes: [UInt8](repeating: byte, count: size))
    }

    @Test func `messages leave in the order they came`() {
        var queue = FIFOOutboundQueue(maximumCount: 1_000, maximumByteCount: 100_000)
        var next: UInt8 = 0
        for step in 0..<600 {
            queue.enqueue(message(10, UInt8(truncatingIfNeeded: step)))
            if step % 3 != 0 {
                #expect(queue.dequeue()?.bytes.first == next)
                next &+= 1
            }
        }
        #expect(queue.count == 200 && queue.queuedByteCount == 2_000)
        while let left = queue.dequeue() {
            #expect(left.bytes == [UInt8](repeating: next, count: 10))
            next &+= 1
        }
        #expect(queue.count == 0 && queue.queuedByteCount == 0 && queue.droppedCount == 0)
        #expect(queue.dequeue() == nil)
    }

    @Test func `a full queue drops the newcomer and counts it`() {
        var queue = FIFOOutboundQueue(maximumCount: 2, maximumByteCount: 100)
        queue.enqueue(message(60, 1))
        queue.enqueue(message(41, 2))
        #expect(queue.count == 1 && queue.droppedCount == 1)
        queue.enqueue(message(40, 3))
        #expect(queue.count == 2 && queue.queuedByteCount == 100)
        queue.enqueue(message(0, 4))
        #expect(queue.droppedCount == 2)
        #expect(queue.dequeue() == message(60, 1))
        queue.enqueue(message(60, 5))
        #expect(queue.dequeue() == message(40, 3))
        #expect(queue.dequeue() == message(60, 5))
    }
}
