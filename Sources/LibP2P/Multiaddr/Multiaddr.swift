/// Why bytes or a text are no multiaddr.
public enum MultiaddrError: Error, Sendable, Equatable {
    /// No component at all.
    case empty
    /// More than `Multiaddr.maximumComponentCount` components.
    case tooManyComponents
    /// More than `Multiaddr.maximumByteCount` bytes.
    case tooLong(byteCount: Int)
    /// A text that does not begin with a slash.
    case missingSlash
    /// A protocol that is not in the table: what follows it cannot be read either.
    case unknownCode(UInt64)
    /// A protocol name that is not in the table; an empty one comes from a doubled or a trailing
    /// slash.
    case unknownName(String)
    /// A code or a length that is no unsigned varint.
    case malformedVarint(VarintError)
    /// The address ends inside a component.
    case truncated
    /// A value that its protocol does not have.
    case invalidValue(protocolName: String)
    /// Something follows the path of a `unix` component, which by definition reaches to the end.
    case unixNotLast
    /// The address already names another peer.
    case conflictingPeerID(PeerID)
}

/// A network address that describes itself: host, transport, what runs over it, and who is there
/// (the multiaddr specification with its table of protocols).
///
/// Addresses come from configuration, from identify and from the DHT; both forms are read strictly,
/// so that each address has exactly one text and one binary form. A component this type does not
/// know makes the address unreadable, not the message that carries it.
public struct Multiaddr: Sendable, Hashable {
    /// The most components of an address.
    public static let maximumComponentCount = 16
    /// The most bytes of an address in binary form, and characters in text form.
    public static let maximumByteCount = 1_024

    /// The parts, outermost protocol first; never empty.
    public let components: [Component]

    /// One protocol with its value.
    public enum Component: Sendable, Hashable {
        case ip4(IPv4Address)
        case ip6(IPv6Address)
        /// The scope of the IPv6 address that follows.
        case ip6zone(String)
        /// A host name, resolved to addresses of both families.
        case dns(String)
        /// A host name, resolved to IPv4 addresses.
        case dns4(String)
        /// A host name, resolved to IPv6 addresses.
        case dns6(String)
        /// A host name whose TXT records hold multiaddrs.
        case dnsaddr(String)
        case tcp(UInt16)
        case udp(UInt16)
        /// The peer at this address.
        case p2p(PeerID)
        case p2pCircuit
        case tls
        case sni(String)
        case noise
        case http
        case ws
        case wss
        case quic
        case quicV1
        case webtransport
        case webrtcDirect
        /// The multihash of a certificate.
        case certhash([UInt8])
        /// A path, slash included, to the end of the address.
        case unix(String)
        case memory(UInt64)
    }

    /// Forms an address of 1 to 16 components with at most 1,024 bytes.
    public init(_ components: [Component]) throws(MultiaddrError) {
        guard !components.isEmpty else { throw .empty }
        guard components.count <= Self.maximumComponentCount else { throw .tooManyComponents }
        for (position, component) in components.enumerated() {
            guard component.isWellFormed else {
                throw .invalidValue(protocolName: component.kind.name)
            }
            if case .unix = component, position < components.count - 1 { throw .unixNotLast }
        }
        self.components = components
        let byteCount = bytes.count
        guard byteCount <= Self.maximumByteCount else { throw .tooLong(byteCount: byteCount) }
    }

    /// For components that are known to be well-formed, few and short.
    private init(unchecked components: [Component]) { self.components = components }
}

extension Multiaddr {
    /// Where a TCP connection goes or a TCP listener listens.
    public struct TCPEndpoint: Sendable, Hashable {
        /// An address, or a name that the shell resolves.
        public enum Host: Sendable, Hashable {
            case ip4(IPv4Address)
            /// The zone, such as an interface's name, comes with link-local addresses.
            case ip6(IPv6Address, zone: String?)
            /// A name for addresses of both families.
            case dns(String)
            /// A name for IPv4 addresses only.
            case dns4(String)
            /// A name for IPv6 addresses only.
            case dns6(String)
        }

        public var host: Host
        public var port: UInt16

        public init(host: Host, port: UInt16) {
            self.host = host
            self.port = port
        }
    }

    /// The address of a plain TCP endpoint.
    ///
    /// Throws `invalidValue` for a zone or a name that has no place in an address.
    public init(_ endpoint: TCPEndpoint) throws(MultiaddrError) {
        let host: [Component] =
            switch endpoint.host {
            case .ip4(let address): [.ip4(address)]
            case .ip6(let address, nil): [.ip6(address)]
            case .ip6(let address, let zone?): [.ip6zone(zone), .ip6(address)]
            case .dns(let name): [.dns(name)]
            case .dns4(let name): [.dns4(name)]
            case .dns6(let name): [.dns6(name)]
            }
        try self.init(host + [.tcp(endpoint.port)])
    }

    /// The endpoint of an address that is a host, a TCP port and at most a peer id; nil for any
    /// other transport and for what runs over TCP in a way of its own, such as WebSocket.
    public var tcpEndpoint: TCPEndpoint? {
        var rest = components[...]
        if case .p2p? = rest.last { rest.removeLast() }
        guard case .tcp(let port)? = rest.popLast(), let last = rest.popLast() else { return nil }
        let host: TCPEndpoint.Host
        switch last {
        case .ip4(let address): host = .ip4(address)
        case .dns(let name): host = .dns(name)
        case .dns4(let name): host = .dns4(name)
        case .dns6(let name): host = .dns6(name)
        case .ip6(let address):
            guard case .ip6zone(let zone)? = rest.last else {
                host = .ip6(address, zone: nil)
                break
            }
            rest.removeLast()
            host = .ip6(address, zone: zone)
        default: return nil
        }
        return rest.isEmpty ? TCPEndpoint(host: host, port: port) : nil
    }

    /// The name of a `/dnsaddr` address, whose TXT records hold addresses; nil for all others.
    public var dnsaddrName: String? {
        switch (components[0], components.count) {
        case (.dnsaddr(let name), 1): name
        case (.dnsaddr(let name), 2) where peerID != nil: name
        default: nil
        }
    }

    /// The peer that the address ends in, nil when it names none.
    public var peerID: PeerID? {
        guard case .p2p(let peer)? = components.last else { return nil }
        return peer
    }

    /// This address with the peer at its end; itself when it is there already. Throws
    /// `conflictingPeerID` when the address ends in another peer, and what `init` throws.
    public func appending(_ peer: PeerID) throws(MultiaddrError) -> Multiaddr {
        switch peerID {
        case peer?: return self
        case let other?: throw .conflictingPeerID(other)
        case nil: return try Multiaddr(components + [.p2p(peer)])
        }
    }

    /// This address without the peer at its end; nil when nothing is left.
    public func removingPeerID() -> Multiaddr? {
        guard peerID != nil else { return self }
        guard components.count > 1 else { return nil }
        return Multiaddr(unchecked: Array(components.dropLast()))
    }
}
