import ArgumentParser
import Node

/// Whether the dashboard is served.
struct DashboardOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            "Serve the dashboard at /dashboard on the RPC port.",
            discussion: "A page for the operator: it is served on loopback only."))
    var dashboard = false

    func apply(to configuration: inout NodeConfiguration) {
        configuration.servesDashboard = dashboard
    }
}
