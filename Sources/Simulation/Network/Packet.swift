internal import Validator

/// What travels on a line.
enum Packet: Sendable {
    /// A notification of a channel, in that channel's stream number so-and-so.
    case notification(Channel, stream: UInt32, [UInt8])
    /// A request for blocks.
    case request(RequestToken, [UInt8])
    /// Its answer; nil refuses it.
    case response(RequestToken, [UInt8]?)

    /// The request that it is part of; nil for a notification.
    var token: RequestToken? {
        switch self {
        case .notification: nil
        case .request(let token, _), .response(let token, _): token
        }
    }

    /// The bytes that it takes on the line.
    var byteCount: Int {
        switch self {
        case .notification(_, _, let bytes), .request(_, let bytes): bytes.count + 64
        case .response(_, let bytes): (bytes?.count ?? 0) + 64
        }
    }
}

/// Names a request over all nodes.
struct RequestToken: Sendable, Hashable {
    let rawValue: UInt64
}
