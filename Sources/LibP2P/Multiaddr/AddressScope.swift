/// From where an address can be reached, nearest first. Addresses are told only to peers that can
/// use them, and believed only of peers that can know: see docs/networking.md, "Discovery".
public enum AddressScope: UInt8, Sendable, Hashable, Comparable {
    /// This machine only: loopback.
    case host
    /// One link: link-local addresses.
    case link
    /// One site: the private networks of RFC 1918, RFC 6598 and RFC 4193.
    case site
    /// Everywhere.
    case global

    public static func < (left: AddressScope, right: AddressScope) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension IPv4Address {
    /// Nil for addresses that name no machine: 0.0.0.0/8, multicast and what lies above it.
    public var scope: AddressScope? {
        switch rawValue >> 24 {
        case 0, 224...: nil
        case 10: .site
        case 127: .host
        case 100 where rawValue >> 22 == 0x191: .site
        case 169 where rawValue >> 16 == 0xA9FE: .link
        case 172 where rawValue >> 20 == 0xAC1: .site
        case 192 where rawValue >> 16 == 0xC0A8: .site
        default: .global
        }
    }
}

extension IPv6Address {
    /// The IPv4 address mapped into this one, nil for all others.
    public var mappedIPv4: IPv4Address? {
        rawValue >> 32 == 0xFFFF ? IPv4Address(rawValue: UInt32(truncatingIfNeeded: rawValue)) : nil
    }

    /// Nil for addresses that name no machine: :: and multicast.
    public var scope: AddressScope? {
        if let mappedIPv4 { return mappedIPv4.scope }
        if self == .loopback { return .host }
        if self == .any || rawValue >> 120 == 0xFF { return nil }
        if rawValue >> 118 == 0x3FA { return .link }
        return rawValue >> 121 == 0x7E ? .site : .global
    }
}

extension Multiaddr {
    /// From where the address can be reached: by its IP address, or everywhere for a name. Nil when
    /// it begins with neither, or with an IP address that names no machine.
    public var scope: AddressScope? {
        for component in components {
            switch component {
            case .ip6zone: continue
            case .ip4(let address): return address.scope
            case .ip6(let address): return address.scope
            case .dns, .dns4, .dns6, .dnsaddr: return .global
            default: return nil
            }
        }
        return nil
    }

    /// Whether the address is one to tell to a peer seen under `other`, or to believe from it: it
    /// must reach at least as far as the two are apart.
    public func isUsable(seenFrom other: AddressScope) -> Bool {
        scope.map { $0 >= other } ?? false
    }

    /// Whether the host is an IP address, not a name.
    public var hasLiteralHost: Bool {
        switch components[0] {
        case .ip4, .ip6, .ip6zone: true
        default: false
        }
    }
}

/// What one operator can easily have many addresses of: an IPv4 /24 or an IPv6 /48. Tables that
/// strangers fill take only a few members of each.
public struct AddressGroup: Sendable, Hashable {
    private let isIPv6: Bool
    private let prefix: UInt128

    /// The group of an address; nil when it does not begin with an IP address that is reachable
    /// everywhere: on the own network one prefix says nothing.
    public init?(_ address: Multiaddr) {
        guard address.scope == .global else { return nil }
        switch address.components[0] {
        case .ip4(let host): self.init(host)
        case .ip6(let host):
            if let mapped = host.mappedIPv4 {
                self.init(mapped)
            } else {
                self.init(isIPv6: true, prefix: host.rawValue >> 80)
            }
        default: return nil
        }
    }

    private init(_ host: IPv4Address) {
        self.init(isIPv6: false, prefix: UInt128(host.rawValue >> 8))
    }

    private init(isIPv6: Bool, prefix: UInt128) {
        self.isIPv6 = isIPv6
        self.prefix = prefix
    }
}
