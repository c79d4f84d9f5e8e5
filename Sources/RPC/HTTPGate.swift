package import NIOHTTP1

/// Decides on a request's head whether the request is served.
///
/// A page from anywhere can make a browser on this machine send requests to a local port. Two
/// checks stop it: `Host` must name this machine (against DNS rebinding) and `Origin`, which
/// browsers send with every POST, must be a page from this machine (against cross-site requests).
package struct HTTPGate: Sendable {
    /// Host names, lower case, without ports; nil: all.
    private let hosts: Set<String>?
    /// Origins as browsers write them, lower case; nil: all.
    private let origins: Set<String>?
    private let bodyLimit: Int

    /// The names of this machine that are always allowed.
    package static let loopbackNames = ["localhost", "127.0.0.1", "::1"]

    /// Which names a server answers to.
    package enum Rule: Sendable, Hashable {
        /// Loopback names only.
        case loopback
        /// Loopback names and these.
        case listed([String])
        /// All.
        case any
    }

    /// What the head decides.
    package enum Verdict: Sendable, Hashable {
        case serve(HTTPCall)
        /// Answer this and close.
        case refuse(HTTPReply)
    }

    package init(hosts: Rule, origins: Rule, bodyLimit: Int) {
        switch hosts {
        case .any: self.hosts = nil
        case .loopback: self.hosts = Set(Self.loopbackNames)
        case .listed(let names):
            self.hosts = Set(
                Self.loopbackNames + names.map { Self.hostName($0) ?? $0.lowercased() })
        }
        switch origins {
        case .any: self.origins = nil
        case .loopback: self.origins = []
        case .listed(let names): self.origins = Set(names.map { $0.lowercased() })
        }
        self.bodyLimit = bodyLimit
    }

    /// Judges a request by its head.
    package func verdict(on head: HTTPRequestHead) -> Verdict {
        if let refusal = hostRefusal(head) { return .refuse(refusal) }
        let given = head.headers["origin"]
        guard given.count <= 1, given.allSatisfy(allowsOrigin) else {
            return .refuse(
                .text(
                    .forbidden,
                    "Pages of this origin may not call this node. "
                        + "The operator allows origins with --rpc-cors."))
        }
        let upgrades = head.headers.contains(name: "upgrade")
        var call = HTTPCall(
            purpose: .jsonRPC, origin: given.first, closes: !head.isKeepAlive || upgrades)
        switch head.method {
        case .POST:
            if let length = head.headers.first(name: "content-length").flatMap(UInt64.init),
                length > UInt64(bodyLimit)
            {
                return .refuse(Self.bodyTooLarge(limit: bodyLimit))
            }
        case .GET:
            call.purpose = .page(path: String(head.uri.prefix { $0 != "?" && $0 != "#" }))
        case .OPTIONS where given.count == 1:
            call.purpose = .preflight
        default:
            return .refuse(Self.methodNotAllowed)
        }
        return .serve(call)
    }

    /// Whether a request to speak WebSocket from here on is granted. One that is not is judged as
    /// the plain request that it is.
    func allowsUpgrade(_ head: HTTPRequestHead) -> Bool {
        let origins = head.headers["origin"]
        return head.method == .GET && hostRefusal(head) == nil && origins.count <= 1
            && origins.allSatisfy(allowsOrigin)
    }

    private func hostRefusal(_ head: HTTPRequestHead) -> HTTPReply? {
        let given = head.headers["host"]
        guard given.count <= 1, !given.isEmpty || head.version == .http1_0 else {
            return .text(.badRequest, "A request names its host exactly once.")
        }
        guard let hosts else { return nil }
        // HTTP/1.0 without Host is no browser's.
        guard let text = given.first else { return nil }
        guard let name = Self.hostName(text), hosts.contains(name) else {
            return .text(
                .forbidden,
                "This node does not answer to that host name. "
                    + "The operator allows host names with --rpc-hosts.")
        }
        return nil
    }

    private func allowsOrigin(_ text: String) -> Bool {
        guard let origins else { return true }
        let origin = text.lowercased()
        if origins.contains(origin) { return true }
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            guard let name = Self.hostName(String(origin.dropFirst(scheme.count))) else {
                return false
            }
            return Self.loopbackNames.contains(name)
        }
        return false
    }

    /// The lower-case host of `host`, `host:port`, `[v6]` or `[v6]:port`; nil for anything else.
    static func hostName(_ text: String) -> String? {
        var name: Substring
        var rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            name = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            name = text[..<end]
            rest = text[end...]
            if name.hasSuffix(".") { name.removeLast() }
        }
        if !rest.isEmpty {
            guard rest.removeFirst() == ":", !rest.utf8.isEmpty, rest.utf8.count <= 5,
                rest.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
            else { return nil }
        }
        guard !name.isEmpty else { return nil }
        return name.lowercased()
    }

    static func bodyTooLarge(limit: Int) -> HTTPReply {
        .text(.payloadTooLarge, "A request's body has at most \(limit) bytes.")
    }

    static let methodNotAllowed: HTTPReply = {
        var reply = HTTPReply.text(
            .methodNotAllowed, "This is a JSON-RPC endpoint: requests are sent with POST.")
        reply.headers = [HTTPReply.Header("Allow", "POST, GET, OPTIONS")]
        return reply
    }()
}
