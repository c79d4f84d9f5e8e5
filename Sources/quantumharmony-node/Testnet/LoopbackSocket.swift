import Glibc

/// TCP sockets on 127.0.0.1, by plain system calls.
enum LoopbackSocket {
    /// Listens on a port.
    ///
    /// - Parameter port: 0 takes a free one.
    static func listen(port: UInt16 = 0) throws(LaunchError) -> (descriptor: Int32, port: UInt16) {
        let descriptor = make()
        guard descriptor >= 0 else { throw .noPort(why: reason()) }
        var address = address(of: port)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && Glibc.listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else {
            let why = reason()
            close(descriptor)
            throw .noPort(why: why)
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// A port that is free now, the preferred one if it is.
    static func freePort(preferring port: UInt16 = 0) throws(LaunchError) -> UInt16 {
        let found: (descriptor: Int32, port: UInt16)
        do {
            found = try listen(port: port)
        } catch {
            guard port != 0 else { throw error }
            found = try listen()
        }
        close(found.descriptor)
        return found.port
    }

    /// Begins to connect; nil when that fails at once.
    static func connect(port: UInt16) -> Int32? {
        let descriptor = make()
        guard descriptor >= 0 else { return nil }
        var address = address(of: port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 || errno == EINPROGRESS else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Takes a connection of a listening socket; nil when there is none.
    static func accept(_ listener: Int32) -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        prepare(descriptor)
        return descriptor
    }

    private static func make() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return descriptor }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        prepare(descriptor)
        return descriptor
    }

    /// Calls do not block, pieces go at once, and no child inherits it.
    private static func prepare(_ descriptor: Int32) {
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    private static func address(of port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}

/// Milliseconds of a clock that never goes back.
func monotonicMilliseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
}
