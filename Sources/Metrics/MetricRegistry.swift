/// The metrics of a program with the values of one moment, and their page for Prometheus.
///
/// Every metric is declared at the start and shows on each page, without a series if it has no
/// value. A family has at most `seriesLimit` series, so that a page stays bounded whatever the
/// labels' values are; what is beyond is left out and counted.
package struct MetricRegistry: Sendable {
    private enum Value: Sendable {
        case number(Double)
        case histogram(Histogram)
    }

    private struct Family: Sendable {
        let metric: Metric
        var series: [(labels: String, value: Value)] = []
        var positions: [String: Int] = [:]
    }

    /// The most series of one family.
    package let seriesLimit: Int
    /// How many series were left out because their family was full.
    package private(set) var droppedSeriesCount: UInt64 = 0
    private let constantLabels: String
    private var families: [Family]
    private var positions: [String: Int] = [:]

    /// - Parameters:
    ///   - metrics: every metric that there is, each name once, in the order of the page.
    ///   - constantLabels: labels that every series bears; none of them is a metric's own.
    package init(
        _ metrics: [Metric], constantLabels: [(name: String, value: String)] = [],
        seriesLimit: Int = 1_000
    ) {
        precondition(seriesLimit > 0)
        precondition(constantLabels.allSatisfy { Metric.isLabelName($0.name) })
        self.seriesLimit = seriesLimit
        self.constantLabels = Self.pairs(constantLabels.map(\.name), constantLabels.map(\.value))
        families = metrics.map { Family(metric: $0) }
        for (position, metric) in metrics.enumerated() {
            let previous = positions.updateValue(position, forKey: metric.name)
            precondition(previous == nil, "the metric \(metric.name) is declared twice")
            for label in constantLabels { precondition(!metric.labels.contains(label.name)) }
        }
    }

    /// Sets the value of a counter or a gauge.
    ///
    /// - Parameter labels: the labels' values, in the order of the metric's labels.
    package mutating func set(_ metric: Metric, _ value: Double, _ labels: String...) {
        precondition(metric.kind != .histogram, "\(metric.name) is a histogram")
        set(metric, .number(value), labels)
    }

    /// Sets the value of a counter or a gauge from an integer.
    package mutating func set(_ metric: Metric, _ value: some BinaryInteger, _ labels: String...) {
        precondition(metric.kind != .histogram, "\(metric.name) is a histogram")
        set(metric, .number(Double(value)), labels)
    }

    /// Sets what a histogram has counted.
    package mutating func set(_ metric: Metric, _ histogram: Histogram, _ labels: String...) {
        precondition(metric.kind == .histogram, "\(metric.name) is no histogram")
        set(metric, .histogram(histogram), labels)
    }

    private mutating func set(_ metric: Metric, _ value: Value, _ labels: [String]) {
        guard let position = positions[metric.name], families[position].metric == metric else {
            preconditionFailure("the metric \(metric.name) is not declared")
        }
        precondition(labels.count == metric.labels.count, "\(metric.name) has other labels")
        let text = Self.pairs(metric.labels, labels)
        if let place = families[position].positions[text] {
            families[position].series[place].value = value
            return
        }
        guard families[position].series.count < seriesLimit else {
            droppedSeriesCount += 1
            return
        }
        families[position].positions[text] = families[position].series.count
        families[position].series.append((text, value))
    }

    // MARK: The page

    /// The media type of `text`.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics in Prometheus' text exposition format, version 0.0.4.
    package var text: String {
        var page = ""
        for family in families {
            let metric = family.metric
            page += "# HELP \(metric.name) \(Self.escaped(metric.help, quotes: false))\n"
            page += "# TYPE \(metric.name) \(metric.kind.rawValue)\n"
            for (labels, value) in family.series {
                switch value {
                case .number(let number): write(metric.name, labels, Self.text(number), to: &page)
                case .histogram(let histogram):
                    write(metric.name, labels, histogram, to: &page)
                }
            }
        }
        return page
    }

    private func write(_ name: String, _ labels: String, _ value: String, to page: inout String) {
        let all = [labels, constantLabels].filter { !$0.isEmpty }.joined(separator: ",")
        page += all.isEmpty ? "\(name) \(value)\n" : "\(name){\(all)} \(value)\n"
    }

    private func write(
        _ name: String, _ labels: String, _ histogram: Histogram, to page: inout String
    ) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var count: UInt64 = 0
        for (bound, more) in zip(histogram.bounds + [.infinity], histogram.counts) {
            count += more
            write("\(name)_bucket", "\(prefix)le=\"\(Self.text(bound))\"", "\(count)", to: &page)
        }
        write("\(name)_sum", labels, Self.text(histogram.sum), to: &page)
        write("\(name)_count", labels, "\(count)", to: &page)
    }

    private static func pairs(_ names: [String], _ values: [String]) -> String {
        zip(names, values).map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",")
    }

    /// A text with backslashes, line ends and, in labels, quotation marks escaped.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A number as Prometheus reads it: whole ones without a point.
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value.magnitude < 0x1p53, let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }
}
