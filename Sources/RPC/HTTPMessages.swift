package import NIOHTTP1

/// A complete HTTP request that passed the gate.
package struct HTTPCall: Sendable, Hashable {
    /// What the request asks for.
    package enum Purpose: Sendable, Hashable {
        /// POST: a JSON-RPC request.
        case jsonRPC
        /// GET of a page, by its path without the query.
        case page(path: String)
        /// OPTIONS: a browser asks before it posts.
        case preflight
        /// A JSON-RPC request that came as a WebSocket message.
        case message
    }

    package var purpose: Purpose
    /// The page that a browser sends the request for; it has been found to be allowed.
    package var origin: String?
    /// Whether the connection ends after the answer.
    package var closes: Bool
    package var body: [UInt8] = []
}

/// An HTTP response.
package struct HTTPReply: Sendable, Hashable {
    package var status: HTTPResponseStatus
    package var contentType: String
    package var body: [UInt8]
    /// More header fields.
    package var headers: [Header] = []
    /// Whether the connection ends after it.
    package var closes = false

    /// A header field.
    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(
        status: HTTPResponseStatus, contentType: String, body: [UInt8], headers: [Header] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.headers = headers
    }

    /// Text for people.
    package static func text(_ status: HTTPResponseStatus, _ text: String) -> HTTPReply {
        HTTPReply(
            status: status, contentType: "text/plain; charset=utf-8",
            body: Array((text + "\n").utf8))
    }

    /// JSON.
    package static func json(_ bytes: [UInt8], status: HTTPResponseStatus = .ok) -> HTTPReply {
        HTTPReply(status: status, contentType: "application/json", body: bytes)
    }

    /// A response without a body.
    static let noContent = HTTPReply(status: .noContent, contentType: "", body: [])

    /// The reply to a call: it ends the connection when the call does and lets the page behind the
    /// call read it.
    func answering(_ call: HTTPCall) -> HTTPReply {
        var reply = self
        reply.closes = closes || call.closes
        if let origin = call.origin {
            reply.headers.append(Header("Access-Control-Allow-Origin", origin))
            reply.headers.append(Header("Vary", "Origin"))
        }
        return reply
    }
}

/// What is served on GET of a path: health, metrics, a dashboard.
package struct HTTPPage: Sendable {
    package var path: String
    /// Who may read it.
    package var access: RPCMethods.Access
    package var render: @Sendable () async -> HTTPReply

    /// A page of the exact path.
    package init(
        path: String, access: RPCMethods.Access = .safe,
        render: @escaping @Sendable () async -> HTTPReply
    ) {
        self.path = path
        self.access = access
        self.render = render
    }
}
