internal import Glibc
internal import Synchronization

/// A connected Unix socket that carries frames: u32 byte count, little-endian, then the bytes.
///
/// Calls block; reading and writing take a few seconds at most, except for the first byte of a frame
/// where the caller says so.
final class UnixSocket: Sendable {
    /// Why a frame did not get through.
    struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }

        /// With what the last system call complained about.
        init(errno what: String) {
            description = "\(what): \(String(cString: strerror(Glibc.errno)))"
        }
    }

    /// How long a peer may take for a frame, in seconds.
    private static let timeoutSeconds = 3

    private let descriptor: Mutex<CInt?>

    /// Takes over a connected descriptor.
    init(_ descriptor: CInt) {
        var timeout = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        self.descriptor = Mutex(descriptor)
    }

    deinit { close() }

    /// Connects to a path.
    convenience init(path: String) throws(Failure) {
        let descriptor = try Self.make()
        let status = try Self.withAddress(path) { connect(descriptor, $0, $1) }
        guard status == 0 else {
            defer { Glibc.close(descriptor) }
            throw Failure(errno: "cannot connect to \(path)")
        }
        self.init(descriptor)
    }

    /// Ends the connection; whoever waits in it fails.
    func close() {
        descriptor.withLock { descriptor in
            if let open = descriptor { Glibc.close(open) }
            descriptor = nil
        }
    }

    /// Ends the connection for others that wait in it, without giving the descriptor away.
    func interrupt() {
        descriptor.withLock { if let open = $0 { shutdown(open, CInt(SHUT_RDWR)) } }
    }

    static func make() throws(Failure) -> CInt {
        let descriptor = socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(errno: "no socket") }
        return descriptor
    }

    /// Lends the address of a path.
    static func withAddress<Result>(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(Failure) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity, !path.isEmpty else {
            throw Failure("a socket's path has 1 to \(capacity - 1) bytes: \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    // MARK: Frames

    /// Writes a frame.
    func write(_ bytes: [UInt8]) throws(Failure) {
        let descriptor = try open()
        let frame =
            (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
        var written = 0
        while written < frame.count {
            let part = frame.withUnsafeBytes {
                send(
                    descriptor, $0.baseAddress.map { $0 + written }, frame.count - written,
                    CInt(MSG_NOSIGNAL))
            }
            if part > 0 {
                written += part
            } else if errno != EINTR {
                throw Failure(errno: "the connection does not take a message")
            }
        }
    }

    /// Reads a frame.
    ///
    /// - Parameter isPatient: whether the other side may take any time until it begins.
    /// - Returns: nil when the other side has ended the connection between frames.
    func read(isPatient: Bool = false) throws(Failure) -> [UInt8]? {
        let descriptor = try open()
        guard let header = try read(4, from: descriptor, isPatient: isPatient) else { return nil }
        let count = header.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard count <= SignerFrame.maximumByteCount else {
            throw Failure("a frame of \(count) bytes is too large")
        }
        guard let bytes = try read(count, from: descriptor, isPatient: false) else {
            throw Failure("the connection ended within a message")
        }
        return bytes
    }

    private func read(
        _ count: Int, from descriptor: CInt, isPatient: Bool
    ) throws(Failure) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let part = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + filled }, count - filled, 0)
            }
            if part > 0 {
                filled += part
            } else if part == 0 {
                guard filled == 0 else { throw Failure("the connection ended within a message") }
                return nil
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                guard isPatient && filled == 0 else { throw Failure("no answer in time") }
            } else if errno != EINTR {
                throw Failure(errno: "the connection failed")
            }
        }
        return bytes
    }

    private func open() throws(Failure) -> CInt {
        guard let open = descriptor.withLock({ $0 }) else {
            throw Failure("the connection is closed")
        }
        return open
    }
}
