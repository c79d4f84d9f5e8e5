internal import Chain
internal import Primitives
internal import NIOHTTP1

extension RPCMethods {
    /// All methods of a node.
    ///
    /// - Parameter hub: what the node publishes through.
    package static func standard(
        _ node: some NodeQueries, hub: SubscriptionHub = SubscriptionHub()
    ) -> RPCMethods {
        var methods = RPCMethods()
        methods.addSystem(node)
        methods.addChain(node)
        methods.addAuthor(node)
        methods.addCoherence(node)
        methods.addState(node)
        methods.addSubscriptions(node, hub: hub)
        return methods
    }

    /// `system_*`: what the node is and whom it is connected to, in Substrate's shapes.
    mutating func addSystem(_ node: some NodeQueries) {
        let description = node.description
        add("system_name") { (_) throws(RPCError) in .string(description.implementation) }
        add("system_version") { (_) throws(RPCError) in .string(description.version) }
        add("system_chain") { (_) throws(RPCError) in .string(description.chain) }
        add("system_chainType") { (_) throws(RPCError) in
            switch description.kind {
            case .development: "Development"
            case .local: "Local"
            case .live: "Live"
            }
        }
        add("system_properties") { (_) throws(RPCError) in
            ["ss58Format": .integer(description.addressPrefix)]
        }
        add("system_localPeerId") { (_) throws(RPCError) in .string(description.peerID) }
        add("system_nodeRoles") { (_) throws(RPCError) in
            [.string(description.isValidator ? "Authority" : "Full")]
        }
        add("system_localListenAddresses") { (_) throws(RPCError) in
            let addresses = await node.listenAddresses()
            return .array(addresses.map { .string("\($0)/p2p/\(description.peerID)") })
        }
        add("system_health") { (_) throws(RPCError) in await node.health().json }
        add("system_syncState") { (_) throws(RPCError) in
            let progress = await node.syncProgress()
            return [
                "startingBlock": .integer(progress.starting.rawValue),
                "currentBlock": .integer(progress.current.rawValue),
                "highestBlock": .integer(progress.highest.rawValue),
            ]
        }
        add("system_peers", access: .operatorOnly) { (_) throws(RPCError) in
            .array(await node.peers().map(\.json))
        }
        add("system_unstable_networkState", access: .operatorOnly) { (_) throws(RPCError) in
            await node.networkState()
        }
        addReservedPeers(node)
    }

    /// Peers that always get in: a wish of the operator that holds until the node stops.
    private mutating func addReservedPeers(_ node: some NodeQueries) {
        add("system_reservedPeers", access: .operatorOnly) { (_) throws(RPCError) in
            .array(await node.reservedPeers().map { .string($0) })
        }
        add("system_addReservedPeer", access: .operatorOnly) { (parameters) throws(RPCError) in
            let address = try parameters.text(0, "peer")
            do throws(PeerRefusal) {
                try await node.addReservedPeer(address)
            } catch {
                throw .malformedPeer(error.reason)
            }
            return .null
        }
        add("system_removeReservedPeer", access: .operatorOnly) { (parameters) throws(RPCError) in
            let peer = try parameters.text(0, "peerId")
            do throws(PeerRefusal) {
                try await node.removeReservedPeer(peer)
            } catch {
                throw .malformedPeer(error.reason)
            }
            return .null
        }
    }
}

extension NodeQueries {
    /// Everything about connections in one object; its members may change with any version.
    fileprivate func networkState() async -> JSONValue {
        [
            "peerId": .string(description.peerID),
            "listenedAddresses": .array(await listenAddresses().map { .string($0) }),
            "connectedPeers": .array(await peers().map(\.json)),
            "reservedPeers": .array(await reservedPeers().map { .string($0) }),
            "bannedPeers": .array(await bans().map(\.json)),
        ]
    }
}

extension NodeHealth {
    /// The result of `system_health` and the page `/health`.
    package var json: JSONValue {
        [
            "peers": .integer(peerCount), "isSyncing": .bool(isSyncing),
            "shouldHavePeers": .bool(shouldHavePeers),
        ]
    }

    /// Whether the node can be relied on: caught up, and connected if it should be.
    package var isReady: Bool { !isSyncing && (peerCount > 0 || !shouldHavePeers) }
}

extension PeerReport {
    fileprivate var json: JSONValue {
        [
            "peerId": .string(peerID), "roles": isValidator ? "AUTHORITY" : "FULL",
            "bestHash": .string(best.hash.description),
            "bestNumber": .integer(best.number.rawValue),
            "postQuantumTransport": .bool(hasPostQuantumTransport),
        ]
    }
}

extension HTTPPage {
    /// `/health`, always 200, and `/health/readiness`, 500 while the node is not ready, for
    /// whatever watches the node.
    package static func health(_ node: some NodeQueries) -> [HTTPPage] {
        [
            HTTPPage(path: "/health") { .json(await node.health().json.utf8) },
            HTTPPage(path: "/health/readiness") {
                let health = await node.health()
                return .json(
                    health.json.utf8, status: health.isReady ? .ok : .internalServerError)
            },
        ]
    }
}
