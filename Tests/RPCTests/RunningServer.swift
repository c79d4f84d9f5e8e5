import Logging
import RPC

/// Runs a server on a free port for the time of `body`.
func withServer(
    methods: RPCMethods = ServerTests.methods(), pages: [HTTPPage] = [],
    _ change: (inout RPCServer.Configuration) -> Void = { _ in },
    _ body: (RPCServer) async throws -> Void
) async throws {
    var configuration = RPCServer.Configuration()
    configuration.port = 0
    change(&configuration)
    let server = try await RPCServer.start(
        configuration: configuration, methods: methods, pages: pages,
        logger: Logger(label: "test"))
    do {
        try await body(server)
    } catch {
        await server.shutdown()
        throw error
    }
    await server.shutdown()
}
