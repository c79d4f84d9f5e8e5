extension Multiaddr {
    /// The binary form: every component's code, and its value where it has one.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for component in components { component.append(to: &bytes) }
        return bytes
    }

    /// Reads the binary form; the address takes all bytes.
    public init(bytes encoded: some Collection<UInt8>) throws(MultiaddrError) {
        guard encoded.count <= Self.maximumByteCount else {
            throw .tooLong(byteCount: encoded.count)
        }
        var rest = Array(encoded)[...]
        var components: [Component] = []
        while !rest.isEmpty {
            guard components.count < Self.maximumComponentCount else { throw .tooManyComponents }
            components.append(try Component(from: &rest))
        }
        try self.init(components)
    }
}

extension Multiaddr.Component {
    fileprivate func append(to bytes: inout [UInt8]) {
        UnsignedVarint.append(kind.rawValue, to: &bytes)
        switch kind.valueForm {
        case .none: break
        case .fixed: bytes.append(contentsOf: value)
        case .lengthPrefixed: UnsignedVarint.appendLengthPrefixed(value, to: &bytes)
        }
    }

    /// The value's bytes, empty for protocols without one.
    private var value: [UInt8] {
        switch self {
        case .ip4(let address): address.bytes
        case .ip6(let address): address.bytes
        case .tcp(let port), .udp(let port): port.bigEndianBytes
        case .memory(let number): number.bigEndianBytes
        case .ip6zone(let name), .dns(let name), .dns4(let name), .dns6(let name),
            .dnsaddr(let name), .sni(let name), .unix(let name):
            Array(name.utf8)
        case .p2p(let peer): peer.bytes
        case .certhash(let multihash): multihash
        case .p2pCircuit, .tls, .noise, .http, .ws, .wss, .quic, .quicV1, .webtransport,
            .webrtcDirect:
            []
        }
    }

    fileprivate init(from bytes: inout ArraySlice<UInt8>) throws(MultiaddrError) {
        let code = try Self.varint(from: &bytes)
        guard let kind = MultiaddrProtocol(rawValue: code) else { throw .unknownCode(code) }
        let length: UInt64
        switch kind.valueForm {
        case .none: length = 0
        case .fixed(let byteCount): length = UInt64(byteCount)
        case .lengthPrefixed: length = try Self.varint(from: &bytes)
        }
        guard length <= UInt64(bytes.count) else { throw .truncated }
        let value = bytes.prefix(Int(length))
        bytes = bytes.dropFirst(Int(length))
        guard let component = Self.make(kind, value: value) else {
            throw .invalidValue(protocolName: kind.name)
        }
        self = component
    }

    private static func varint(from bytes: inout ArraySlice<UInt8>) throws(MultiaddrError) -> UInt64
    {
        do {
            guard case .complete(let value, let byteCount) = try UnsignedVarint.decode(bytes) else {
                throw MultiaddrError.truncated
            }
            bytes = bytes.dropFirst(byteCount)
            return value
        } catch let error as VarintError {
            throw .malformedVarint(error)
        } catch {
            throw .truncated
        }
    }

    private static func make(_ kind: MultiaddrProtocol, value: ArraySlice<UInt8>) -> Self? {
        switch kind {
        case .ip4: UInt32(bigEndianBytes: value).map { .ip4(IPv4Address(rawValue: $0)) }
        case .ip6: UInt128(bigEndianBytes: value).map { .ip6(IPv6Address(rawValue: $0)) }
        case .tcp: UInt16(bigEndianBytes: value).map { .tcp($0) }
        case .udp: UInt16(bigEndianBytes: value).map { .udp($0) }
        case .memory: UInt64(bigEndianBytes: value).map { .memory($0) }
        case .p2p: (try? PeerID(bytes: value)).map { .p2p($0) }
        case .certhash: .certhash(Array(value))
        case .ip6zone, .dns, .dns4, .dns6, .dnsaddr, .sni, .unix:
            String(validating: value, as: UTF8.self).flatMap { make(kind, text: $0) }
        case .p2pCircuit, .tls, .noise, .http, .ws, .wss, .quic, .quicV1, .webtransport,
            .webrtcDirect:
            make(kind)
        }
    }

    /// A component whose value is a text of its own.
    static func make(_ kind: MultiaddrProtocol, text: String) -> Self? {
        switch kind {
        case .ip6zone: .ip6zone(text)
        case .dns: .dns(text)
        case .dns4: .dns4(text)
        case .dns6: .dns6(text)
        case .dnsaddr: .dnsaddr(text)
        case .sni: .sni(text)
        case .unix: .unix(text)
        default: nil
        }
    }

    /// A component without a value.
    static func make(_ kind: MultiaddrProtocol) -> Self? {
        switch kind {
        case .p2pCircuit: .p2pCircuit
        case .tls: .tls
        case .noise: .noise
        case .http: .http
        case .ws: .ws
        case .wss: .wss
        case .quic: .quic
        case .quicV1: .quicV1
        case .webtransport: .webtransport
        case .webrtcDirect: .webrtcDirect
        default: nil
        }
    }
}
