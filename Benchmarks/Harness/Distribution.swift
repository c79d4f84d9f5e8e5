/// Measured values of one kind, summed up. The unit is in the name of what holds it.
struct Distribution: Codable {
    let count: Int
    let mean: Double
    let minimum: Double
    let p50: Double
    let p99: Double
    let maximum: Double

    /// - Parameter values: at least one.
    init(_ values: [Double], of what: String) throws {
        guard !values.isEmpty else { throw MeasurementFailure("nothing was measured: \(what)") }
        let sorted = values.sorted()
        // Nearest rank: the smallest value that this share of all values does not exceed.
        func quantile(_ share: Double) -> Double {
            sorted[max(0, Int((Double(sorted.count) * share).rounded(.up)) - 1)]
        }
        count = sorted.count
        mean = sorted.reduce(0, +) / Double(sorted.count)
        minimum = sorted[0]
        p50 = quantile(0.5)
        p99 = quantile(0.99)
        maximum = sorted[sorted.count - 1]
    }
}

/// Why something could not be measured.
struct MeasurementFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
