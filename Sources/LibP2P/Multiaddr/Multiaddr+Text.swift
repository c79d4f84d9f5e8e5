extension Multiaddr: CustomStringConvertible {
    /// The text form: `/ip4/127.0.0.1/tcp/30333/p2p/12D3KooW…`.
    public var description: String {
        components.map { component in
            let value = component.text
            switch component {
            case .unix: return "/\(component.kind.name)\(value)"
            default: return "/\(component.kind.name)" + (value.isEmpty ? "" : "/\(value)")
            }
        }.joined()
    }

    /// Reads the text form. A trailing slash is an error, and so are numbers with leading zeros.
    public init(_ text: some StringProtocol) throws(MultiaddrError) {
        guard text.utf8.count <= Self.maximumByteCount else {
            throw .tooLong(byteCount: text.utf8.count)
        }
        guard !text.isEmpty else { throw .empty }
        let slash = UInt8(ascii: "/")
        guard text.utf8.first == slash else { throw .missingSlash }
        var rest = text.utf8.dropFirst().split(separator: slash, omittingEmptySubsequences: false)
            .map { String(decoding: Array($0), as: UTF8.self) }[...]
        var components: [Component] = []
        while let name = rest.popFirst() {
            guard components.count < Self.maximumComponentCount else { throw .tooManyComponents }
            guard let kind = MultiaddrProtocol(name: name) else { throw .unknownName(name) }
            components.append(try Component(kind, from: &rest))
        }
        try self.init(components)
    }
}

extension Multiaddr.Component {
    /// The value in text form, empty for protocols without one.
    fileprivate var text: String {
        switch self {
        case .ip4(let address): "\(address)"
        case .ip6(let address): "\(address)"
        case .tcp(let port), .udp(let port): "\(port)"
        case .memory(let number): "\(number)"
        case .ip6zone(let name), .dns(let name), .dns4(let name), .dns6(let name),
            .dnsaddr(let name), .sni(let name), .unix(let name):
            name
        case .p2p(let peer): "\(peer)"
        case .certhash(let multihash): Multibase.encodeBase64URL(multihash)
        case .p2pCircuit, .tls, .noise, .http, .ws, .wss, .quic, .quicV1, .webtransport,
            .webrtcDirect:
            ""
        }
    }

    fileprivate init(
        _ kind: MultiaddrProtocol, from parts: inout ArraySlice<String>
    ) throws(MultiaddrError) {
        if kind == .unix {
            self = .unix(parts.map { "/\($0)" }.joined())
            parts = []
            return
        }
        if kind.valueForm == .none, let component = Self.make(kind) {
            self = component
            return
        }
        guard let value = parts.popFirst() else { throw .truncated }
        guard let component = Self.parse(kind, value) else {
            throw .invalidValue(protocolName: kind.name)
        }
        self = component
    }

    private static func parse(_ kind: MultiaddrProtocol, _ text: String) -> Self? {
        switch kind {
        case .ip4: IPv4Address(text).map { .ip4($0) }
        case .ip6: IPv6Address(text).map { .ip6($0) }
        case .tcp: UInt16(canonicalDecimal: text.utf8).map { .tcp($0) }
        case .udp: UInt16(canonicalDecimal: text.utf8).map { .udp($0) }
        case .memory: UInt64(canonicalDecimal: text.utf8).map { .memory($0) }
        case .p2p: (try? PeerID(text)).map { .p2p($0) }
        case .certhash: Multibase.decode(text).map { .certhash($0) }
        default: make(kind, text: text)
        }
    }
}
