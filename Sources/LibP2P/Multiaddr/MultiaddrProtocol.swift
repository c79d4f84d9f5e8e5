/// The protocols of the multiaddr table that this implementation reads, by name, code and form.
enum MultiaddrProtocol: UInt64, CaseIterable {
    case ip4 = 4
    case tcp = 6
    case ip6 = 41
    case ip6zone = 42
    case dns = 53
    case dns4 = 54
    case dns6 = 55
    case dnsaddr = 56
    case udp = 273
    case webrtcDirect = 280
    case p2pCircuit = 290
    case unix = 400
    case p2p = 421
    case tls = 448
    case sni = 449
    case noise = 454
    case quic = 460
    case quicV1 = 461
    case webtransport = 465
    case certhash = 466
    case ws = 477
    case wss = 478
    case http = 480
    case memory = 777

    /// How a value stands in the binary form.
    enum ValueForm: Equatable {
        /// Nothing follows the code.
        case none
        /// That many bytes.
        case fixed(Int)
        /// A varint, then that many bytes.
        case lengthPrefixed
    }

    var name: String {
        switch self {
        case .ip4: "ip4"
        case .tcp: "tcp"
        case .ip6: "ip6"
        case .ip6zone: "ip6zone"
        case .dns: "dns"
        case .dns4: "dns4"
        case .dns6: "dns6"
        case .dnsaddr: "dnsaddr"
        case .udp: "udp"
        case .webrtcDirect: "webrtc-direct"
        case .p2pCircuit: "p2p-circuit"
        case .unix: "unix"
        case .p2p: "p2p"
        case .tls: "tls"
        case .sni: "sni"
        case .noise: "noise"
        case .quic: "quic"
        case .quicV1: "quic-v1"
        case .webtransport: "webtransport"
        case .certhash: "certhash"
        case .ws: "ws"
        case .wss: "wss"
        case .http: "http"
        case .memory: "memory"
        }
    }

    var valueForm: ValueForm {
        switch self {
        case .ip4: .fixed(4)
        case .tcp, .udp: .fixed(2)
        case .ip6: .fixed(16)
        case .memory: .fixed(8)
        case .ip6zone, .dns, .dns4, .dns6, .dnsaddr, .sni, .unix, .p2p, .certhash: .lengthPrefixed
        case .p2pCircuit, .tls, .noise, .http, .ws, .wss, .quic, .quicV1, .webtransport,
            .webrtcDirect:
            .none
        }
    }

    /// The protocol of that name; `ipfs` is the old name of `p2p`.
    init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.name == name }) else {
            guard name == "ipfs" else { return nil }
            self = .p2p
            return
        }
        self = match
    }
}

extension Multiaddr.Component {
    /// The component's row in the table.
    var kind: MultiaddrProtocol {
        switch self {
        case .ip4: .ip4
        case .ip6: .ip6
        case .ip6zone: .ip6zone
        case .dns: .dns
        case .dns4: .dns4
        case .dns6: .dns6
        case .dnsaddr: .dnsaddr
        case .tcp: .tcp
        case .udp: .udp
        case .p2p: .p2p
        case .p2pCircuit: .p2pCircuit
        case .tls: .tls
        case .sni: .sni
        case .noise: .noise
        case .http: .http
        case .ws: .ws
        case .wss: .wss
        case .quic: .quic
        case .quicV1: .quicV1
        case .webtransport: .webtransport
        case .webrtcDirect: .webrtcDirect
        case .certhash: .certhash
        case .unix: .unix
        case .memory: .memory
        }
    }

    /// Whether the value has a text form and a binary form that read back as itself.
    var isWellFormed: Bool {
        switch self {
        case .ip6zone(let name), .dns(let name), .dns4(let name), .dns6(let name),
            .dnsaddr(let name), .sni(let name):
            Self.isName(name)
        case .unix(let path): Self.isPath(Array(path.utf8))
        case .certhash(let multihash): Self.isMultihash(multihash)
        default: true
        }
    }

    /// A name of 1 to 255 printable ASCII characters without slashes and spaces: names in other
    /// scripts are written in their ASCII form, as resolvers want them.
    private static func isName(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count)
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
    }

    /// Slash and more, with no slash at the end and no zero byte.
    private static func isPath(_ path: [UInt8]) -> Bool {
        let slash = UInt8(ascii: "/")
        return path.count > 1 && path.first == slash && path.last != slash && !path.contains(0)
    }

    private static func isMultihash(_ bytes: [UInt8]) -> Bool {
        guard case .complete(_, let codeCount)? = try? UnsignedVarint.decode(bytes),
            case .complete(let length, let lengthCount)? =
                try? UnsignedVarint.decode(bytes[codeCount...])
        else { return false }
        return length > 0 && length == UInt64(bytes.count - codeCount - lengthCount)
    }
}
