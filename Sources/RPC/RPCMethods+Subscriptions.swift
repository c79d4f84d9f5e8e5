internal import Chain
internal import Primitives

extension RPCMethods {
    /// What a client can be told of, under Substrate's names and ours.
    mutating func addSubscriptions(_ node: some NodeQueries, hub: SubscriptionHub) {
        addHeads(node, hub: hub)
        add(
            subscribe: ["coherence_subscribeCertificates"],
            unsubscribe: ["coherence_unsubscribeCertificates"],
            RPCSubscription(
                topic: .certificates, notification: "coherence_certificate", hub: hub))
        add(
            subscribe: ["coherence_subscribeVotes"], unsubscribe: ["coherence_unsubscribeVotes"],
            RPCSubscription(topic: .votes, notification: "coherence_vote", hub: hub))
    }

    private mutating func addHeads(_ node: some NodeQueries, hub: SubscriptionHub) {
        add(
            subscribe: ["chain_subscribeNewHeads", "chain_subscribeNewHead", "subscribe_newHead"],
            unsubscribe: [
                "chain_unsubscribeNewHeads", "chain_unsubscribeNewHead", "unsubscribe_newHead",
            ],
            RPCSubscription(topic: .newHeads, notification: "chain_newHead", hub: hub) {
                () throws(RPCError) in try await node.headerJSON(of: node.bestBlock().hash)
            })
        add(
            subscribe: ["chain_subscribeAllHeads"], unsubscribe: ["chain_unsubscribeAllHeads"],
            RPCSubscription(topic: .allHeads, notification: "chain_allHead", hub: hub) {
                () throws(RPCError) in try await node.headerJSON(of: node.bestBlock().hash)
            })
        add(
            subscribe: ["chain_subscribeFinalizedHeads", "chain_subscribeFinalisedHeads"],
            unsubscribe: ["chain_unsubscribeFinalizedHeads", "chain_unsubscribeFinalisedHeads"],
            RPCSubscription(topic: .finalizedHeads, notification: "chain_finalizedHead", hub: hub) {
                () throws(RPCError) in try await node.headerJSON(of: node.finalisedBlock().hash)
            })
    }
}

extension NodeQueries {
    /// The header in Substrate's shape; null for an unknown block.
    func headerJSON(of hash: Hash256) async throws(RPCError) -> JSONValue {
        .optional(
            try await answering { () throws(NodeQueryFailure) in try await header(of: hash) }?.json)
    }
}
