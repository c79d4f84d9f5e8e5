internal import Glibc
package import LibP2P
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Primitives

/// Multicast discovery of a swarm, as its owner wants it.
package struct MulticastSettings: Sendable {
    /// The network interfaces that are used, by name; nil: all that can multicast, loopback only
    /// when there is no other.
    package var interfaces: [String]?
    /// Pauses and limits.
    package var configuration = MulticastDiscoveryConfiguration()

    package init() {}
}

/// Runs a `MulticastDiscovery` on a swarm's event loop, with one socket for each interface.
final class MulticastDriver {
    /// The address and port of multicast DNS (RFC 6762, section 3).
    private static let groupAddress = IPv4Address(rawValue: 0xE000_00FB)
    private static let port = 5353
    /// Linux: a socket without this gets what any socket of the machine asked for.
    private static let multicastAll = NIOBSDSocket.Option(rawValue: 49)

    private let swarm: SwarmLoop
    private let settings: MulticastSettings
    private var machine: MulticastDiscovery
    private let driver: MachineDriver<MulticastDiscovery.Input>
    private let group: SocketAddress
    private var sockets: [any Channel] = []

    init(_ settings: MulticastSettings, swarm: SwarmLoop) {
        self.settings = settings
        self.swarm = swarm
        driver = MachineDriver(swarm: swarm)
        do {
            group = try SocketAddress(ipAddress: "\(Self.groupAddress)", port: Self.port)
        } catch {
            preconditionFailure("an IPv4 address makes a socket address: \(error)")
        }
        machine = MulticastDiscovery(
            localPeer: swarm.localPeer, configuration: settings.configuration,
            seed: UInt64.random(in: .min ... .max, using: &swarm.generator), now: swarm.now)
    }

    /// Opens the sockets and begins to ask. An interface that cannot be used is left out.
    func start() {
        let interfaces = Self.interfaces(settings.interfaces)
        handle(.setNetworks(interfaces.map(\.network)))
        handle(.setAddresses(swarm.listenAddresses))
        if interfaces.isEmpty {
            swarm.logger.warning("no network interface can multicast: peers are not found by mDNS")
        }
        for interface in interfaces { open(interface) }
    }

    func setAddresses(_ addresses: [Multiaddr]) { handle(.setAddresses(addresses)) }

    func stop() {
        driver.stop()
        for socket in sockets { socket.close(promise: nil) }
        sockets = []
    }

    // MARK: Interfaces and sockets

    private struct Interface {
        let device: NIONetworkDevice
        let network: IPv4Network
    }

    private static func interfaces(_ names: [String]?) -> [Interface] {
        let devices = (try? System.enumerateDevices()) ?? []
        let usable = devices.compactMap { device -> Interface? in
            guard device.multicastSupported, case .v4(let address)? = IPAddress(device.address),
                case .v4(let mask)? = IPAddress(device.netmask),
                names?.contains(device.name) ?? true
            else { return nil }
            let prefixLength = (~mask.rawValue).leadingZeroBitCount
            return Interface(
                device: device,
                network: IPv4Network(address: address, prefixLength: prefixLength))
        }
        let reachable = usable.filter { $0.network.address.scope != .host }
        return reachable.isEmpty || names != nil ? usable : reachable
    }

    private func open(_ interface: Interface) {
        let bound = NIOLoopBound(self, eventLoop: swarm.eventLoop)
        let option = { (name: NIOBSDSocket.Option) in
            ChannelOptions.Types.SocketOption(level: .ip, name: name)
        }
        let bootstrap = DatagramBootstrap(group: swarm.eventLoop)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.socketOption(NIOBSDSocket.Option(rawValue: SO_REUSEPORT)), value: 1)
            .channelOption(option(.ip_multicast_ttl), value: 255)
            .channelOption(option(.ip_multicast_loop), value: 1)
            .channelOption(option(Self.multicastAll), value: 0)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: DNSMessage.maximumByteCount)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        MulticastReceiver(driver: bound.value))
                }
            }
        // Bound to the group, the socket gets nothing else.
        bootstrap.bind(to: group).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.join(channel, interface)
            case .failure(let error): self.cannotUse(interface, error)
            }
        }
    }

    private func join(_ channel: any Channel, _ interface: Interface) {
        guard swarm.isRunning, let multicast = channel as? any MulticastChannel,
            let options = channel as? any SocketOptionProvider
        else { return channel.close(promise: nil) }
        // The address in network order, as the kernel takes it.
        let address = unsafeBitCast(
            interface.network.address.rawValue.bigEndian, to: in_addr.self)
        let joined = EventLoopFuture.andAllSucceed(
            [
                multicast.joinGroup(group, device: interface.device),
                options.setIPMulticastIF(address),
            ], on: swarm.eventLoop)
        joined.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                guard self.swarm.isRunning else { return channel.close(promise: nil) }
                self.sockets.append(channel)
                self.swarm.logger.debug(
                    "mDNS", metadata: ["interface": "\(interface.device.name)"])
                self.handle(.start)
            case .failure(let error):
                channel.close(promise: nil)
                self.cannotUse(interface, error)
            }
        }
    }

    private func cannotUse(_ interface: Interface, _ error: any Error) {
        swarm.logger.warning(
            "peers are not found by mDNS on \(interface.device.name): \(error)")
    }

    func packetFailed(_ error: any Error) {
        swarm.logger.debug("mDNS packet lost", metadata: ["error": "\(error)"])
    }

    // MARK: The machine

    func received(_ bytes: [UInt8], from source: IPv4Address) {
        handle(.received(bytes, from: source))
    }

    private func handle(_ input: MulticastDiscovery.Input) {
        driver.handle(input) { input in
            for effect in machine.handle(input, now: swarm.now) { perform(effect) }
        }
    }

    private func perform(_ effect: MulticastDiscovery.Effect) {
        switch effect {
        case .send(let bytes): send(bytes)
        case .found(let peer, let addresses): swarm.heardOf(addresses, of: peer)
        case .setTimer(let instant): driver.setTimer(instant) { self.handle(.timer) }
        }
    }

    private func send(_ bytes: [UInt8]) {
        for socket in sockets {
            // A packet that does not go out is like one that is lost.
            socket.writeAndFlush(
                AddressedEnvelope(remoteAddress: group, data: ByteBuffer(bytes: bytes)),
                promise: nil)
        }
    }
}

/// Hands the packets of one socket to the driver.
private final class MulticastReceiver: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let driver: MulticastDriver

    init(driver: MulticastDriver) { self.driver = driver }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let packet = unwrapInboundIn(data)
        guard case .v4(let source)? = IPAddress(packet.remoteAddress) else { return }
        driver.received(Array(packet.data.readableBytesView), from: source)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One packet's error, such as "network is unreachable", ends nothing.
        driver.packetFailed(error)
    }
}
