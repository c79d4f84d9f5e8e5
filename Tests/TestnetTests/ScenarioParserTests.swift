import Testing
import Testnet

/// The scenario language: what each line means, and which line is wrong in what is no scenario.
@Suite struct ScenarioParserTests {
    @Test func `a scenario is read with settings, comments and blank lines`() throws {
        let scenario = try ScenarioParser.parse(
            """
            # Four validators.
            validators 4
            slot 500ms

            start all   # everybody
            kill bob
            """)
        #expect(scenario.validatorCount == 4)
        #expect(scenario.slotMilliseconds == 500)
        #expect(scenario.steps.map(\.line) == [5, 6])
        #expect(scenario.steps.map(\.text) == ["start all", "kill bob"])
        #expect(scenario.steps.map(\.action) == [.start(.all), .kill(.named(["bob"]))])
    }

    static let lines: [(String, ScenarioAction)] = [
        ("start alice bob,charlie", .start(.named(["alice", "bob", "charlie"]))),
        ("stop all", .stop(.all)), ("heal", .heal), ("pause 2m", .pause(milliseconds: 120_000)),
        ("partition alice,bob | charlie", .partition([["alice", "bob"], ["charlie"]])),
        ("partition alice|bob,v7", .partition([["alice"], ["bob", "v7"]])),
        (
            "delay alice bob 200ms",
            .delay(NodePair(first: "alice", second: "bob"), milliseconds: 200)
        ),
        ("delay all 0ms", .delay(nil, milliseconds: 0)),
        (
            "wait final >= 10 within 30s",
            .wait(
                Expectation(nodes: .running, metric: .final, comparison: .atLeast(10)),
                withinMilliseconds: 30_000)
        ),
        (
            "expect all best advances by 3 within 20s",
            .wait(
                Expectation(nodes: .all, metric: .best, comparison: .advancesBy(3)),
                withinMilliseconds: 20_000)
        ),
        (
            "expect alice,bob peers = 0 within 5s",
            .wait(
                Expectation(
                    nodes: .named(["alice", "bob"]), metric: .peers, comparison: .equal(0)),
                withinMilliseconds: 5_000)
        ),
        (
            "expect round <= 4 within 1s",
            .wait(
                Expectation(nodes: .running, metric: .round, comparison: .atMost(4)),
                withinMilliseconds: 1_000)
        ),
        (
            "expect finality stalls for 5s",
            .stall(.running, .final, forMilliseconds: 5_000, withinMilliseconds: 5_000)
        ),
        (
            "expect alice final stalls for 5s within 2s",
            .stall(.named(["alice"]), .final, forMilliseconds: 5_000, withinMilliseconds: 2_000)
        ),
    ]

    @Test(arguments: lines.indices)
    func `each line means one thing`(index: Int) throws {
        let (line, action) = Self.lines[index]
        #expect(try ScenarioParser.command(line) == action)
    }

    @Test(arguments: [
        ("dance", "no verb"), ("start", "names are expected"), ("start Alice", "no node's name"),
        ("start alice final", "too much"), ("heal all", "too much"),
        ("partition alice | | bob", "empty"), ("partition", "empty"),
        ("partition alice | alice", "twice"), ("delay alice alice 1s", "two nodes"),
        ("delay alice bob", "duration"), ("delay alice bob 200", "duration"),
        ("pause 61m", "duration"), ("pause 99999999999999999999ms", "duration"),
        ("pause -1s", "duration"), ("wait final 10 within 5s", "is expected"),
        ("wait final >= 4294967296 within 5s", "up to"), ("wait final >= 1", "within"),
        ("wait alice bob", "best, final"), ("expect final stalls 5s", "'for'"),
        ("expect final advances 5 within 1s", "'by'"),
    ])
    func `what is no line is refused with the reason`(line: String, reason: String) {
        let error = #expect(throws: ScenarioError.self) { try ScenarioParser.command(line) }
        #expect(error?.reason.contains(reason) == true, "\(line): \(String(describing: error))")
    }

    @Test(arguments: [
        ("", 1), ("# nothing\n", 1), ("validators 3\n", 1), ("start all\nvalidators 3", 2),
        ("start all\n\nslot 1s", 3), ("validators 33\nstart all", 1), ("validators 0", 1),
        ("start all\nkill", 2), ("start all\n\n\ndance", 4),
        (String(repeating: "heal\n", count: 1_001), 1_001),
        (String(repeating: "#", count: 70_000), 1),
        ("heal\n" + String(repeating: "#", count: 501), 2),
    ])
    func `errors name the line`(text: String, line: Int) {
        let error = #expect(throws: ScenarioError.self) { try ScenarioParser.parse(text) }
        #expect(error?.line == line, "\(String(describing: error))")
    }

    @Test func `whatever text comes, there is a scenario or an error`() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = Seeded(state: seed)
        let words = [
            "start", "kill", "all", "alice", "|", ",", "partition", "delay", "final", "best", ">=",
            "10", "within", "5s", "stalls", "for", "advances", "by", "\n", "#", "é", "\r", "\0",
            "wait",
        ]
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                words[Int.random(in: 0..<words.count, using: &generator)]
            }.joined(separator: Bool.random(using: &generator) ? " " : "")
            do throws(ScenarioError) {
                let scenario = try ScenarioParser.parse(text)
                #expect(!scenario.steps.isEmpty, "seed \(seed)")
            } catch {
                #expect(error.line >= 1 && !error.reason.isEmpty, "seed \(seed)")
            }
        }
    }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
