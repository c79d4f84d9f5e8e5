import LibP2P
import Primitives
import Testing

@Suite("Multiaddr")
struct MultiaddrTests {
    static let alice = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
    static let bob = "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD"

    @Test(
        "Every valid vector reads and writes in both forms",
        arguments: SecurityVectors.multiaddr.valid)
    func valid(_ vector: SecurityVectors.MultiaddrFile.Pair) throws {
        let binary = try bytes(vector.hex)
        let address = try Multiaddr(vector.text)
        #expect(address.description == vector.text)
        #expect(address.bytes == binary)
        #expect(try Multiaddr(bytes: binary) == address)
        let boundaries = try Set(
            (1...address.components.count).map {
                try Multiaddr(Array(address.components[..<$0])).bytes.count
            })
        for length in 0..<binary.count where !boundaries.contains(length) {
            #expect(throws: MultiaddrError.self) { try Multiaddr(bytes: binary[..<length]) }
        }
    }

    @Test("No invalid text reads", arguments: SecurityVectors.multiaddr.invalid_text)
    func invalid(_ text: String) {
        #expect(throws: MultiaddrError.self) { try Multiaddr(text) }
    }

    @Test(
        "Every code of the table has its name",
        arguments: SecurityVectors.multiaddr.codes.sorted { $0.key < $1.key })
    func code(_ name: String, _ code: UInt64) throws {
        let values: [String: String] = [
            "ip4": "1.2.3.4", "ip6": "::1", "tcp": "1", "udp": "65535", "dns": "a", "dns4": "a",
            "dns6": "a", "dnsaddr": "a", "p2p": Self.alice, "unix": "tmp/socket", "sni": "a",
            "certhash": "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g", "memory": "7",
        ]
        let text = "/\(name)" + (values[name].map { "/\($0)" } ?? "")
        let address = try Multiaddr(text)
        #expect(address.bytes.starts(with: UnsignedVarint.encode(code)))
        #expect(address.description == text)
        #expect(try Multiaddr(bytes: address.bytes) == address)
    }

    static let texts: [(String, MultiaddrError)] = [
        ("", .empty), ("ip4/1.2.3.4", .missingSlash), ("/", .unknownName("")),
        ("//ip4/1.2.3.4", .unknownName("")), ("/tcp/1/", .unknownName("")),
        ("/tcp", .truncated), ("/IP4/1.2.3.4", .unknownName("IP4")),
        ("/tcp/", .invalidValue(protocolName: "tcp")),
        ("/tcp/+1", .invalidValue(protocolName: "tcp")),
        ("/tcp/01", .invalidValue(protocolName: "tcp")),
        ("/udp/99999999999999999999", .invalidValue(protocolName: "udp")),
        ("/ip4/1.2.3.04", .invalidValue(protocolName: "ip4")),
        ("/ip4/1.2.3.4.5", .invalidValue(protocolName: "ip4")),
        ("/ip4/١.2.3.4", .invalidValue(protocolName: "ip4")),
        ("/dns/a b", .invalidValue(protocolName: "dns")),
        ("/dns/müller.example", .invalidValue(protocolName: "dns")),
        ("/dns/" + String(repeating: "a", count: 256), .invalidValue(protocolName: "dns")),
        ("/unix/", .invalidValue(protocolName: "unix")),
        ("/unix", .invalidValue(protocolName: "unix")),
        ("/certhash/x", .invalidValue(protocolName: "certhash")),
        ("/certhash/uAAA", .invalidValue(protocolName: "certhash")),
        ("/memory/18446744073709551616", .invalidValue(protocolName: "memory")),
        (String(repeating: "/ws", count: 17), .tooManyComponents),
        ("/dns/" + String(repeating: "a", count: 2_000), .tooLong(byteCount: 2_005)),
    ]

    @Test("Every way a text can be wrong has its error", arguments: texts)
    func textErrors(_ text: String, _ error: MultiaddrError) {
        #expect(throws: error) { try Multiaddr(text) }
    }

    static let binaries: [(String, MultiaddrError)] = [
        ("", .empty), ("05", .unknownCode(5)), ("86", .truncated),
        ("8600", .malformedVarint(.notMinimal)),
        ("ffffffffffffffffff", .malformedVarint(.tooLong)), ("047f0000", .truncated),
        ("35", .truncated),
        ("35036161", .truncated), ("3502612f", .invalidValue(protocolName: "dns")),
        ("350261c3", .invalidValue(protocolName: "dns")),
        ("3500", .invalidValue(protocolName: "dns")),
        ("35ffffffffffffffff7f", .truncated), ("3580", .truncated),
        ("a50302ffff", .invalidValue(protocolName: "p2p")),
        ("d203021200", .invalidValue(protocolName: "certhash")),
        ("9003022f61067a69", .unixNotLast), ("9003022f2f", .invalidValue(protocolName: "unix")),
        ("9003032f6100", .invalidValue(protocolName: "unix")),
    ]

    @Test("Every way bytes can be wrong has its error", arguments: binaries)
    func binaryErrors(_ hex: String, _ error: MultiaddrError) throws {
        let input = try bytes(hex)
        #expect(throws: error) { try Multiaddr(bytes: input) }
    }

    @Test("Too many bytes and too many components are refused in binary form")
    func limits() throws {
        let long = [UInt8](repeating: 0x61, count: 250)
        let part = [0x35] + UnsignedVarint.encode(250) + long
        #expect(try Multiaddr(bytes: part + part + part + part).components.count == 4)
        #expect(throws: MultiaddrError.tooLong(byteCount: 1_265)) {
            try Multiaddr(bytes: part + part + part + part + part)
        }
        let flags = [UInt8](repeating: 0, count: 17).flatMap { _ in [0xDD, 0x03] as [UInt8] }
        #expect(throws: MultiaddrError.tooManyComponents) { try Multiaddr(bytes: flags) }
        #expect(try Multiaddr(bytes: flags.dropLast(2)).components.count == 16)
        #expect(throws: MultiaddrError.empty) { try Multiaddr([]) }
    }

    @Test("The old name of p2p reads as p2p")
    func alias() throws {
        #expect(try Multiaddr("/ipfs/\(Self.alice)") == Multiaddr("/p2p/\(Self.alice)"))
    }

    @Test("Peers are found, appended and removed")
    func peers() throws {
        let bare = try Multiaddr("/ip4/127.0.0.1/tcp/30333")
        let alice = try PeerID(Self.alice)
        let bob = try PeerID(Self.bob)
        #expect(bare.peerID == nil)
        let full = try bare.appending(alice)
        #expect(full.description == "/ip4/127.0.0.1/tcp/30333/p2p/\(Self.alice)")
        #expect(full.peerID == alice)
        #expect(try full.appending(alice) == full)
        #expect(throws: MultiaddrError.conflictingPeerID(alice)) { try full.appending(bob) }
        #expect(full.removingPeerID() == bare)
        #expect(bare.removingPeerID() == bare)
        #expect(try Multiaddr("/p2p/\(Self.alice)").removingPeerID() == nil)
        let longest = try Multiaddr(String(repeating: "/ws", count: 16))
        #expect(throws: MultiaddrError.tooManyComponents) { try longest.appending(alice) }
        let relayed = try Multiaddr("/p2p/\(Self.alice)/p2p-circuit/p2p/\(Self.bob)")
        #expect(relayed.peerID == bob)
    }

    @Test(
        "TCP endpoints are read from addresses and written to them",
        arguments: [
            "/ip4/127.0.0.1/tcp/30333", "/ip6/::1/tcp/1", "/dns/example.com/tcp/2",
            "/dns4/a/tcp/3", "/dns6/a/tcp/4", "/ip6zone/eth0/ip6/fe80::1/tcp/5",
        ])
    func endpoint(_ text: String) throws {
        let address = try Multiaddr(text)
        let endpoint = try #require(address.tcpEndpoint)
        #expect(try Multiaddr(endpoint) == address)
        #expect(try address.appending(try PeerID(Self.alice)).tcpEndpoint == endpoint)
    }

    @Test(
        "Other addresses are no TCP endpoints",
        arguments: [
            "/ip4/127.0.0.1/udp/30333/quic-v1", "/ip4/127.0.0.1/tcp/1/ws", "/tcp/1", "/dns/a",
            "/ip4/1.2.3.4", "/dnsaddr/a/tcp/1", "/ip4/1.2.3.4/ip4/1.2.3.4/tcp/1",
            "/ip6zone/a/ip4/1.2.3.4/tcp/1", "/p2p/\(alice)", "/memory/1",
            "/ip4/1.2.3.4/tcp/1/p2p/\(alice)/p2p-circuit",
        ])
    func noEndpoint(_ text: String) throws {
        #expect(try Multiaddr(text).tcpEndpoint == nil)
    }

    @Test("An endpoint with a bad name is no address")
    func badEndpoint() {
        let endpoint = Multiaddr.TCPEndpoint(host: .dns("a/b"), port: 1)
        #expect(throws: MultiaddrError.invalidValue(protocolName: "dns")) {
            try Multiaddr(endpoint)
        }
    }

    @Test(
        "Random bytes and altered addresses never trap and read as they are written",
        arguments: 1...20 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let vectors = try SecurityVectors.multiaddr.valid.map { try bytes($0.hex) }
        for _ in 0..<300 {
            var input = generator.bytes(count: Int(generator.next() % 40))
            if generator.next().isMultiple(of: 2) {
                input = vectors[Int(generator.next() % UInt64(vectors.count))]
                for _ in 0..<3 {
                    let position = Int(generator.next() % UInt64(input.count))
                    input[position] = UInt8(truncatingIfNeeded: generator.next())
                }
            }
            guard let address = try? Multiaddr(bytes: input) else { continue }
            #expect(address.bytes == input, "seed \(seed): \(input)")
            #expect(try Multiaddr(address.description) == address, "seed \(seed): \(input)")
        }
    }
}

@Suite("IP addresses")
struct IPAddressTests {
    static let forms: [(String, String)] = [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:0", "::"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"), ("::1.2.3.4", "::102:304"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("0001:0002::", "1:2::"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ]

    @Test("IPv6 texts become canonical", arguments: forms)
    func canonical(_ text: String, _ expected: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == expected)
        #expect(IPv6Address(expected) == address)
    }

    @Test(
        "Malformed IPv6 texts are refused",
        arguments: [
            "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::", "1:::2", "12345::",
            "g::", ":1::", "1::2:", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1.2.3.4::",
            "::1.2.3",
            "::1.2.3.4:5", "fe80::1%eth0", "[::1]", " ::1", "1:2:3:4:5:6:7:1.2.3.4",
        ])
    func malformed(_ text: String) {
        #expect(IPv6Address(text) == nil)
    }

    @Test("Random IPv6 addresses survive their text", arguments: 1...5 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var value: UInt128 = 0
            for _ in 0..<8 {
                let group = generator.next().isMultiple(of: 2) ? 0 : generator.next() & 0xFFFF
                value = value << 16 | UInt128(group)
            }
            let address = IPv6Address(rawValue: value)
            #expect(IPv6Address(address.description) == address, "seed \(seed): \(address)")
        }
    }
}
