internal import CResolver
internal import Glibc
package import LibP2P
internal import NIOCore
internal import NIOPosix
internal import Primitives

/// A DNS server that is asked for TXT records in the place of the system's.
package struct NameServer: Sendable, Hashable {
    package var address: IPv4Address
    package var port: UInt16

    package init(address: IPv4Address, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// Turns addresses with names into socket addresses: `/dns4`, `/dns6`, `/dns` by the system's
/// resolver, `/dnsaddr` by the TXT records of `_dnsaddr.<name>` (multiaddr specification
/// "dnsaddr").
///
/// The system's resolver blocks, so it runs on two threads of its own. Questions are bounded in
/// number and time; the same address is asked for once, however many wait.
final class NameResolver {
    /// Addresses under way at one time: one more fails.
    private static let maximumQuestions = 16
    /// What is kept of one answer.
    static let maximumAddresses = 8
    /// How deep `/dnsaddr` may lead to `/dnsaddr`.
    private static let maximumDepth = 3
    /// Records of one `/dnsaddr` that are looked at.
    private static let maximumRecords = 32

    typealias Completion = (Result<[SocketAddress], NameError>) -> Void

    /// Why a name is of no use.
    enum NameError: Error, Sendable, Hashable {
        /// The resolver knows no address for it.
        case notFound(String)
        /// It leads to addresses of this machine or network, and not the owner gave it.
        case notPublic(String)
        /// It took too long.
        case timedOut
        /// Too many names are asked for.
        case tooMany
        /// The swarm ends.
        case ended
    }

    /// Those who wait for the addresses of one name.
    private struct Question {
        let number: UInt64
        let expired: Scheduled<Void>
        var completions: [Completion]
    }

    /// The threads, from the first question on.
    private var pool: NIOThreadPool?
    private let gate: LoopGate
    private let timeout: Duration
    private let server: NameServer?
    private var questions: [Multiaddr: Question] = [:]
    private var nextNumber: UInt64 = 0
    /// Questions that a thread works on, or will: some may be overdue.
    private var underWay = 0

    /// For use on that event loop.
    init(gate: LoopGate, timeout: Duration, server: NameServer?) {
        self.gate = gate
        self.timeout = timeout
        self.server = server
    }

    /// Asks on behalf of a dial; the answer comes on the event loop.
    func resolve(_ address: Multiaddr, completion: @escaping Completion) {
        if questions[address] != nil {
            questions[address]?.completions.append(completion)
            return
        }
        guard underWay < Self.maximumQuestions else { return completion(.failure(.tooMany)) }
        underWay += 1
        nextNumber += 1
        let number = nextNumber
        let expired = gate.loop.assumeIsolated().scheduleTask(
            in: .nanoseconds(timeout.clampedNanoseconds)
        ) {
            self.finish(address, number, .failure(.timedOut))
        }
        questions[address] = Question(number: number, expired: expired, completions: [completion])
        let lookup = NameLookup(
            server: server, maximumDepth: Self.maximumDepth, maximumRecords: Self.maximumRecords)
        let gate = gate
        let bound = NIOLoopBound(self, eventLoop: gate.loop)
        startedPool().submit { state in
            var found: [SocketAddress] = []
            if case .active = state { found = lookup.addresses(of: address) }
            let addresses = Array(found.prefix(Self.maximumAddresses))
            gate.execute { bound.value.answered(address, number, addresses) }
        }
    }

    private func startedPool() -> NIOThreadPool {
        if let pool { return pool }
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        self.pool = pool
        return pool
    }

    private func answered(_ address: Multiaddr, _ number: UInt64, _ found: [SocketAddress]) {
        underWay -= 1
        finish(
            address, number, found.isEmpty ? .failure(.notFound("\(address)")) : .success(found))
    }

    private func finish(
        _ address: Multiaddr, _ number: UInt64, _ result: Result<[SocketAddress], NameError>
    ) {
        // After a time-out the late answer finds nobody.
        guard let question = questions[address], question.number == number else { return }
        questions[address] = nil
        question.expired.cancel()
        for completion in question.completions { completion(result) }
    }

    /// Answers those who wait, and ends the threads once they are idle.
    func stop() {
        pool?.shutdownGracefully { _ in }
        for (address, question) in questions { finish(address, question.number, .failure(.ended)) }
    }
}

/// The questions that one address leads to. Blocks.
private struct NameLookup: Sendable {
    let server: NameServer?
    let maximumDepth: Int
    let maximumRecords: Int

    func addresses(of address: Multiaddr) -> [SocketAddress] {
        var found: [SocketAddress] = []
        var budget = maximumRecords
        collect(address, expecting: address.peerID, depth: 0, budget: &budget, into: &found)
        return found
    }

    private func collect(
        _ address: Multiaddr, expecting peer: PeerID?, depth: Int, budget: inout Int,
        into found: inout [SocketAddress]
    ) {
        guard budget > 0, found.count < NameResolver.maximumAddresses else { return }
        budget -= 1
        if let endpoint = address.tcpEndpoint {
            for address in Self.lookUp(endpoint) where !found.contains(address) {
                found.append(address)
            }
            return
        }
        guard let name = address.dnsaddrName, depth < maximumDepth else { return }
        for text in records(of: "_dnsaddr.\(name)") {
            guard let next = try? Multiaddr(text),
                peer == nil || next.peerID == nil || next.peerID == peer
            else { continue }
            collect(next, expecting: peer, depth: depth + 1, budget: &budget, into: &found)
        }
    }

    /// What the records `dnsaddr=…` of a name say.
    private func records(of name: String) -> [String] {
        var answer = [UInt8](repeating: 0, count: DNSMessage.maximumByteCount)
        let length = resolver_query_txt(
            name, server.map { $0.address.rawValue.bigEndian } ?? 0, server?.port ?? 0, &answer,
            Int32(answer.count))
        guard length > 0, Int(length) <= answer.count,
            let message = try? DNSMessage(bytes: Array(answer[..<Int(length)]))
        else { return [] }
        let prefix = Array("dnsaddr=".utf8)
        return message.answers.compactMap { record in
            guard case .txt(let strings) = record.content else { return nil }
            // A long text is split into strings.
            let text = strings.flatMap { $0 }
            guard text.starts(with: prefix) else { return nil }
            return String(validating: text[prefix.count...], as: UTF8.self)
        }
    }

    /// The addresses of a host, of the family that the multiaddr asks for.
    private static func lookUp(_ endpoint: Multiaddr.TCPEndpoint) -> [SocketAddress] {
        if let literal = endpoint.literalAddress { return [literal] }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family =
            switch endpoint.host {
            case .dns4: AF_INET
            case .dns6: AF_INET6
            case .dns, .ip4, .ip6: AF_UNSPEC
            }
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(endpoint.hostText, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next, found.count < NameResolver.maximumAddresses {
            next = entry.pointee.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let status = getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil,
                0, NI_NUMERICHOST)
            guard status == 0 else { continue }
            let digits = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let host = String(decoding: digits, as: UTF8.self)
            if let address = try? SocketAddress(ipAddress: host, port: Int(endpoint.port)) {
                found.append(address)
            }
        }
        return found
    }
}
