import Foundation
import TestSupport

/// Drops what comes for some TCP ports, and what comes from them: a cut cable, of which TCP hears
/// nothing. Needs a network namespace of our own; scripts/benchmark makes one.
struct Firewall {
    let ports: [Int]

    private static let table = "inet quantumharmony_benchmark"

    func close() throws {
        let list = ports.map(String.init).joined(separator: ", ")
        try nft(
            """
            table \(Self.table) {
                chain input {
                    type filter hook input priority 0;
                    tcp dport { \(list) } drop
                    tcp sport { \(list) } drop
                }
            }
            """)
    }

    func open() throws { try nft("delete table \(Self.table)\n") }

    private func nft(_ rules: String) throws {
        let (status, output) = try Program.run(
            URL(filePath: "/usr/bin/env"),
            ["PATH=/usr/sbin:/sbin:/usr/bin:/bin", "nft", "-f", "-"],
            input: rules)
        guard status == 0 else {
            throw MeasurementFailure("nft (run scripts/benchmark, which is allowed to): \(output)")
        }
    }
}
