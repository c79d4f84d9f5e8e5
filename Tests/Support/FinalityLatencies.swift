/// How long blocks took from their import to their certificate, at each of some nodes, by
/// `coherence_timings`.
package struct FinalityLatencies {
    /// In milliseconds, ascending.
    package let values: [Double]

    package init(of nodes: [NodeProcess], blocks: ClosedRange<UInt32>) throws {
        var values: [Double] = []
        for node in nodes {
            let timings = try RPCClient(port: node.rpcPort).object("coherence_timings")
            guard let table = timings["blocks"] as? [[String: Any]] else {
                throw TestFailure("coherence_timings has no blocks")
            }
            for block in table {
                guard let number = block["number"] as? Int, blocks.contains(UInt32(number)),
                    let imported = block["imported"] as? Int,
                    let finalised = block["finalised"] as? Int
                else { continue }
                values.append(Double(finalised - imported) / 1_000)
            }
        }
        guard !values.isEmpty else { throw TestFailure("no block was timed") }
        self.values = values.sorted()
    }

    /// The value that this share of all values does not exceed.
    package func quantile(_ share: Double) -> Double {
        values[min(values.count - 1, Int(Double(values.count) * share))]
    }

    package var p50: Double { quantile(0.5) }
    package var p99: Double { quantile(0.99) }
}
