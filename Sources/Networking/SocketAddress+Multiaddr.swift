internal import LibP2P
internal import NIOCore

extension Multiaddr {
    /// The multiaddr of a TCP socket's address, nil for a Unix socket.
    init?(_ address: SocketAddress?) {
        guard let port = address?.port, let port = UInt16(exactly: port) else { return nil }
        guard let host = IPAddress(address) else { return nil }
        let endpoint = TCPEndpoint(host: host.endpointHost, port: port)
        guard let multiaddr = try? Multiaddr(endpoint) else { return nil }
        self = multiaddr
    }
}

extension Multiaddr.TCPEndpoint {
    /// The host as the resolver and the socket want it.
    var hostText: String {
        switch host {
        case .ip4(let address): address.description
        case .ip6(let address, let zone): address.description + (zone.map { "%" + $0 } ?? "")
        case .dns(let name), .dns4(let name), .dns6(let name): name
        }
    }

    /// The socket address when the host is an address; nil when a resolver has to be asked.
    ///
    /// An address is never given to the resolver: it may turn 127.0.0.1 into ::ffff:127.0.0.1 on
    /// machines that have IPv6.
    var literalAddress: SocketAddress? {
        try? SocketAddress(ipAddress: hostText, port: Int(port))
    }

    /// Whether this is "all addresses of this machine".
    var isUnspecified: Bool {
        switch host {
        case .ip4(let address): address == .any
        case .ip6(let address, _): address == .any
        case .dns, .dns4, .dns6: false
        }
    }
}

/// An address of either family, without port: what is counted for the limit per address.
enum IPAddress: Sendable, Hashable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    /// The IP address in a socket's address; an IPv4 address mapped into IPv6 counts as IPv4.
    init?(_ address: SocketAddress?) {
        let text = (address?.ipAddress ?? "").prefix { $0 != "%" }
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            let isMapped = address.rawValue >> 32 == 0xFFFF
            self =
                isMapped
                ? .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address.rawValue)))
                : .v6(address)
        } else {
            return nil
        }
    }

    /// The address as part of an endpoint.
    var endpointHost: Multiaddr.TCPEndpoint.Host {
        switch self {
        case .v4(let address): .ip4(address)
        case .v6(let address): .ip6(address, zone: nil)
        }
    }

    var isLoopback: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 24 == 127
        case .v6(let address): address == .loopback
        }
    }

    /// Whether the address says nothing outside its own link.
    var isLinkLocal: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 16 == 0xA9FE
        case .v6(let address): address.rawValue >> 118 == 0x3FA
        }
    }

    /// What is counted together for the limit per address: an IPv4 address, an IPv6 /64 network
    /// (whoever has one address of it has them all).
    var countedNetwork: IPAddress {
        switch self {
        case .v4: self
        case .v6(let address): .v6(IPv6Address(rawValue: (address.rawValue >> 64) << 64))
        }
    }
}
