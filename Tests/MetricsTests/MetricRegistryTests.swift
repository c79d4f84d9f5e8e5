import Metrics
import Testing

@Suite struct MetricRegistryTests {
    private let height = Metric(.gauge, "height", "How high.", labels: ["status"])
    private let votes = Metric(.counter, "votes_total", "Votes.")
    private let delay = Metric(.histogram, "delay_seconds", "How late.", labels: ["phase"])

    @Test func `a page has every metric in order, with its series and the constant label`() {
        var registry = MetricRegistry(
            [height, votes, delay], constantLabels: [("chain", "local")])
        registry.set(height, 12, "best")
        registry.set(height, 9.5, "final")
        registry.set(votes, UInt64(3))
        var histogram = Histogram(bounds: [0.125, 1])
        for value in [0.125, 0.25, 5, 0.0625] { histogram.observe(value) }
        registry.set(delay, histogram, "prevote")
        #expect(
            registry.text == """
                # HELP height How high.
                # TYPE height gauge
                height{status="best",chain="local"} 12
                height{status="final",chain="local"} 9.5
                # HELP votes_total Votes.
                # TYPE votes_total counter
                votes_total{chain="local"} 3
                # HELP delay_seconds How late.
                # TYPE delay_seconds histogram
                delay_seconds_bucket{phase="prevote",le="0.125",chain="local"} 2
                delay_seconds_bucket{phase="prevote",le="1",chain="local"} 3
                delay_seconds_bucket{phase="prevote",le="+Inf",chain="local"} 4
                delay_seconds_sum{phase="prevote",chain="local"} 5.4375
                delay_seconds_count{phase="prevote",chain="local"} 4

                """)
    }

    @Test func `a metric without a value is declared all the same`() {
        let registry = MetricRegistry([votes])
        #expect(registry.text == "# HELP votes_total Votes.\n# TYPE votes_total counter\n")
    }

    @Test func `backslashes, line ends and quotation marks are escaped`() {
        let odd = Metric(.gauge, "odd", "a \\ b\n\"c\"", labels: ["name"])
        var registry = MetricRegistry([odd], constantLabels: [("chain", "\"x\"")])
        registry.set(odd, 1, "\\\n\"ü")
        #expect(
            registry.text == #"""
                # HELP odd a \\ b\n"c"
                # TYPE odd gauge
                odd{name="\\\n\"ü",chain="\"x\""} 1

                """#)
    }

    @Test func `the same labels replace the value`() {
        var registry = MetricRegistry([height])
        registry.set(height, 1, "best")
        registry.set(height, 2, "best")
        #expect(registry.text.hasSuffix("height{status=\"best\"} 2\n"))
    }

    @Test func `a family is bounded, and what is left out is counted`() {
        var registry = MetricRegistry([height], seriesLimit: 3)
        for label in 0..<10 { registry.set(height, label, "\(label)") }
        registry.set(height, 7, "2")
        #expect(registry.droppedSeriesCount == 7)
        #expect(registry.text.split(separator: "\n").count == 5)
        #expect(registry.text.hasSuffix("height{status=\"2\"} 7\n"))
    }

    @Test(arguments: [
        (0, "0"), (-0.0, "0"), (1e15, "1000000000000000"), (0.1, "0.1"), (-2.5, "-2.5"),
        (1e300, "1e+300"), (5e-05, "5e-05"), (.nan, "NaN"), (.infinity, "+Inf"),
        (-.infinity, "-Inf"),
    ])
    func `numbers are written as Prometheus reads them`(value: Double, text: String) {
        var registry = MetricRegistry([height])
        registry.set(height, value, "x")
        #expect(registry.text.hasSuffix("height{status=\"x\"} \(text)\n"))
    }

    @Test(arguments: [
        ("coherence_round", true), ("_x9", true), ("", false), ("9x", false), ("a-b", false),
        ("a:b", false), ("ä", false),
    ])
    func `names keep to the data model`(name: String, isName: Bool) {
        #expect(Metric.isName(name) == isName)
    }

    @Test func `label names that begin with two underscores are Prometheus' own`() {
        #expect(!Metric.isLabelName("__name"))
        #expect(Metric.isLabelName("_name"))
    }
}

@Suite struct HistogramTests {
    @Test func `an observation on a bound belongs to its bucket`() {
        var histogram = Histogram(bounds: [1, 2])
        for value in [1, 1.5, 2, 2.5, -1] { histogram.observe(value) }
        #expect(histogram.counts == [2, 2, 1])
        #expect(histogram.count == 5)
        #expect(histogram.sum == 6)
    }

    @Test func `what is no number is left out`() {
        var histogram = Histogram(bounds: [1])
        histogram.observe(.nan)
        histogram.observe(.infinity)
        #expect(histogram.count == 0)
        #expect(histogram.sum == 0)
    }

    @Test func `durations are counted in seconds`() {
        var histogram = Histogram(bounds: [0.5, 1])
        histogram.observe(.milliseconds(750))
        #expect(histogram.counts == [0, 1, 0])
        #expect(histogram.sum == 0.75)
    }
}
