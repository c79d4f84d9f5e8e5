internal import RPC

extension NodeConfiguration {
    /// To whom and how much JSON-RPC is served.
    public struct RPC: Sendable, Equatable {
        /// Which methods are served.
        public enum Methods: String, Sendable, CaseIterable {
            /// The operator's only when the listener is on loopback.
            case auto
            /// Never the operator's.
            case safe
            /// All.
            case unsafe
        }

        /// Which names are served beside this machine's own.
        public enum Names: Sendable, Equatable {
            case all
            case listed([String])
        }

        public var methods: Methods
        /// Origins of web pages that may call.
        public var origins: Names
        /// Host names that requests may be addressed to.
        public var hosts: Names
        public var maximumConnectionCount: Int
        /// Bytes of a request.
        public var maximumRequestByteCount: Int
        /// Bytes of a response.
        public var maximumResponseByteCount: Int
        /// Subscriptions of one connection.
        public var maximumSubscriptionCount: Int
        /// Calls a minute on one connection; nil: no limit.
        public var callsPerMinute: Int?

        public init(
            methods: Methods = .auto, origins: Names = .listed([]), hosts: Names = .listed([]),
            maximumConnectionCount: Int = 100, maximumRequestByteCount: Int = 1 << 20,
            maximumResponseByteCount: Int = 15 << 20, maximumSubscriptionCount: Int = 1_024,
            callsPerMinute: Int? = nil
        ) {
            self.methods = methods
            self.origins = origins
            self.hosts = hosts
            self.maximumConnectionCount = maximumConnectionCount
            self.maximumRequestByteCount = maximumRequestByteCount
            self.maximumResponseByteCount = maximumResponseByteCount
            self.maximumSubscriptionCount = maximumSubscriptionCount
            self.callsPerMinute = callsPerMinute
        }
    }

    /// The RPC server's configuration.
    var serverConfiguration: RPCServer.Configuration {
        var settings = RPCServer.Configuration()
        settings.host = rpcHost
        settings.port = UInt16(clamping: rpcPort)
        settings.hosts = rpc.hosts.rule
        settings.origins = rpc.origins.rule
        settings.allowsOperatorMethods =
            switch rpc.methods {
            case .auto: nil
            case .safe: false
            case .unsafe: true
            }
        settings.limits.connectionCount = rpc.maximumConnectionCount
        settings.limits.requestByteCount = rpc.maximumRequestByteCount
        settings.limits.responseByteCount = rpc.maximumResponseByteCount
        settings.limits.subscriptionCount = rpc.maximumSubscriptionCount
        settings.limits.callsPerMinute = rpc.callsPerMinute
        return settings
    }
}

extension NodeConfiguration.RPC.Names {
    fileprivate var rule: HTTPGate.Rule {
        switch self {
        case .all: .any
        case .listed(let names): names.isEmpty ? .loopback : .listed(names)
        }
    }
}
