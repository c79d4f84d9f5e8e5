package import LibP2P
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Primitives

/// Why a swarm cannot start.
package enum ListenError: Error, Sendable, Hashable {
    /// Not an IP address with a TCP port, or a name for one.
    case unsupportedAddress(Multiaddr)
    /// The address is in use, or not this machine's.
    case cannotBind(Multiaddr, reason: String)
    /// It was started, or stopped, before.
    case alreadyStarted
}

// Connections that peers make.
extension SwarmLoop {
    /// Listens at an address, and tells when it does or why it cannot.
    func listen(
        at address: Multiaddr, completion: @escaping (Result<Void, ListenError>) -> Void
    ) {
        guard let endpoint = address.tcpEndpoint else {
            return completion(.failure(.unsupportedAddress(address)))
        }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Connection.waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.accept(channel) }
            }
        let binding =
            endpoint.literalAddress.map { bootstrap.bind(to: $0) }
            ?? bootstrap.bind(host: endpoint.hostText, port: Int(endpoint.port))
        binding.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                self.listening(channel, asConfigured: endpoint)
                completion(.success(()))
            case .failure(let error):
                completion(.failure(.cannotBind(address, reason: "\(error)")))
            }
        }
    }

    private func listening(_ channel: any Channel, asConfigured endpoint: Multiaddr.TCPEndpoint) {
        guard isRunning else { return channel.close(promise: nil) }
        listeners.append(channel)
        guard let address = Multiaddr(channel.localAddress) else { return }
        let addresses =
            endpoint.isUnspecified
            ? Self.interfaceAddresses(listeningAt: address.tcpEndpoint ?? endpoint) : [address]
        for address in addresses where !listenAddresses.contains(address) {
            listenAddresses.append(address)
        }
        multicast?.setAddresses(listenAddresses)
        logger.info("listening", metadata: ["address": "\(address)/p2p/\(localPeer)"])
        pushIdentity()
    }

    /// "All addresses of this machine" spelled out as its interfaces have them now; loopback only
    /// when there is nothing else.
    private static func interfaceAddresses(
        listeningAt endpoint: Multiaddr.TCPEndpoint
    ) -> [Multiaddr] {
        let devices = (try? System.enumerateDevices()) ?? []
        let hosts = devices.compactMap { IPAddress($0.address) }.filter { host in
            switch (host, endpoint.host) {
            case (.v4, .ip4), (.v6, .ip6): !host.isLinkLocal
            // A socket on :: takes IPv4 too.
            case (.v4, .ip6): !host.isLinkLocal
            default: false
            }
        }
        let reachable = hosts.filter { !$0.isLoopback }
        return (reachable.isEmpty ? hosts : reachable).compactMap { host in
            try? Multiaddr(.init(host: host.endpointHost, port: endpoint.port))
        }
    }

    /// Why an accepted connection is closed at once.
    private enum AcceptRefusal: Error { case tooMany, noAddress }

    /// Takes up an accepted connection, unless there are too many.
    private func accept(_ channel: any Channel) throws {
        guard let address = Multiaddr(channel.remoteAddress),
            let host = IPAddress(channel.remoteAddress)
        else { throw AcceptRefusal.noAddress }
        let limits = configuration.limits
        let network = host.countedNetwork
        let isLimited = limits.limitsLoopback || !host.isLoopback
        guard isRunning, connections.count < limits.connections,
            unauthenticatedInbound < limits.unauthenticated,
            !isLimited || inboundByNetwork[network, default: 0] < limits.perAddress
        else {
            totals.refusedByLimits += 1
            throw AcceptRefusal.tooMany
        }
        inboundByNetwork[network, default: 0] += 1
        unauthenticatedInbound += 1
        let connection = makeConnection(
            direction: .inbound, address: address, network: network, dial: nil)
        do {
            try channel.pipeline.syncOperations.addHandler(connection)
        } catch {
            // The peer was gone again already.
            connection.close(.transport("\(error)"))
            throw error
        }
    }
}
