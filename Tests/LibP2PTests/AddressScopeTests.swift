import LibP2P
import Testing

@Suite("How far addresses reach")
struct AddressScopeTests {
    @Test(
        "The scopes of IP addresses",
        arguments: [
            ("127.0.0.1", AddressScope.host), ("127.255.255.255", .host), ("10.0.0.1", .site),
            ("172.15.255.255", .global), ("172.16.0.0", .site), ("172.31.255.255", .site),
            ("172.32.0.0", .global), ("192.168.255.1", .site), ("192.169.0.1", .global),
            ("100.63.255.255", .global), ("100.64.0.0", .site), ("100.127.255.255", .site),
            ("100.128.0.0", .global), ("169.254.1.1", .link), ("169.255.1.1", .global),
            ("8.8.8.8", .global), ("0.0.0.0", nil), ("0.1.2.3", nil), ("224.0.0.251", nil),
            ("255.255.255.255", nil),
        ])
    func ipv4(text: String, scope: AddressScope?) throws {
        #expect(try #require(IPv4Address(text)).scope == scope)
        #expect(try Multiaddr("/ip4/\(text)/tcp/1").scope == scope)
        #expect(try Multiaddr("/ip6/::ffff:\(text)/tcp/1").scope == scope)
    }

    @Test(
        "The scopes of IPv6 addresses",
        arguments: [
            ("::1", AddressScope.host), ("::", nil), ("fe80::1", .link), ("febf::1", .link),
            ("fec0::1", .global), ("fc00::1", .site), ("fdff::1", .site), ("fe00::1", .global),
            ("ff02::fb", nil), ("2001:db8::1", .global),
        ])
    func ipv6(text: String, scope: AddressScope?) throws {
        #expect(try Multiaddr("/ip6/\(text)/tcp/1").scope == scope)
    }

    @Test("Names reach everywhere; a zone is looked through; other addresses reach nowhere")
    func others() throws {
        for text in ["/dns/a.example/tcp/1", "/dns4/a/tcp/1", "/dns6/a/tcp/1", "/dnsaddr/a"] {
            #expect(try Multiaddr(text).scope == .global)
            #expect(try !Multiaddr(text).hasLiteralHost)
        }
        #expect(try Multiaddr("/ip6zone/eth0/ip6/fe80::1/tcp/1").scope == .link)
        #expect(try Multiaddr("/unix/a").scope == nil)
        #expect(try Multiaddr("/memory/1").scope == nil)
    }

    @Test("An address is of use to those who are near enough")
    func use() throws {
        let global = try Multiaddr("/ip4/8.8.8.8/tcp/1")
        let site = try Multiaddr("/ip4/10.0.0.1/tcp/1")
        let host = try Multiaddr("/ip4/127.0.0.1/tcp/1")
        let none = try Multiaddr("/ip4/0.0.0.0/tcp/1")
        let table = [
            (AddressScope.global, [true, false, false]), (.site, [true, true, false]),
            (.link, [true, true, false]), (.host, [true, true, true]),
        ]
        for (scope, expected) in table {
            #expect([global, site, host].map { $0.isUsable(seenFrom: scope) } == expected)
            #expect(!none.isUsable(seenFrom: scope))
        }
    }

    @Test("Groups are IPv4 /24 and IPv6 /48, of public addresses only")
    func groups() throws {
        func group(_ text: String) throws -> AddressGroup? { AddressGroup(try Multiaddr(text)) }
        #expect(try group("/ip4/8.8.8.8/tcp/1") == group("/ip4/8.8.8.9/tcp/2"))
        #expect(try group("/ip4/8.8.8.8/tcp/1") == group("/ip6/::ffff:8.8.8.9/tcp/2"))
        #expect(try group("/ip4/8.8.8.8/tcp/1") != group("/ip4/8.8.9.8/tcp/1"))
        #expect(try group("/ip6/2001:db8:1:2::1/tcp/1") == group("/ip6/2001:db8:1:3::1/tcp/1"))
        #expect(try group("/ip6/2001:db8:1::1/tcp/1") != group("/ip6/2001:db8:2::1/tcp/1"))
        for text in ["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/dns4/a/tcp/1"] {
            #expect(try group(text) == nil)
        }
    }
}
