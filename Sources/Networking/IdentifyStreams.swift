internal import LibP2P
internal import Primitives

/// Asks a peer who it is, or takes a peer's news: reads one identify message.
final class IdentifyReader: StreamHandler {
    /// Whether the peer pushes a change, which may leave fields out.
    private let isPush: Bool
    private var decoder = IdentifyDecoder()

    init(isPush: Bool) { self.isPush = isPush }

    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        let connection = stream.connection
        stream.deadline = connection.swarm.now + connection.swarm.configuration.timings.identify
        if isPush { stream.finish() }
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
        do {
            try decoder.receive(bytes)
        } catch {
            stream.reset()
        }
    }

    func streamEnded(_ stream: ConnectionStream) {
        if let message = try? decoder.finish() { take(message, from: stream.connection) }
        stream.finish()
    }

    func streamDeadlineReached(_ stream: ConnectionStream) {
        // Some leave the stream open behind a whole message.
        if let message = decoder.message { take(message, from: stream.connection) }
        stream.reset()
    }

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {}

    private func take(_ message: IdentifyMessage, from connection: Connection) {
        guard connection.isOpen else { return }
        connection.swarm.identified(connection, by: message, isPush: isPush)
    }
}

/// Tells a peer who this node is: as an answer, or pushed.
final class IdentifyWriter: StreamHandler {
    func streamOpened(_ stream: ConnectionStream, protocolName: String) {
        let connection = stream.connection
        stream.send(connection.swarm.ownIdentity(for: connection).framed)
        stream.finish()
        stream.deadline = connection.swarm.now + connection.swarm.configuration.timings.identify
    }

    func streamReceived(_ bytes: [UInt8], on stream: ConnectionStream) {
        stream.consumed(bytes.count)
    }

    func streamEnded(_ stream: ConnectionStream) {}

    func streamClosed(_ stream: ConnectionStream, error: StreamError?) {}
}

extension SwarmLoop {
    /// What this node tells the peer of a connection.
    ///
    /// Addresses that are of no use where the peer is are left out, except those that the owner
    /// wants announced.
    func ownIdentity(for connection: Connection) -> IdentifyMessage {
        let scope = connection.address.scope ?? .global
        let own = configuration.announcesListenAddresses ? listenAddresses : []
        let useful = own.filter {
            $0.isUsable(seenFrom: scope) && !configuration.publicAddresses.contains($0)
        }
        return IdentifyMessage(
            protocolVersion: configuration.protocolVersion,
            agentVersion: configuration.agentVersion,
            publicKey: configuration.identity.publicKey,
            listenAddresses: configuration.publicAddresses + useful,
            observedAddress: connection.address, protocols: supportedProtocols)
    }

    /// A peer said who it is.
    func identified(_ connection: Connection, by message: IdentifyMessage, isPush: Bool) {
        var current = isPush ? connection.identity ?? IdentifyMessage() : message
        guard message.publicKey.map({ $0.peerID == connection.peer }) ?? isPush,
            !isPush || current.apply(push: message)
        else {
            emit(
                .reported(
                    connection.peer, protocolName: IdentifyMessage.protocolName,
                    ReputationChange(value: -4_096, reason: "identify names another key")))
            return
        }
        connection.identity = current
        let information = PeerInformation(current, limits: configuration.limits)
        connection.information = information
        guard isOfThisNetwork(connection, information) else {
            peerSet.remove(connection.peer)
            return connection.close(.otherNetwork)
        }
        let scope = connection.address.scope ?? .global
        peerSet.update(
            information.listenAddresses.filter { $0.isUsable(seenFrom: scope) },
            of: connection.peer)
        kademlia?.identified(connection, information)
        emit(.identified(connection.peer, information))
        runDials()
    }

    /// Whether a peer that this node dialled of its own accord speaks what it has to.
    private func isOfThisNetwork(_ connection: Connection, _ information: PeerInformation) -> Bool {
        guard let required = configuration.requiredProtocol, let dial = connection.dial,
            !dial.isRequested, !peerSet.isConfigured(connection.peer)
        else { return true }
        return information.protocols.contains(required)
    }

    /// Tells all peers that listen addresses or protocols changed.
    func pushIdentity() {
        for peer in connectionsByPeer.keys.sorted() {
            guard let connection = connectionsByPeer[peer]?.first,
                connection.information?.protocols.contains(IdentifyMessage.pushProtocolName)
                    == true
            else { continue }
            _ = try? connection.openStream(
                proposals: [IdentifyMessage.pushProtocolName], handler: IdentifyWriter())
        }
    }
}

extension PeerInformation {
    /// What is kept of an identify message.
    init(_ message: IdentifyMessage, limits: ConnectionLimits) {
        agentVersion = String((message.agentVersion ?? "").prefix(256))
        protocolVersion = String((message.protocolVersion ?? "").prefix(256))
        protocols = message.protocols
        // Only what can be dialled is worth a place.
        listenAddresses = Array(
            message.listenAddresses.filter { $0.tcpEndpoint != nil }
                .compactMap { $0.removingPeerID() }.prefix(limits.addressesPerPeer))
        observedAddress = message.observedAddress
    }
}
