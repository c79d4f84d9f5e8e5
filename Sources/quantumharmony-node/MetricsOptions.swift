import ArgumentParser
import Node

/// Where Prometheus finds the metrics.
struct MetricsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The port of /metrics for Prometheus (0: any free port; default: 9615).",
            discussion:
                "The node does not start when a port given here is taken; when the default one is, it warns and runs without metrics.",
            valueName: "port"))
    var prometheusPort: UInt16?

    @Flag(help: "Serve metrics on all IPv4 interfaces, not on localhost alone.")
    var prometheusExternal = false

    @Flag(name: .customLong("no-prometheus"), help: "Serve no metrics.")
    var isPrometheusOff = false

    func validate() throws {
        if isPrometheusOff, prometheusPort != nil || prometheusExternal {
            throw ValidationError(
                "--no-prometheus cannot go with --prometheus-port or --prometheus-external.")
        }
    }

    func apply(to configuration: inout NodeConfiguration) {
        configuration.prometheusPort = isPrometheusOff ? nil : prometheusPort ?? 9615
        configuration.isPrometheusRequired = prometheusPort != nil || prometheusExternal
        configuration.isPrometheusExternal = prometheusExternal
    }
}
