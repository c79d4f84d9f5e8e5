import Chain
import Primitives

extension EvilPeer.Aim {
    /// The newest block that a node has, in the round that is under way there.
    package init(at client: RPCClient) throws {
        let state = try client.object("coherence_roundState")
        let set = try client.object("coherence_validators")
        let best = try client.object("chain_getHeader")
        guard let round = (state["best"] as? [String: Any])?["round"] as? UInt64,
            let validators = set["validators"] as? [[String: Any]],
            let number = (best["number"] as? String).flatMap({
                UInt32($0.dropFirst(2), radix: 16)
            }),
            let genesis = Hash256(hex: try client.string("chain_getBlockHash", [0])),
            let hash = Hash256(hex: try client.string("chain_getBlockHash", [Int(number)]))
        else { throw TestFailure("answers in another shape") }
        self.init(
            genesisHash: genesis,
            validators: validators.compactMap {
                ($0["accountId"] as? String).flatMap { [UInt8](hex: $0).flatMap { AccountID($0) } }
            },
            block: BlockRef(hash: hash, number: BlockNumber(number)), round: RoundNumber(round))
    }
}

/// What a node made of its peers so far.
package struct PeerVerdicts {
    /// Votes that were verified and found invalid.
    package let badSignatures: Int
    package let bannedPeers: Set<String>

    package init(of client: RPCClient) throws {
        let statistics = try client.object("coherence_statistics")
        guard let gossip = statistics["gossip"] as? [String: Any],
            let rejected = gossip["rejected"] as? [String: Any],
            let count = rejected["badSignature"] as? Int,
            let bans = try client.call("coherence_bans") as? [[String: Any]]
        else { throw TestFailure("answers in another shape") }
        badSignatures = count
        bannedPeers = Set(bans.compactMap { $0["peerId"] as? String })
    }
}
