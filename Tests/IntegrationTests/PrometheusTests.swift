import Foundation
import TestSupport
import Testing

/// Three validators that a real Prometheus scrapes: what it can ask, and what it alerts of.
@Suite(.serialized) struct PrometheusTests {
    /// Three validators with metrics; Alice's measurements come from a file.
    private final class Lab {
        let net: Testnet
        let prometheus: PrometheusServer
        let ports: [String: Int]
        private let measurement: URL
        static let names = ["alice", "bob", "charlie"]

        init() async throws {
            net = try Testnet(slotMilliseconds: 500)
            measurement = net.folder.appending(path: "measurement.json")
            var ports: [String: Int] = [:]
            for name in Self.names { ports[name] = try Program.freePort() }
            self.ports = ports
            prometheus = try PrometheusServer(
                folder: net.folder.appending(path: "prometheus"), targets: ports)
            try measure(qber: 50)
            let source = [
                "--quantum-source", "file:\(measurement.path)", "--quantum-max-age", "600000",
            ]
            for name in Self.names {
                let options = ["--prometheus-port", "\(ports[name] ?? 0)"]
                try await net.start(
                    name, log: "info,author=debug",
                    options: name == "alice" ? options + source : options)
            }
            try await prometheus.waitUntilReady()
        }

        var alice: NodeProcess {
            get throws { try #require(net.nodes["alice"]) }
        }

        /// What Alice's quantum source says from now on, in basis points.
        func measure(qber: Int) throws {
            let document: [String: Any] = [
                "measured_at_unix_ms": Int(Date().timeIntervalSince1970 * 1_000),
                "valid_proofs": 9, "rejected_proofs": 0, "reporter_count": 3,
                "average_qber_basis_points": qber, "min_qber_basis_points": qber,
                "max_qber_basis_points": qber,
                "entropy_pool_hash": "0x" + String(repeating: "ab", count: 32),
            ]
            try JSONSerialization.data(withJSONObject: document).write(
                to: measurement, options: .atomic)
        }

        /// Waits until something holds, looking after each block of Alice's.
        func wait(
            for what: String, seconds: Double = 60, _ holds: () throws -> Bool
        ) async throws {
            let clock = ContinuousClock()
            let end = clock.now + .seconds(seconds)
            while try !holds() {
                guard clock.now < end else {
                    throw TestFailure(
                        "no \(what) in \(seconds) s; firing: \(try prometheus.firing())")
                }
                let node = try alice
                try await node.wait(for: "Slot author", from: node.log.lines.count, seconds: 20)
            }
        }

        func waitForAlert(_ alert: String, _ labels: [String: String] = [:]) async throws {
            try await wait(for: "\(alert) \(labels)") { try prometheus.isFiring(alert, labels) }
        }

        /// The page of a node.
        func page(of name: String) throws -> String {
            try PlainHTTP.get("/metrics", port: try #require(ports[name])).body
        }
    }

    @Test(.timeLimit(.minutes(4)))
    func `Prometheus reads every metric, every panel has data, and alerts fire when they should`()
        async throws
    {
        let lab = try await Lab()
        try await lab.alice.waitForFinality(of: 8)
        let isHealthy = "min(increase(coherence_finalised_blocks_total[10s])) > 3"
        try await lab.wait(for: "data of all nodes") {
            let scraped = try lab.prometheus.query("sum(up)").first?.value
            return try scraped == 3 && !lab.prometheus.query(isHealthy).isEmpty
        }
        for alert in [
            "CoherenceNoFinality", "CoherenceFewPeers", "CoherenceQBERHigh", "CoherenceAbstaining",
            "CoherenceOwnVotesMissing", "CoherenceSigningStopped", "CoherenceEquivocation",
            "CoherenceNodeDown", "CoherenceClockSkew", "CoherenceRestartLoop",
        ] {
            #expect(try !lab.prometheus.isFiring(alert), "\(alert) fires without a cause")
        }
        try checkPage(lab.page(of: "alice"))
        try await checkPanels(lab)

        // A quantum source that is worse, then too bad to vote with.
        try lab.measure(qber: 1_050)
        try await lab.waitForAlert("CoherenceQBERHigh", ["instance": "alice"])
        try lab.measure(qber: 1_200)
        try await lab.waitForAlert("CoherenceAbstaining", ["instance": "alice"])
        try await lab.waitForAlert("CoherenceOwnVotesMissing", ["instance": "alice"])
        #expect(try !lab.prometheus.isFiring("CoherenceOwnVotesMissing", ["instance": "bob"]))
        try lab.measure(qber: 50)
        try await lab.wait(for: "an end of abstaining") {
            try !lab.prometheus.isFiring("CoherenceAbstaining")
        }

        // One validator down.
        lab.net.nodes["charlie"]?.kill()
        for name in ["alice", "bob"] {
            try await lab.waitForAlert("CoherenceFewPeers", ["instance": name])
            try await lab.waitForAlert(
                "CoherenceValidatorVotesMissing", ["instance": name, "validator": "2"])
        }
        try await lab.waitForAlert("CoherenceNodeDown", ["instance": "charlie"])
        #expect(try !lab.prometheus.isFiring("CoherenceNoFinality", ["instance": "alice"]))

        // Two down.
        lab.net.nodes["bob"]?.kill()
        try await lab.waitForAlert("CoherenceNoFinality", ["instance": "alice"])
    }

    // MARK: The page and the files that name metrics

    /// The names and kinds that a page declares, with their help.
    private func declared(in page: String) -> [String: (kind: String, help: String)] {
        var metrics: [String: (kind: String, help: String)] = [:]
        for match in page.matches(of: /# HELP (\w+) (.*)\n# TYPE \w+ (\w+)\n/) {
            metrics[String(match.1)] = (String(match.3), String(match.2))
        }
        return metrics
    }

    /// The page is what docs/metrics.md says, has no fault that promtool knows but the names that
    /// Substrate gave, and has all names that the rules and the dashboard use.
    private func checkPage(_ page: String) throws {
        let metrics = declared(in: page)
        #expect(metrics.count > 70)
        let text = try String(
            contentsOf: Repository.root.appending(path: "docs/metrics.md"), encoding: .utf8)
        var documented: [String: (kind: String, help: String)] = [:]
        for row in text.matches(of: /(?m)^\| `(\w+)` \| (\w+) \|[^|]*\| (.*) \|$/) {
            documented[String(row.1)] = (String(row.2), String(row.3))
        }
        #expect(documented.keys.sorted() == metrics.keys.sorted())
        for (name, metric) in metrics {
            #expect(documented[name]?.kind == metric.kind, "docs/metrics.md: \(name)")
            #expect(documented[name]?.help == metric.help, "docs/metrics.md: \(name)")
        }

        let lint = try Program.run(
            URL(filePath: "/usr/bin/promtool"), ["check", "metrics"], input: page)
        #expect(lint.status == 0 || lint.status == 3, "\(lint.output)")
        for line in lint.output.split(separator: "\n") {
            #expect(line.hasPrefix("substrate_"), "promtool: \(line)")
        }

        for file in [
            "prometheus/rules/recording.yml", "prometheus/rules/alerts.yml",
            "grafana/dashboards/quantumharmony.json",
        ] {
            let text = try String(
                contentsOf: Repository.root.appending(path: "deploy/\(file)"), encoding: .utf8)
            let names = text.matches(of: /\b(?:coherence|substrate|process)_\w+/).map {
                String($0.0.replacing(/_(bucket|sum|count)$/) { _ in "" })
            }
            #expect(!names.isEmpty)
            for name in Set(names) {
                let whole = metrics[name] ?? metrics["\(name)_count"]
                #expect(whole != nil, "\(file) names \(name), which no node has")
            }
        }
    }

    /// Every query of the dashboard has data, those of recorded values after the next evaluation.
    private func checkPanels(_ lab: Lab) async throws {
        struct Dashboard: Decodable {
            struct Panel: Decodable {
                struct Target: Decodable { let expr: String }
                let title: String
                let targets: [Target]?
            }
            let panels: [Panel]
        }
        let file = Repository.root.appending(path: "deploy/grafana/dashboards/quantumharmony.json")
        let dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(contentsOf: file))
        var count = 0
        for panel in dashboard.panels {
            for target in panel.targets ?? [] {
                let expression = target.expr.replacing("$instance", with: ".*")
                    .replacing("$__rate_interval", with: "10s")
                count += 1
                try await lab.wait(for: "data in the panel \(panel.title): \(expression)") {
                    try !lab.prometheus.query(expression).isEmpty
                }
            }
        }
        #expect(count > 30)
    }

    // MARK: The port

    @Test(.timeLimit(.minutes(1)))
    func `a port that is taken is refused when it was asked for, and without metrics none is open`()
        async throws
    {
        let net = try Testnet()
        let port = try Program.freePort()
        let alice = try await net.start("alice", options: ["--prometheus-port", "\(port)"])
        #expect(alice.log.lines.contains { $0.contains("Metrics on http://127.0.0.1:\(port)/") })
        #expect(try PlainHTTP.get("/metrics", port: port).status == 200)
        #expect(try PlainHTTP.get("/", port: port).status == 405)
        #expect(try PlainHTTP.get("/metrics", port: port, host: "evil.example").status == 403)
        let posted = try RPCClient(port: port).exchange(
            Array("POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}".utf8))
        #expect(String(decoding: posted, as: UTF8.self).hasPrefix("HTTP/1.1 413"))

        let common = ["--tmp", "--listen-addr", "/ip4/127.0.0.1/tcp/0", "--rpc-port", "0"]
        let taken = try Program.run(
            "quantumharmony-node", common + ["--prometheus-port", "\(port)"])
        #expect(taken.status == 1)
        #expect(taken.output.contains("choose another port with --prometheus-port"))
        let both = try Program.run(
            "quantumharmony-node", common + ["--no-prometheus", "--prometheus-port", "\(port)"])
        #expect(both.status != 0)
        #expect(both.output.contains("--no-prometheus cannot go with"))

        let bob = try await net.start("bob", options: ["--no-prometheus"])
        #expect(
            !bob.log.lines.contains {
                $0.contains("Metrics on") || $0.contains("Running without metrics")
            })
    }

    @Test(.timeLimit(.minutes(1)))
    func `two nodes with the default port both run, one of them without metrics and saying so`()
        async throws
    {
        let net = try Testnet()
        let first = try await net.start("alice")
        let second = try await net.start("bob")
        let lines = (first.log.lines + second.log.lines)
        #expect(lines.contains { $0.contains("Running without metrics") })
        for node in [first, second] { #expect(node.stop() == 0) }
    }
}
