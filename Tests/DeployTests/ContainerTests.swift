import Foundation
import TestSupport
import Testing

/// The container's parts and what the cluster says of them: names, ports, users and commands that
/// have to be the same in several files.
@Suite struct ContainerTests {
    private let dockerfile: String
    private let cluster: [[String: Any]]

    init() throws {
        let root = Repository.root
        dockerfile = try String(contentsOf: root.appending(path: "Dockerfile"), encoding: .utf8)
        let script =
            "import json, sys, yaml; "
            + "print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1]))), default=str))"
        let file = root.appending(path: "deploy/kubernetes/validators.yml").path
        let result = try Program.run(URL(filePath: Repository.python), ["-c", script, file])
        guard result.status == 0,
            let documents = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
                as? [[String: Any]]
        else { throw TestFailure("\(file): \(result.output)") }
        cluster = documents
    }

    private func document(_ kind: String) throws -> [String: Any] {
        let found = cluster.filter { $0["kind"] as? String == kind }
        #expect(found.count == 1, "\(kind)")
        return try #require(found.first)
    }

    /// What stands at a path of names and positions.
    private func value(_ path: Any..., in document: Any) throws -> Any {
        var value = document
        for part in path {
            if let name = part as? String {
                value = try #require((value as? [String: Any])?[name], "\(path)")
            } else if let position = part as? Int {
                let list = try #require(value as? [Any], "\(path)")
                value = try #require(list.indices.contains(position) ? list[position] : nil)
            }
        }
        return value
    }

    @Test func `the cluster has what it takes, in one namespace, selecting the same pods`() throws {
        let kinds = cluster.compactMap { $0["kind"] as? String }.sorted()
        #expect(
            kinds == [
                "ConfigMap", "Namespace", "NetworkPolicy", "PodDisruptionBudget", "Service",
                "StatefulSet",
            ])
        for document in cluster where document["kind"] as? String != "Namespace" {
            #expect(try value("metadata", "namespace", in: document) as? String == "quantumharmony")
        }
        let set = try document("StatefulSet")
        let labels = try value("spec", "template", "metadata", "labels", "app", in: set) as? String
        for (kind, path) in [
            ("Service", ["spec", "selector"]),
            ("PodDisruptionBudget", ["spec", "selector", "matchLabels"]),
            ("NetworkPolicy", ["spec", "podSelector", "matchLabels"]),
            ("StatefulSet", ["spec", "selector", "matchLabels"]),
        ] {
            var selector: Any = try document(kind)
            for name in path { selector = try value(name, in: selector) }
            #expect((selector as? [String: String]) == ["app": labels ?? ""], "\(kind)")
        }
        let service = try value("metadata", "name", in: document("Service")) as? String
        #expect(try value("spec", "serviceName", in: set) as? String == service)
        #expect(try value("spec", "clusterIP", in: document("Service")) as? String == "None")
        // A quorum of the three stays.
        #expect(try value("spec", "replicas", in: set) as? Int == 3)
        let least = try value("spec", "minAvailable", in: document("PodDisruptionBudget")) as? Int
        #expect(least == 2)
    }

    @Test func `user, ports and health check are the image's`() throws {
        let set = try document("StatefulSet")
        let pod = try value("spec", "template", "spec", in: set)
        let user = try value("securityContext", "runAsUser", in: pod) as? Int
        #expect(dockerfile.contains("USER \(user ?? -1):\(user ?? -1)\n"))
        #expect(dockerfile.contains("--uid \(user ?? -1) "))
        let container = try value("containers", 0, in: pod)
        let ports = try #require(value("ports", in: container) as? [[String: Any]])
        let numbers = ports.compactMap { $0["containerPort"] as? Int }
        #expect(dockerfile.contains("EXPOSE \(numbers.map(String.init).joined(separator: " "))\n"))
        let service = try document("Service")
        let served = try #require(value("spec", "ports", in: service) as? [[String: Any]])
        #expect(served.compactMap { $0["port"] as? Int } == numbers)
        #expect(
            served.compactMap { $0["targetPort"] as? String }
                == ports.compactMap { $0["name"] as? String })
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let command = try #require(
                value(probe, "exec", "command", in: container) as? [String])
            #expect(dockerfile.contains("/usr/local/bin/\(command[0])\n"), "\(probe)")
        }
        #expect(dockerfile.contains("CMD [\"health-check\"]"))
        let mounts = try #require(value("volumeMounts", in: container) as? [[String: Any]])
        #expect(mounts.contains { $0["mountPath"] as? String == "/data" })
    }

    /// The entry point, its default options and the health check, as the image runs them, with
    /// another folder and other ports.
    @Test(.timeLimit(.minutes(1)))
    func `the container's command runs, becomes healthy, and stops on the image's signal`()
        async throws
    {
        let entry = try #require(dockerfile.firstMatch(of: /ENTRYPOINT (\[.*\])/)).1
        let defaults = try #require(dockerfile.firstMatch(of: /\nCMD (\[.*\])/)).1
        let decoder = JSONDecoder()
        var command = try decoder.decode([String].self, from: Data(entry.utf8))
        command += try decoder.decode([String].self, from: Data(defaults.utf8))
        #expect(command.removeFirst() == "quantumharmony-node")
        let folder = FileManager.default.temporaryDirectory.appending(path: "\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        command = command.map { $0 == "/data" ? folder.path : $0 }
        let (rpc, metrics) = (try Program.freePort(), try Program.freePort())
        let node = NodeProcess(
            name: "container", rpcPort: rpc,
            arguments: command + [
                "--dev", "--listen-addr", "/ip4/127.0.0.1/tcp/0", "--rpc-port", "\(rpc)",
                "--prometheus-port", "\(metrics)",
            ])
        try node.start()
        try await node.wait(for: "JSON-RPC on")
        try await node.wait(for: "Finalised #")
        let script = Repository.root.appending(path: "deploy/health-check").path
        func check(_ path: [String]) throws -> Int32 {
            try Program.run(
                URL(filePath: "/usr/bin/env"), ["QH_RPC_PORT=\(rpc)", script] + path
            ).status
        }
        #expect(try check([]) == 0)
        #expect(try check(["/health"]) == 0)
        #expect(try check(["/nothing"]) != 0)
        let page = try PlainHTTP.get("/metrics", port: metrics, host: "validator-0:9615")
        #expect(page.status == 200)
        #expect(page.body.contains("coherence_round{chain="))
        #expect(node.stop(signal: SIGTERM) == 0)
        #expect(try check(["/health"]) != 0)
    }
}
