internal import LibP2P

/// What happens to the bytes of one direction.
enum Interference {
    case none
    /// They arrive in pieces of so many bytes.
    case pieces(Int)
    /// They arrive in two pieces, parted there.
    case split(Int)
    /// The byte there arrives with some bits turned.
    case alter(Int, mask: UInt8)
    /// Nothing arrives from there on.
    case truncate(Int)
}

/// One direction between two endpoints.
struct Wire {
    var interference = Interference.none
    /// The bytes that were sent.
    private(set) var carried: [UInt8] = []

    /// What arrives of bytes that are sent now.
    mutating func carry(_ bytes: [UInt8]) -> [[UInt8]] {
        let start = carried.count
        carried += bytes
        switch interference {
        case .none: return [bytes]
        case .pieces(let size):
            return stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            }
        case .split(let offset):
            let position = offset - start
            guard position > 0, position < bytes.count else { return [bytes] }
            return [Array(bytes[..<position]), Array(bytes[position...])]
        case .alter(let offset, let mask):
            var altered = bytes
            if altered.indices.contains(offset - start) { altered[offset - start] ^= mask }
            return [altered]
        case .truncate(let offset):
            let arriving = Array(bytes.prefix(max(0, offset - start)))
            return arriving.isEmpty ? [] : [arriving]
        }
    }
}

/// An endpoint, and what it let through.
struct SecuritySide<Endpoint: SecurityEndpoint> {
    var endpoint: Endpoint
    /// The plaintext that arrived.
    var received: [UInt8] = []
    var error: (any Error)?

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    mutating func take(_ bytes: [UInt8]) {
        guard error == nil else { return }
        do { received += try endpoint.receive(bytes) } catch { self.error = error }
    }
}

/// Two endpoints and the wires between them.
struct SecurityPair<Endpoint: SecurityEndpoint> {
    var dialer: SecuritySide<Endpoint>
    var listener: SecuritySide<Endpoint>
    var toListener = Wire()
    var toDialer = Wire()

    init(dialer: Endpoint, listener: Endpoint) {
        self.dialer = SecuritySide(dialer)
        self.listener = SecuritySide(listener)
    }

    var isEstablished: Bool {
        dialer.endpoint.remotePeer != nil && listener.endpoint.remotePeer != nil
            && dialer.error == nil && listener.error == nil
    }

    /// Carries bytes until neither side has any.
    mutating func settle() throws(Finding) {
        for _ in 0..<10_000 {
            let there = dialer.endpoint.nextOutput()
            for piece in there.isEmpty ? [] : toListener.carry(there) { listener.take(piece) }
            let back = listener.endpoint.nextOutput()
            for piece in back.isEmpty ? [] : toDialer.carry(back) { dialer.take(piece) }
            if there.isEmpty && back.isEmpty { return }
        }
        throw Finding("the sides never come to rest")
    }

    /// Carries bytes, which both sides have to take.
    mutating func settleInOrder() throws(Finding) {
        try settle()
        if let error = dialer.error { throw Finding("the dialer: \(error)") }
        if let error = listener.error { throw Finding("the listener: \(error)") }
    }
}
