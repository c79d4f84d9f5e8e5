import ArgumentParser
import Node

/// Where, to whom and how much JSON-RPC is served.
struct RPCOptions: ParsableArguments {
    @Option(help: "The port of JSON-RPC over HTTP and WebSocket (0: any free port).")
    var rpcPort: UInt16 = 9944

    @Flag(
        help: ArgumentHelp(
            "Listen on all interfaces, not on localhost only.",
            discussion:
                "Refused together with --validator unless --rpc-methods safe is given. Put a proxy with TLS and limits in front."
        ))
    var rpcExternal = false

    @Flag(help: "The same without that refusal.")
    var unsafeRpcExternal = false

    @Option(
        help: ArgumentHelp(
            "Which methods are served: safe ones, all (unsafe), or all on localhost only (auto).",
            valueName: "auto|safe|unsafe"),
        transform: Self.methods)
    var rpcMethods = NodeConfiguration.RPC.Methods.auto

    @Option(
        help: ArgumentHelp(
            "Web pages that may call: origins such as https://app.example, separated by commas; all; or null for none but local ones.",
            discussion: "Pages of this machine always may. With --dev: all.",
            valueName: "origins|all|null"))
    var rpcCors: String?

    @Option(
        help: ArgumentHelp(
            "Host names that requests may be addressed to, beside this machine's; or all.",
            discussion: "Default: all with --rpc-external, otherwise this machine's names.",
            valueName: "names|all"))
    var rpcHosts: String?

    @Option(help: "Connections at a time.")
    var rpcMaxConnections = 100

    @Option(help: ArgumentHelp("The largest request.", valueName: "MiB"))
    var rpcMaxRequestSize = 1

    @Option(help: ArgumentHelp("The largest response.", valueName: "MiB"))
    var rpcMaxResponseSize = 15

    @Option(help: "Subscriptions of one connection.")
    var rpcMaxSubscriptionsPerConnection = 1_024

    @Option(
        help: ArgumentHelp(
            "Calls a minute on one connection (default: no limit).", valueName: "calls"))
    var rpcRateLimit: Int?

    func validate() throws {
        for (name, value, range) in [
            ("--rpc-max-connections", rpcMaxConnections, 1...10_000),
            ("--rpc-max-request-size", rpcMaxRequestSize, 1...64),
            ("--rpc-max-response-size", rpcMaxResponseSize, 1...256),
            (
                "--rpc-max-subscriptions-per-connection", rpcMaxSubscriptionsPerConnection,
                1...65_536
            ),
            ("--rpc-rate-limit", rpcRateLimit ?? 1, 1...10_000),
        ] where !range.contains(value) {
            throw ValidationError("\(name) takes \(range.lowerBound) to \(range.upperBound).")
        }
        for origin in Self.names(rpcCors) {
            let scheme = ["http://", "https://"].first { origin.hasPrefix($0) }
            guard let scheme, origin.count > scheme.count,
                !origin.dropFirst(scheme.count).contains("/")
            else {
                throw ValidationError(
                    "--rpc-cors: '\(origin)' is no origin: it takes a scheme and a host, such as https://app.example."
                )
            }
        }
    }

    /// Substrate's rule: a validator's operator methods are not for everybody.
    func check(isValidator: Bool) throws {
        guard rpcExternal, isValidator, !unsafeRpcExternal, rpcMethods != .safe else { return }
        throw ValidationError(
            "--rpc-external and --validator together would let others call this validator's RPC. Give --rpc-methods safe as well (or --unsafe-rpc-external if you know that nobody else reaches the port)."
        )
    }

    private static func methods(_ text: String) throws -> NodeConfiguration.RPC.Methods {
        guard let methods = NodeConfiguration.RPC.Methods(rawValue: text) else {
            throw ValidationError("--rpc-methods takes auto, safe or unsafe, not '\(text)'.")
        }
        return methods
    }

    /// The names of a list; none for a word that stands for a rule.
    private static func names(_ text: String?) -> [String] {
        guard let text, text != "all", text != "null" else { return [] }
        return text.split(separator: ",").map {
            String($0.trimmingPrefix(while: \.isWhitespace))
        }
    }

    private static func rule(_ text: String?) -> NodeConfiguration.RPC.Names? {
        text.map { $0 == "all" ? .all : .listed(names($0)) }
    }

    func apply(to configuration: inout NodeConfiguration, isDev: Bool) {
        let isExternal = rpcExternal || unsafeRpcExternal
        configuration.rpcPort = Int(rpcPort)
        if isExternal { configuration.rpcHost = "0.0.0.0" }
        configuration.rpc = NodeConfiguration.RPC(
            methods: rpcMethods,
            origins: Self.rule(rpcCors) ?? (isDev ? .all : .listed([])),
            hosts: Self.rule(rpcHosts) ?? (isExternal ? .all : .listed([])),
            maximumConnectionCount: rpcMaxConnections,
            maximumRequestByteCount: rpcMaxRequestSize << 20,
            maximumResponseByteCount: rpcMaxResponseSize << 20,
            maximumSubscriptionCount: rpcMaxSubscriptionsPerConnection,
            callsPerMinute: rpcRateLimit)
    }
}
