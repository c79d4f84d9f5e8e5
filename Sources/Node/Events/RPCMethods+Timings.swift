internal import Coherence
internal import Primitives
internal import RPC
internal import Chain

extension RPCMethods {
    /// `coherence_timings`: when the newest votes and blocks were created, sent, counted and final,
    /// in microseconds of this machine's monotonic clock. For benchmarks.
    mutating func addTimings(_ timings: VoteTimings) {
        add("coherence_timings", access: .operatorOnly) { (_) throws(RPCError) in
            let (votes, blocks) = timings.snapshot
            return [
                "votes": .array(votes.map(\.json)), "blocks": .array(blocks.map(\.json)),
            ]
        }
    }
}

extension VoteTimings.VoteTiming {
    fileprivate var json: JSONValue {
        [
            "round": .integer(slot.round.rawValue),
            "voteType": slot.phase == .prevote ? "Prevote" : "Precommit",
            "validator": .integer(slot.validator.rawValue),
            "created": microseconds(created), "sent": microseconds(sent),
            "counted": microseconds(counted),
        ]
    }
}

extension VoteTimings.BlockTiming {
    fileprivate var json: JSONValue {
        [
            "number": .integer(block.number.rawValue), "hash": .string(block.hash.description),
            "imported": microseconds(imported), "finalised": microseconds(finalised),
        ]
    }
}

private func microseconds(_ instant: Instant?) -> JSONValue {
    instant.map { .integer($0.nanoseconds / 1_000) } ?? .null
}
