internal import LibP2P
internal import NIOCore
internal import NIOPosix
internal import Primitives

// Connections that this node makes.
extension SwarmLoop {
    typealias DialCompletion = (Result<PeerID, DialError>) -> Void

    /// Starts a dial that the peer set decided.
    func dial(_ order: PeerSet.DialOrder) {
        dial(
            order.address, expecting: order.peer, timeout: order.timeout, isRequested: false,
            completion: nil)
    }

    /// Starts a dial that the owner asked for.
    func connect(to address: Multiaddr, completion: @escaping DialCompletion) {
        guard isRunning else { return completion(.failure(.notRunning)) }
        let peer = address.peerID
        if let peer {
            if connectionsByPeer[peer] != nil { return completion(.success(peer)) }
            let refusal = peerSet.refusal(
                of: peer, direction: .outbound, isRequested: true, now: now)
            if let refusal { return completion(.failure(.refused(refusal))) }
            peerSet.dialRequested(peer)
        }
        let isUrgent = peer.map(peerSet.isUrgent) ?? false
        let timings = configuration.timings
        dial(
            address, expecting: peer, timeout: isUrgent ? timings.urgentConnect : timings.connect,
            isRequested: true, completion: completion)
    }

    private func dial(
        _ address: Multiaddr, expecting peer: PeerID?, timeout: Duration, isRequested: Bool,
        completion: DialCompletion?
    ) {
        guard let endpoint = address.tcpEndpoint, let bare = address.removingPeerID() else {
            dialEnded(peer)
            if let peer { peerSet.forget(address, of: peer) }
            completion?(.failure(.noAddress))
            return
        }
        let bound = NIOLoopBound((self, completion), eventLoop: eventLoop)
        let dial = Connection.Dial(expectedPeer: peer, address: address, isRequested: isRequested)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.nanoseconds(timeout.clampedNanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Connection.waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (swarm, completion) = bound.value
                    let connection = swarm.makeConnection(
                        direction: .outbound, address: bare, network: nil, dial: dial)
                    connection.completion = completion
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
        logger.trace("dialling", metadata: ["address": "\(address)"])
        bootstrap.connect(host: endpoint.hostText, port: Int(endpoint.port))
            .assumeIsolated()
            .whenFailure { error in
                self.totals.failedDials += 1
                self.logger.debug(
                    "cannot connect", metadata: ["address": "\(address)", "error": "\(error)"])
                self.dialEnded(peer)
                completion?(.failure(.unreachable("\(error)")))
            }
    }

    /// A dial did not lead to a connection.
    private func dialEnded(_ peer: PeerID?) {
        guard let peer else { return }
        peerSet.dialFailed(peer, now: now, using: &generator)
        runDials()
    }

    func makeConnection(
        direction: ConnectionDirection, address: Multiaddr, network: IPAddress?,
        dial: Connection.Dial?
    ) -> Connection {
        let id = makeConnectionID()
        let connection = Connection(
            id: id, direction: direction, address: address, network: network, dial: dial,
            swarm: self, now: now)
        connections[id] = connection
        return connection
    }
}
