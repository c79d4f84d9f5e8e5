import Foundation
import TestSupport

/// A Prometheus in a process of its own that scrapes nodes of a test every second, with the rules of
/// deploy/prometheus in which minutes have become seconds.
final class PrometheusServer {
    /// A series of an answer.
    struct Sample {
        let labels: [String: String]
        let value: Double
    }

    let port: Int
    private let log = LineLog()
    private let process: ChildProcess

    static let rules = Repository.root.appending(path: "deploy/prometheus/rules")

    /// - Parameters:
    ///   - folder: for its configuration and its data.
    ///   - targets: the ports of the nodes' metrics, by the instance's name.
    init(folder: URL, targets: [String: Int]) throws {
        port = try Program.freePort()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["recording.yml", "alerts.yml"] {
            let text = try String(contentsOf: Self.rules.appending(path: name), encoding: .utf8)
            let fast = text.replacing(/(\[|for: )(\d+)m/) { "\($0.1)\($0.2)s" }
            try fast.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let nodes = targets.keys.sorted().map { name in
            """
                  - targets: ["127.0.0.1:\(targets[name] ?? 0)"]
                    labels: {instance: "\(name)"}
            """
        }
        let configuration = """
            global: {scrape_interval: 1s, evaluation_interval: 1s, scrape_timeout: 1s}
            rule_files: ["*.yml"]
            scrape_configs:
              - job_name: quantumharmony
                static_configs:
            \(nodes.joined(separator: "\n"))
            """
        let file = folder.appending(path: "prometheus.conf")
        try configuration.write(to: file, atomically: true, encoding: .utf8)
        let log = log
        process = try ChildProcess(
            "/usr/bin/prometheus",
            [
                "--config.file=\(file.path)", "--web.listen-address=127.0.0.1:\(port)",
                "--storage.tsdb.path=\(folder.appending(path: "data").path)",
            ]
        ) { bytes in
            if bytes.isEmpty { log.end() } else { log.append(bytes) }
        }
    }

    deinit {
        process.send(SIGKILL)
        process.waitForExit()
    }

    /// Waits until it answers.
    func waitUntilReady() async throws {
        _ = try await log.wait(for: "a ready Prometheus", seconds: 30) {
            $0.contains("Server is ready")
        }
    }

    /// The series of an expression now.
    func query(_ expression: String) throws -> [Sample] {
        let allowed = CharacterSet.alphanumerics
        guard let text = expression.addingPercentEncoding(withAllowedCharacters: allowed) else {
            throw TestFailure("\(expression) cannot be sent")
        }
        let answer = try PlainHTTP.get("/api/v1/query?query=\(text)", port: port)
        struct Answer: Decodable {
            struct Result: Decodable { let result: [Series] }
            struct Series: Decodable {
                let metric: [String: String]
                let value: [Number]
            }
            enum Number: Decodable {
                case time
                case value(Double)

                init(from decoder: any Decoder) throws {
                    let container = try decoder.singleValueContainer()
                    if let text = try? container.decode(String.self) {
                        self = .value(Double(text) ?? .nan)
                    } else {
                        self = .time
                    }
                }
            }
            let data: Result
        }
        guard answer.status == 200 else { throw TestFailure("\(expression): \(answer.body)") }
        let decoded = try JSONDecoder().decode(Answer.self, from: Data(answer.body.utf8))
        return decoded.data.result.map { series in
            guard case .value(let value)? = series.value.last else {
                return Sample(labels: series.metric, value: .nan)
            }
            return Sample(labels: series.metric, value: value)
        }
    }

    /// Whether an alert fires, among those with these labels.
    func isFiring(_ alert: String, _ labels: [String: String] = [:]) throws -> Bool {
        try firing().contains { sample in
            sample["alertname"] == alert
                && labels.allSatisfy { sample[$0.key] == $0.value }
        }
    }

    /// The labels of the alerts that fire.
    func firing() throws -> [[String: String]] {
        try query("ALERTS{alertstate=\"firing\"}").map(\.labels)
    }
}
