import Glibc
import LibP2P
import Primitives

/// Answers, to the multicast group of mDNS, in the names of peers that do not exist.
struct MulticastSpoofing: Sendable {
    private let descriptor: Int32
    private var random: SeededGenerator

    /// A socket that multicasts on loopback; it stays open as long as the process.
    init(random: SeededGenerator) throws {
        self.random = random
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("no socket") }
        var interface = in_addr(s_addr: inet_addr("127.0.0.1"))
        let status = setsockopt(
            descriptor, Int32(IPPROTO_IP), IP_MULTICAST_IF, &interface,
            socklen_t(MemoryLayout<in_addr>.size))
        guard status == 0 else { throw TestFailure("loopback does not multicast") }
    }

    /// Sends 64 answers.
    ///
    /// - Returns: how many left.
    mutating func step() -> Int {
        (0..<64).reduce(0) { count, _ in count + (send() ? 1 : 0) }
    }

    private mutating func send() -> Bool {
        guard let packet = packet() else { return false }
        var group = sockaddr_in()
        group.sin_family = sa_family_t(AF_INET)
        group.sin_port = UInt16(5353).bigEndian
        group.sin_addr.s_addr = inet_addr("224.0.0.251")
        let sent = withUnsafePointer(to: &group) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, packet, packet.count, 0, $0,
                    socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return sent == packet.count
    }

    /// Somebody new is there, at an address where nobody is.
    private mutating func packet() -> [UInt8]? {
        let label = Junk.bytes(16, &random).map { 97 + $0 % 26 }
        guard let service = DNSName("_p2p._udp.local"),
            let instance = DNSName(labels: [label] + service.labels),
            let address = try? Junk.address(&random),
            let peer = try? PeerID(bytes: [0x12, 0x20] + Junk.bytes(32, &random)),
            let whole = try? address.appending(peer)
        else { return nil }
        return DNSMessage(
            flags: DNSMessage.answerFlags,
            answers: [DNSRecord(service, timeToLive: 120, .ptr(instance))],
            additionals: [
                DNSRecord(instance, timeToLive: 120, .txt([Array("dnsaddr=\(whole)".utf8)]))
            ]
        ).bytes
    }
}
