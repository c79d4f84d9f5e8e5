import Glibc

/// A plain TCP connection to a port of this machine: for bytes that no library would send.
package final class RawConnection {
    private let descriptor: Int32

    /// Connects.
    ///
    /// - Parameters:
    ///   - source: the own address, any of 127.0.0.0/8; nil: the system's choice.
    ///   - patience: for how many seconds connecting or sending may stand still; nil: any time.
    package init(port: Int, from source: String? = nil, patience: Int? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("no socket") }
        if let patience {
            var limit = timeval(tv_sec: patience, tv_usec: 0)
            setsockopt(
                descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit,
                socklen_t(MemoryLayout<timeval>.size))
        }
        let isBound = source.map { Self.call(bind, descriptor, $0, port: 0) == 0 } ?? true
        guard isBound, Self.call(connect, descriptor, "127.0.0.1", port: port) == 0 else {
            close(descriptor)
            throw TestFailure("nobody listens on port \(port)")
        }
    }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ descriptor: Int32,
        _ host: String, port: Int
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr(host)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(descriptor) }

    /// Sends bytes; false when the other side has closed.
    package func send(_ bytes: some Sequence<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Waits for bytes; nothing when the other side closed, nil when the time is over.
    package func receive(within seconds: Double) throws -> [UInt8]? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, Int32(seconds * 1_000)) > 0 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return Array(buffer[..<max(0, count)])
    }

    /// Sends one byte at a time with a pause after each, until the other side closes.
    ///
    /// - Returns: how long it put up with it; nil when it did for longer than `limit` seconds.
    package func drip(_ byte: UInt8, pause: Double, limit: Double) throws -> Double? {
        let clock = ContinuousClock()
        let start = clock.now
        while clock.now - start < .seconds(limit) {
            let isOpen = send([byte])
            let answer = try receive(within: pause)
            if !isOpen || answer?.isEmpty == true { return (clock.now - start) / .seconds(1) }
        }
        return nil
    }
}
