internal import LibP2P
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Primitives

// Connections that this node makes.
extension SwarmLoop {
    typealias DialCompletion = (Result<PeerID, DialError>) -> Void

    /// Starts a dial that the peer set decided.
    func dial(_ order: PeerSet.DialOrder) {
        let dial = Connection.Dial(
            expectedPeer: order.peer, address: order.address, isRequested: false)
        run(
            dial, timeout: order.timeout,
            trustsName: peerSet.isConfigured(order.address, of: order.peer), completion: nil)
    }

    /// Starts a dial that the owner asked for.
    ///
    /// - Parameter trustsName: whether a name in the address may lead to any address; if not, only
    ///   to those that are reachable everywhere.
    func connect(
        to address: Multiaddr, trustsName: Bool = true, completion: @escaping DialCompletion
    ) {
        guard isRunning else { return completion(.failure(.notRunning)) }
        let peer = address.peerID
        if let peer {
            if connectionsByPeer[peer] != nil { return completion(.success(peer)) }
            let refusal = peerSet.refusal(
                of: peer, direction: .outbound, isRequested: true, now: now)
            if let refusal { return completion(.failure(.refused(refusal))) }
            peerSet.dialRequested(peer)
        }
        let isUrgent = peer.map { peerSet.isUrgent($0) } ?? false
        let timings = configuration.timings
        let dial = Connection.Dial(expectedPeer: peer, address: address, isRequested: true)
        run(
            dial, timeout: isUrgent ? timings.urgentConnect : timings.connect,
            trustsName: trustsName, completion: completion)
    }

    private func run(
        _ dial: Connection.Dial, timeout: Duration, trustsName: Bool, completion: DialCompletion?
    ) {
        let endpoint = dial.address.tcpEndpoint
        guard endpoint != nil || dial.address.dnsaddrName != nil else {
            if let peer = dial.expectedPeer { peerSet.forget(dial.address, of: peer) }
            return failed(dial, .noAddress, completion)
        }
        logger.trace("dialling", metadata: ["address": "\(dial.address)"])
        if let literal = endpoint?.literalAddress {
            return connect(dial, to: [literal], timeout: timeout, completion)
        }
        // Of a name's addresses only those of the peer are of use.
        let address = dial.expectedPeer.flatMap { try? dial.address.appending($0) } ?? dial.address
        resolver.resolve(address) { result in
            do throws(NameResolver.NameError) {
                let found = try result.get()
                // Whoever can make a node dial names must not reach its own network that way.
                let addresses = found.filter { trustsName || Multiaddr($0)?.scope == .global }
                guard !addresses.isEmpty else { throw .notPublic("\(address)") }
                self.connect(dial, to: addresses[...], timeout: timeout, completion)
            } catch {
                self.totals.failedDials += 1
                self.failed(dial, .unreachable("\(error)"), completion)
            }
        }
    }

    /// Tries socket addresses in their order; the first that can be connected is used.
    private func connect(
        _ dial: Connection.Dial, to addresses: ArraySlice<SocketAddress>, timeout: Duration,
        _ completion: DialCompletion?
    ) {
        guard isRunning, let address = addresses.first else {
            return failed(dial, .notRunning, completion)
        }
        // Nothing is read before the handler is there to read it.
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(.nanoseconds(timeout.clampedNanoseconds))
            .channelOption(.autoRead, value: false)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Connection.waterMark)
        bootstrap.connect(to: address).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                self.connected(channel, dial, address, completion)
            case .failure(let error):
                let rest = addresses.dropFirst()
                guard rest.isEmpty else {
                    return self.connect(dial, to: rest, timeout: timeout, completion)
                }
                self.totals.failedDials += 1
                self.failed(dial, .unreachable("\(error)"), completion)
            }
        }
    }

    private func connected(
        _ channel: any Channel, _ dial: Connection.Dial, _ address: SocketAddress,
        _ completion: DialCompletion?
    ) {
        guard isRunning, connections.count < configuration.limits.connections,
            let address = Multiaddr(address)
        else {
            channel.close(promise: nil)
            return failed(dial, .notRunning, completion)
        }
        let connection = makeConnection(
            direction: .outbound, address: address, network: nil, dial: dial)
        connection.completion = completion
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            connection.close(.transport("\(error)"))
        }
    }

    private func failed(_ dial: Connection.Dial, _ error: DialError, _ completion: DialCompletion?)
    {
        logger.debug(
            "cannot connect", metadata: ["address": "\(dial.address)", "error": "\(error)"])
        if let peer = dial.expectedPeer { dialEnded(peer) }
        completion?(outcome(of: dial, error))
    }

    /// What a dial that failed comes to: the peer may have connected by itself meanwhile, and that
    /// is as good.
    func outcome(of dial: Connection.Dial?, _ error: DialError) -> Result<PeerID, DialError> {
        guard let peer = dial?.expectedPeer, connectionsByPeer[peer] != nil else {
            return .failure(error)
        }
        return .success(peer)
    }

    /// A dial did not lead to a connection.
    func dialEnded(_ peer: PeerID) {
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
