import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Fetches one document over plain HTTP with a GET or a POST, bounded in size and time: from the
/// source of measurements, and for the operator's commands from a node's JSON-RPC.
///
/// Plain on purpose: both are on the operator's own machine or network; `https` is refused with a
/// clear error instead of being half-supported.
struct HTTPDocumentFetch: Sendable {
    /// Why an URL is not usable.
    enum InvalidURL: Error, Equatable, CustomStringConvertible {
        case notHTTP(String)
        case noHost(String)
        case badPort(String)

        var description: String {
            switch self {
            case .notHTTP(let url): "'\(url)' does not begin with http://"
            case .noHost(let url): "'\(url)' names no host"
            case .badPort(let url): "'\(url)' has a port that is not 1 to 65535"
            }
        }
    }

    /// Why a fetch failed.
    enum Failure: Error, Equatable, CustomStringConvertible {
        case connection(String)
        case status(Int)
        case tooLarge(limit: Int)
        case timedOut
        case closedEarly

        var description: String {
            switch self {
            case .connection(let why): "the connection failed: \(why)"
            case .status(let code): "the server answered with status \(code)"
            case .tooLarge(let limit): "the answer is larger than \(limit) bytes"
            case .timedOut: "no answer in time"
            case .closedEarly: "the connection ended before the answer did"
            }
        }
    }

    let host: String
    let port: Int
    let path: String

    /// Reads `http://host[:port][/path]`; IPv6 hosts stand in brackets.
    init(url: String) throws(InvalidURL) {
        guard url.hasPrefix("http://") else { throw .notHTTP(url) }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest.dropFirst(authority.count)
        var hostPart = authority
        var portNumber = 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0
            else {
                throw .badPort(url)
            }
            portNumber = Int(number)
            hostPart = authority[..<colon]
        }
        if hostPart.hasPrefix("["), hostPart.hasSuffix("]") {
            hostPart = hostPart.dropFirst().dropLast()
        }
        guard !hostPart.isEmpty else { throw .noHost(url) }
        host = String(hostPart)
        port = portNumber
        path = tail.isEmpty ? "/" : (tail.first == "?" ? "/" + tail : String(tail))
    }

    /// Fetches the document.
    ///
    /// - Parameters:
    ///   - maximumByteCount: a longer answer is an error.
    ///   - timeout: for connecting and for the whole answer, each.
    func get(
        maximumByteCount: Int, timeout: TimeAmount, group: any EventLoopGroup
    ) async throws -> [UInt8] {
        try await perform(
            nil, maximumByteCount: maximumByteCount, timeout: timeout, group: group
        ).get()
    }

    /// Sends a JSON document and fetches the answer, bounds as of `get`; the thread, which must
    /// not be one of the group's, waits for it.
    func postAndWait(
        _ document: [UInt8], maximumByteCount: Int, timeout: TimeAmount,
        group: any EventLoopGroup
    ) throws -> [UInt8] {
        try perform(
            document, maximumByteCount: maximumByteCount, timeout: timeout, group: group
        ).wait()
    }

    private func perform(
        _ document: [UInt8]?, maximumByteCount: Int, timeout: TimeAmount,
        group: any EventLoopGroup
    ) -> EventLoopFuture<[UInt8]> {
        let promise = group.next().makePromise(of: [UInt8].self)
        let host = host
        let path = path
        let connected = ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(
                        HTTPDocumentReader(
                            host: host, path: path, document: document,
                            maximumByteCount: maximumByteCount, promise: promise))
                }
            }
            .connect(host: host, port: port)
        connected.whenFailure { promise.fail(Failure.connection(Self.reason($0))) }
        connected.whenSuccess { channel in
            let deadline = channel.eventLoop.scheduleTask(in: timeout) {
                promise.fail(Failure.timedOut)
            }
            promise.futureResult.whenComplete { _ in
                deadline.cancel()
                channel.close(promise: nil)
            }
        }
        return promise.futureResult
    }

    /// Why there is no connection, in the words of the system.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            let failures = error.connectionErrors.compactMap { $0.error as? IOError }
            if let code = failures.first?.errnoCode { return String(cString: strerror(code)) }
            return error.connectionErrors.isEmpty
                ? "the host '\(error.host)' is not known" : "\(error)"
        case ChannelError.connectTimeout: return "no connection in time"
        default: return "\(error)"
        }
    }
}

/// Sends the request when connected and collects the answer.
private final class HTTPDocumentReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let host: String
    private let path: String
    /// What is posted; nil for a GET.
    private let document: [UInt8]?
    private let maximumByteCount: Int
    private let promise: EventLoopPromise<[UInt8]>
    private var body: [UInt8] = []

    init(
        host: String, path: String, document: [UInt8]?, maximumByteCount: Int,
        promise: EventLoopPromise<[UInt8]>
    ) {
        self.host = host
        self.path = path
        self.document = document
        self.maximumByteCount = maximumByteCount
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        var head = HTTPRequestHead(
            version: .http1_1, method: document == nil ? .GET : .POST, uri: path)
        head.headers.add(name: "host", value: host)
        head.headers.add(name: "accept", value: "application/json")
        head.headers.add(name: "connection", value: "close")
        if let document {
            head.headers.add(name: "content-type", value: "application/json")
            head.headers.add(name: "content-length", value: "\(document.count)")
        }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let document {
            let buffer = context.channel.allocator.buffer(bytes: document)
            context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if head.status != .ok {
                promise.fail(HTTPDocumentFetch.Failure.status(Int(head.status.code)))
            }
        case .body(let part):
            body.append(contentsOf: part.readableBytesView)
            if body.count > maximumByteCount {
                promise.fail(HTTPDocumentFetch.Failure.tooLarge(limit: maximumByteCount))
                context.close(promise: nil)
            }
        case .end:
            promise.succeed(body)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(HTTPDocumentFetch.Failure.closedEarly)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(HTTPDocumentFetch.Failure.connection("\(error)"))
        context.close(promise: nil)
    }
}
