public import LibP2P
internal import Networking

/// Why a host does not start.
public enum HostStartError: Error, Sendable, Hashable {
    /// Not an IP address with a TCP port, or a name for one.
    case unsupportedAddress(Multiaddr)
    /// The address is in use, or not this machine's.
    case cannotBind(Multiaddr, reason: String)
    /// It was started, or stopped, before.
    case alreadyStarted

    init(_ error: ListenError) {
        switch error {
        case .unsupportedAddress(let address): self = .unsupportedAddress(address)
        case .cannotBind(let address, let reason): self = .cannotBind(address, reason: reason)
        case .alreadyStarted: self = .alreadyStarted
        }
    }
}

/// Why a protocol cannot be served.
public enum HostRegistrationError: Error, Sendable, Hashable {
    /// A name begins with "/", has no line break, and fits into 1,024 bytes.
    case invalidName(String)
    /// The name is served already, by the host itself or another handler.
    case alreadyServed(String)
}

/// Why a peer could not be connected.
public enum HostDialError: Error, Sendable, Hashable {
    /// No address that a TCP connection can be made to.
    case noAddress
    /// The peer is this host itself.
    case isSelf
    /// The TCP connection failed: refused, unreachable, timed out, name not found.
    case unreachable(String)
    /// Connected, but the connection ended before it was ready.
    case failed(ConnectionEnd)
    /// The host is not running, or has no room for another connection.
    case notRunning
    /// The asking task was cancelled.
    case cancelled

    init(_ error: DialError) {
        switch error {
        case .noAddress: self = .noAddress
        case .refused(.isSelf): self = .isSelf
        // A host bans nobody and reserves nothing: what is left of the refusals is a lack of room.
        case .refused: self = .notRunning
        case .unreachable(let text): self = .unreachable(text)
        case .failed(.refused(.isSelf)): self = .isSelf
        case .failed(let reason): self = .failed(ConnectionEnd(reason))
        case .notRunning: self = .notRunning
        case .cancelled: self = .cancelled
        }
    }
}

/// Why a stream cannot be opened or went away.
public enum HostStreamError: Error, Sendable, Hashable {
    /// No connection to the peer.
    case notConnected
    /// No protocol was proposed, or a name is none.
    case invalidProposal
    /// The peer speaks none of the protocols.
    case unsupported
    /// Negotiating the protocol failed, or took more than ten seconds.
    case negotiationFailed(String)
    /// The peer, or this side, cut the stream off.
    case reset
    /// The connection ended.
    case connectionLost
    /// As many streams as allowed are open.
    case tooManyStreams
    /// The stream was already ended, on this side or before what was asked for.
    case finished
    /// More bytes came than were asked for at most.
    case tooLong(limit: Int)
    /// The asking task was cancelled.
    case cancelled

    init(_ error: StreamError) {
        switch error {
        case .notConnected: self = .notConnected
        case .unsupported: self = .unsupported
        case .negotiationFailed(let text): self = .negotiationFailed(text)
        case .reset: self = .reset
        case .connectionLost: self = .connectionLost
        case .tooManyStreams: self = .tooManyStreams
        case .finished: self = .finished
        case .cancelled: self = .cancelled
        }
    }
}
