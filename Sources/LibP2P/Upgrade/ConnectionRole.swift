/// Which side of a connection a node is on.
public enum ConnectionRole: Sendable, Hashable {
    /// It opened the connection.
    case dialer
    /// It accepted the connection.
    case listener
}
