/// Reads scenarios and the commands of the prompt, which are lines of the same language.
///
/// Total: every text gives a scenario or the line that is wrong. What it costs is bounded by
/// the limits.
package struct ScenarioParser: Sendable {
    package static let maximumByteCount = 64 * 1_024
    package static let maximumLineCount = 1_000
    package static let maximumLineByteCount = 500
    /// The longest duration that a line may name: an hour.
    package static let maximumMilliseconds: UInt64 = 3_600_000
    package static let validatorCounts = 1...32

    private init() {}

    /// Reads a scenario file.
    package static func parse(_ text: String) throws(ScenarioError) -> Scenario {
        guard text.utf8.count <= maximumByteCount else {
            throw ScenarioError(line: 1, reason: "the file is larger than 64 KiB")
        }
        var scenario = Scenario()
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        guard lines.count <= maximumLineCount + 1 else {
            throw ScenarioError(
                line: maximumLineCount + 1, reason: "there are more than \(maximumLineCount) lines")
        }
        for (index, line) in lines.enumerated() {
            var words = try Words(line, number: index + 1)
            guard let first = words.next() else { continue }
            switch first {
            case "validators":
                try checkSetting(scenario, words)
                let count = try words.number("a count")
                guard let count = Int(exactly: count), validatorCounts.contains(count) else {
                    throw words.error("validators takes 1 to \(validatorCounts.upperBound)")
                }
                scenario.validatorCount = count
            case "slot":
                try checkSetting(scenario, words)
                scenario.slotMilliseconds = try words.duration()
            default:
                scenario.steps.append(
                    Scenario.Step(
                        line: index + 1, text: words.text, action: try action(first, &words)))
            }
            try words.end()
        }
        guard !scenario.steps.isEmpty else {
            throw ScenarioError(line: 1, reason: "the file says nothing to do")
        }
        return scenario
    }

    /// Reads one line as a step, as the prompt takes them; nil for an empty one.
    package static func command(_ text: String) throws(ScenarioError) -> ScenarioAction? {
        var words = try Words(text[...], number: 1)
        guard let first = words.next() else { return nil }
        let action = try action(first, &words)
        try words.end()
        return action
    }

    private static func checkSetting(
        _ scenario: Scenario, _ words: Words
    ) throws(ScenarioError) {
        guard scenario.steps.isEmpty else {
            throw words.error("settings stand before the first step")
        }
    }

    private static func action(
        _ verb: String, _ words: inout Words
    ) throws(ScenarioError) -> ScenarioAction {
        switch verb {
        case "start": return .start(try words.nodes())
        case "stop": return .stop(try words.nodes())
        case "kill": return .kill(try words.nodes())
        case "heal": return .heal
        case "pause": return .pause(milliseconds: try words.duration())
        case "partition": return .partition(try groups(&words))
        case "delay":
            if words.take("all") { return .delay(nil, milliseconds: try words.duration()) }
            let pair = NodePair(first: try words.name(), second: try words.name())
            guard pair.first != pair.second else {
                throw words.error("a delay is between two nodes")
            }
            return .delay(pair, milliseconds: try words.duration())
        case "wait", "expect": return try expectation(&words)
        default:
            throw words.error(
                "'\(verb)' is no verb; they are start, stop, kill, partition, heal, delay, pause, "
                    + "wait and expect")
        }
    }

    /// `alice,bob | charlie`, with blanks wherever one likes.
    private static func groups(_ words: inout Words) throws(ScenarioError) -> [[String]] {
        let text = words.rest()
        var groups: [[String]] = []
        var seen: Set<String> = []
        for group in text.split(separator: "|", omittingEmptySubsequences: false) {
            let names = group.split { $0 == "," || $0 == " " }.map(String.init)
            guard !names.isEmpty else { throw words.error("a group of a partition is empty") }
            for name in names {
                guard Words.isName(name) else { throw words.error("'\(name)' is no node's name") }
                guard seen.insert(name).inserted else {
                    throw words.error("\(name) is in the partition twice")
                }
            }
            groups.append(names)
        }
        return groups
    }

    private static func expectation(
        _ words: inout Words
    ) throws(ScenarioError) -> ScenarioAction {
        var nodes = NodeSelection.running
        var metric = words.metric()
        if metric == nil {
            nodes = try words.nodes()
            metric = words.metric()
        }
        guard let metric else {
            throw words.error("best, final, round or peers is expected")
        }
        if words.take("stalls") {
            try words.expect("for")
            let duration = try words.duration()
            let within = words.take("within") ? try words.duration() : duration
            return .stall(
                nodes, metric, forMilliseconds: duration, withinMilliseconds: within)
        }
        let comparison: Expectation.Comparison
        if words.take("advances") {
            try words.expect("by")
            comparison = .advancesBy(try words.number("a number"))
        } else if words.take(">=") {
            comparison = .atLeast(try words.number("a number"))
        } else if words.take("<=") {
            comparison = .atMost(try words.number("a number"))
        } else if words.take("=") {
            comparison = .equal(try words.number("a number"))
        } else {
            throw words.error(
                "'>= N', '<= N', '= N', 'advances by N' or 'stalls for TIME' is expected")
        }
        try words.expect("within")
        return .wait(
            Expectation(nodes: nodes, metric: metric, comparison: comparison),
            withinMilliseconds: try words.duration())
    }
}

/// The words of a line, taken from its beginning.
struct Words: Sendable {
    let number: Int
    /// The line without its comment and the blanks around it.
    let text: String
    private var words: ArraySlice<Substring>

    init(_ line: Substring, number: Int) throws(ScenarioError) {
        self.number = number
        guard line.utf8.count <= ScenarioParser.maximumLineByteCount else {
            throw ScenarioError(
                line: number,
                reason: "the line is longer than \(ScenarioParser.maximumLineByteCount) bytes")
        }
        let bare = line.prefix { $0 != "#" }
        words = bare.split { $0 == " " || $0 == "\t" }[...]
        text = words.joined(separator: " ")
    }

    func error(_ reason: String) -> ScenarioError { ScenarioError(line: number, reason: reason) }

    mutating func next() -> String? { words.popFirst().map(String.init) }

    mutating func take(_ word: String) -> Bool {
        guard let first = words.first, first == word else { return false }
        words.removeFirst()
        return true
    }

    mutating func expect(_ word: String) throws(ScenarioError) {
        guard take(word) else {
            throw error("'\(word)' is expected \(words.first.map { "before '\($0)'" } ?? "here")")
        }
    }

    mutating func rest() -> String {
        defer { words = [] }
        return words.joined(separator: " ")
    }

    func end() throws(ScenarioError) {
        if let word = words.first { throw error("'\(word)' is too much") }
    }

    mutating func number(_ what: String) throws(ScenarioError) -> UInt64 {
        guard let word = next(), let value = UInt64(word), value <= UInt64(UInt32.max) else {
            throw error("\(what) up to 4294967295 is expected")
        }
        return value
    }

    /// `200ms`, `5s` or `2m`.
    mutating func duration() throws(ScenarioError) -> UInt64 {
        guard let word = next(), let value = Self.milliseconds(word) else {
            throw error("a duration of at most an hour is expected, such as 200ms, 5s or 2m")
        }
        return value
    }

    static func milliseconds(_ word: String) -> UInt64? {
        let digits = word.prefix { $0.isASCII && $0.isNumber }
        guard let value = UInt64(digits), value <= ScenarioParser.maximumMilliseconds else {
            return nil
        }
        let factor: UInt64? =
            switch word.dropFirst(digits.count) {
            case "ms": 1
            case "s": 1_000
            case "m": 60_000
            default: nil
            }
        guard let factor, value * factor <= ScenarioParser.maximumMilliseconds else { return nil }
        return value * factor
    }

    mutating func name() throws(ScenarioError) -> String {
        guard let word = next(), Self.isName(word) else { throw error("a node's name is expected") }
        return word
    }

    /// `all`, or names with commas or blanks between them, up to a word of the language.
    mutating func nodes() throws(ScenarioError) -> NodeSelection {
        if take("all") { return .all }
        var names: [String] = []
        while let word = words.first, Metric(rawValue: String(word)) == nil, word != "finality" {
            words.removeFirst()
            for name in word.split(separator: ",") {
                guard Self.isName(String(name)) else { throw error("'\(name)' is no node's name") }
                names.append(String(name))
            }
        }
        guard !names.isEmpty else { throw error("'all' or nodes' names are expected") }
        return .named(names)
    }

    mutating func metric() -> Metric? {
        if take("finality") { return .final }
        guard let metric = words.first.flatMap({ Metric(rawValue: String($0)) }) else { return nil }
        words.removeFirst()
        return metric
    }

    static func isName(_ word: String) -> Bool {
        (1...16).contains(word.utf8.count)
            && word.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }
}
