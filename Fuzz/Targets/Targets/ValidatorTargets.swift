import BlockSync
import Chain
import Coherence
import Primitives
import SCALE
import Validator
import VoteGossip

/// Whole machines fed with rows of messages: the validator's core, and notification streams.
enum ValidatorTargets {
    static let all = [validator, notificationStreams]

    /// The operations of a step.
    enum Operation: UInt8, CaseIterable {
        case votes, blocks, transactions, openVotes, openBlocks, closeVotes, closeBlocks
        case request, respond, refuse, wait, slot, readBlocks, loadCertificate, holdChecks, topic
    }

    private static func step(
        _ operation: Operation, _ operand: UInt8 = 0, _ payload: [UInt8] = []
    ) -> Script.Step {
        Script.Step(operation.rawValue, operand, payload)
    }

    static let validator = FuzzTarget(
        "validator", reads: "everything that peers send to a validator, in any order",
        runs: 15_000, upTo: 60_000, isScript: true,
        samples: {
            let chain = try SampleChain.shared()
            let gossip = chain.gossipHandshake.scaleBytes
            let blocks = chain.announcesHandshake.scaleBytes
            let opening = [1, 2].flatMap {
                [step(.openVotes, $0, gossip), step(.openBlocks, $0, blocks)]
            }
            let announcements = chain.blocks.prefix(3).map {
                step(.blocks, 1, chain.announcement(of: $0).scaleBytes)
            }
            let newest = try chain.response(with: [chain.blocks[0]])
            let fetching = [
                step(.blocks, 1, chain.announcement(of: chain.blocks[0]).scaleBytes),
                step(.respond, 0, newest), step(.slot, 1),
                step(.blocks, 2, chain.announcement(of: chain.blocks[1]).scaleBytes),
                step(.respond, 0, try chain.response(with: [chain.blocks[1]])),
            ]
            let messages = try chain.gossipMessages().map { step(.votes, 1, $0.scaleBytes) }
            let round = try (0..<4).flatMap { index in
                try [VotePhase.prevote, .precommit].map { phase in
                    step(
                        .votes, UInt8(1 + index % 2),
                        GossipMessage.vote(
                            try chain.vote(
                                index, phase, round: 0, for: chain.blocks[0].header.ref)
                        ).scaleBytes)
                }
            }
            let topic = try chain.gossipMessages().map { step(.topic, 2, $0.scaleBytes) }
            let serving = [
                step(.request, 1, try chain.request(from: .number(BlockNumber(1)), count: 4)),
                step(.readBlocks), step(.loadCertificate),
                step(.transactions, 2, TransactionsMessage([chain.extrinsic]).scaleBytes),
            ]
            return [
                Script(opening + messages).bytes,
                Script(opening + fetching + round + [step(.wait, 40)]).bytes,
                Script(opening + announcements + [step(.respond, 0, newest)] + messages).bytes,
                Script(opening + fetching + serving + [step(.wait, 255), step(.closeVotes, 1)])
                    .bytes,
                Script(opening + [step(.holdChecks)] + messages + messages).bytes,
                Script(opening + fetching + topic + round + [step(.wait, 40)]).bytes,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            var drive = try ValidatorDrive()
            for step in Script(parsing: bytes).steps { try drive.perform(step) }
            return drive.isUsed ? .accepted : .refused
        })

    static let notificationStreams = FuzzTarget(
        "notification-streams", reads: "what connections tell the keeper of notification streams",
        runs: 20_000, upTo: 8_192, isScript: true,
        // An operand's lowest bit names the peer, the others a substream or a connection.
        samples: {
            [
                Script([
                    .init(0, 1), .init(2, 1), .init(5, 1), .init(6, 1, [1, 2]), .init(4, 1),
                    .init(6, 3, [3]), .init(8, 3), .init(10, 100), .init(7, 1),
                ]).bytes,
                Script([
                    .init(0, 0), .init(4, 0), .init(6, 0, [9]), .init(8, 0), .init(5, 2),
                    .init(6, 2, [7]), .init(10, 100), .init(3, 0), .init(1, 0),
                ]).bytes,
            ]
        },
        check: { bytes throws(FuzzFinding) in
            var drive = try NotificationDrive()
            for step in Script(parsing: bytes).steps { try drive.perform(step) }
            return drive.wasAsked ? .accepted : .refused
        })
}
