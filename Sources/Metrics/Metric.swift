/// What is measured under one name: a family of series that differ in their labels' values.
///
/// Names and label names follow Prometheus' data model: letters, digits and `_`, no digit first
/// (metric names also `:`, which is left to recording rules). A wrong definition is a mistake of
/// this program and traps.
package struct Metric: Sendable, Hashable {
    /// How a value behaves.
    package enum Kind: String, Sendable, Hashable {
        /// Only grows, until the process ends.
        case counter
        /// Goes up and down.
        case gauge
        /// Counts observations by size.
        case histogram
    }

    /// The name; a counter's ends in `_total`, a quantity's in its unit (`_seconds`, `_bytes`).
    package let name: String
    package let kind: Kind
    /// One line for people.
    package let help: String
    /// The names of the labels that each series has a value for.
    package let labels: [String]

    package init(_ kind: Kind, _ name: String, _ help: String, labels: [String] = []) {
        precondition(Self.isName(name), "\(name) is no metric's name")
        precondition(labels.allSatisfy(Self.isLabelName), "\(name) has a label with a wrong name")
        precondition(kind != .counter || name.hasSuffix("_total"), "\(name) is a counter")
        precondition(kind != .histogram || !labels.contains("le"), "le is the histogram's own")
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
    }

    /// Whether a text may be a metric's name here.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !isDigit(first) else { return false }
        return text.utf8.allSatisfy { isDigit($0) || isLetter($0) }
    }

    /// Whether a text may be a label's name: names that begin with `__` are Prometheus' own.
    package static func isLabelName(_ text: String) -> Bool {
        isName(text) && !text.hasPrefix("__")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
            || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte || byte == UInt8(ascii: "_")
    }
}
