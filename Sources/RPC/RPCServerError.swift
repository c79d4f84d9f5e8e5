internal import Glibc
internal import NIOCore

/// Why the RPC server could not begin to listen: what, why and what to do.
package enum RPCServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Another process listens there.
    case portInUse(host: String, port: UInt16)
    /// The operating system does not let this user listen there.
    case permissionDenied(host: String, port: UInt16)
    /// The address is none of this machine's, or no address.
    case addressUnavailable(host: String, reason: String)
    /// Anything else.
    case failed(host: String, port: UInt16, reason: String)

    init(_ error: any Error, host: String, port: UInt16) {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE?: self = .portInUse(host: host, port: port)
        case EACCES?, EPERM?: self = .permissionDenied(host: host, port: port)
        case EADDRNOTAVAIL?, EAFNOSUPPORT?:
            self = .addressUnavailable(host: host, reason: "\(error)")
        case nil where error is SocketAddressError:
            self = .addressUnavailable(host: host, reason: "\(error)")
        default: self = .failed(host: host, port: port, reason: "\(error)")
        }
    }

    package var description: String {
        switch self {
        case .portInUse(let host, let port):
            """
            cannot listen for RPC on \(host), port \(port): another process listens there. \
            Stop it, or choose another port with --rpc-port.
            """
        case .permissionDenied(let host, let port):
            """
            cannot listen for RPC on \(host), port \(port): permission denied. \
            Choose a port from 1024 on with --rpc-port.
            """
        case .addressUnavailable(let host, let reason):
            """
            cannot listen for RPC on \(host): it is no address of this machine (\(reason)). \
            Leave the address out to listen on 127.0.0.1.
            """
        case .failed(let host, let port, let reason):
            "cannot listen for RPC on \(host), port \(port): \(reason)."
        }
    }
}
