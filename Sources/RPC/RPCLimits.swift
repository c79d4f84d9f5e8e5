/// The bounds of an RPC server: what one client can make it hold and how long it can hold it.
package struct RPCLimits: Sendable, Hashable {
    /// Connections at a time; more are answered with 503 and closed.
    package var connectionCount = 100
    /// A request's body; larger ones are answered with 413.
    package var requestByteCount = 1 << 20
    /// A response's body, a batch's as a whole.
    package var responseByteCount = 15 << 20
    /// The calls of a batch.
    package var batchCount = 100
    /// All of a request's header fields together.
    package var headerByteCount = 16 << 10
    /// A request's header fields.
    package var headerFieldCount = 64
    /// How long a connection may be silent, and how long a request's head may take.
    package var idleTimeout: Duration = .seconds(60)
    /// How long a request's body may take.
    package var bodyTimeout: Duration = .seconds(15)
    /// How long a request's calls may take together.
    package var callTimeout: Duration = .seconds(30)
    /// How long a client may take to read a response.
    package var writeTimeout: Duration = .seconds(60)
    /// How long a refused connection is drained, so that the client gets to read the refusal.
    package var lingerTimeout: Duration = .seconds(2)

    /// Subscriptions of one connection.
    package var subscriptionCount = 1_024
    /// Messages handed to a WebSocket's socket at a time, and those of one subscription that wait
    /// behind them; a client that lets more come together is closed.
    package var notificationCount = 64
    /// WebSocket messages that wait for their turn before no more are read.
    package var queuedMessageCount = 16
    /// Calls a minute on one connection, a minute's worth at once; nil: as many as it likes.
    package var callsPerMinute: Int?

    package init() {}
}
