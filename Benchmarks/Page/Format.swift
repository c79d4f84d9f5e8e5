import Foundation

/// Numbers as the page shows them: three significant digits, thousands apart.
enum Format {
    static func number(_ value: Double) -> String {
        let size = abs(value)
        if size >= 100 || size == 0 { return grouped(value) }
        return String(format: size >= 9.995 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.3f", value)
    }

    static func milliseconds(_ value: Double) -> String { "\(number(value)) ms" }

    static func microseconds(_ value: Double) -> String {
        value >= 1_000 ? milliseconds(value / 1_000) : "\(number(value)) µs"
    }

    static func seconds(_ value: Double) -> String { "\(number(value)) s" }

    /// Thousands of bytes per second.
    static func rate(_ bytesPerSecond: Double) -> String {
        "\(number(bytesPerSecond / 1_000)) KB/s"
    }

    static func megabytes(_ bytes: Double) -> String { "\(number(bytes / 1e6)) MB" }

    static func percent(_ share: Double) -> String { "\(number(share * 100)) %" }

    static func count(_ value: Int) -> String { grouped(Double(value)) }

    /// A line of a table.
    static func row(_ cells: String...) -> String { "| \(cells.joined(separator: " | ")) |" }

    /// p50, p99 and the greatest, as cells of a table.
    static func cells(_ values: Distribution, _ text: (Double) -> String) -> String {
        "\(text(values.p50)) | \(text(values.p99)) | \(text(values.maximum))"
    }

    private static func grouped(_ value: Double) -> String {
        var digits = String(format: "%.0f", abs(value))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        groups.insert(digits, at: 0)
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }
}
