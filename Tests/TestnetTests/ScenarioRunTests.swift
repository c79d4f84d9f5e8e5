import Testing
import Testnet

/// Runs as transcripts: what comes in, at which millisecond, and what goes out.
@Suite struct ScenarioRunTests {
    private func run(_ text: String) throws -> ScenarioRun {
        ScenarioRun(try ScenarioParser.parse(text))
    }

    private func node(
        _ name: String, final: UInt64, hash: String = "0xaa", best: UInt64 = 0
    ) -> NodeObservation {
        NodeObservation(
            name: name, state: .running,
            answer: NodeObservation.Answer(
                best: best, final: final, finalHash: "\(hash)\(final)", round: 1, peers: 2))
    }

    @Test func `lines are done one after the other, and then it has passed`() throws {
        var run = try run("start all\nwait final >= 2 within 5s\nheal")
        #expect(
            run.handle(.begin, now: 0) == [
                .tell("line 1: start all"), .perform(.start(.all)),
            ])
        #expect(
            run.handle(.done(failure: nil), now: 10) == [
                .tell("line 2: wait final >= 2 within 5s")
            ])
        #expect(run.handle(.observed([node("alice", final: 1)]), now: 20) == [])
        #expect(
            run.handle(.observed([node("alice", final: 2)]), now: 30) == [
                .tell("line 3: heal"), .perform(.heal),
            ])
        #expect(run.handle(.done(failure: nil), now: 40) == [.finish(.passed)])
        #expect(run.handle(.begin, now: 50) == [])
    }

    @Test func `what does not become true in time fails with what the nodes told`() throws {
        var run = try run("wait all final >= 2 within 5s")
        _ = run.handle(.begin, now: 1_000)
        let nodes = [node("alice", final: 2), NodeObservation(name: "bob", state: .running)]
        #expect(run.handle(.observed(nodes), now: 5_999) == [])
        #expect(
            run.handle(.observed(nodes), now: 6_000) == [
                .finish(
                    .failed(
                        line: 1, text: "wait all final >= 2 within 5s",
                        reason: "not within 5000 ms; final: alice 2, bob does not answer"))
            ])
    }

    @Test func `no running node meets no expectation`() throws {
        var run = try run("wait final >= 0 within 1s")
        _ = run.handle(.begin, now: 0)
        #expect(run.handle(.observed([]), now: 1) == [])
        #expect(run.handle(.observed([]), now: 1_000).count == 1)
    }

    @Test func `an advance counts from the line's beginning, for each node`() throws {
        var run = try run("wait all final advances by 2 within 5s")
        _ = run.handle(.begin, now: 0)
        #expect(
            run.handle(.observed([node("alice", final: 5), node("bob", final: 4)]), now: 1) == [])
        #expect(
            run.handle(.observed([node("alice", final: 7), node("bob", final: 5)]), now: 2) == [])
        #expect(
            run.handle(.observed([node("alice", final: 7), node("bob", final: 6)]), now: 3) == [
                .finish(.passed)
            ])
    }

    @Test func `a stall is a whole stretch without change; what was on its way may still come`()
        throws
    {
        var run = try run("expect finality stalls for 5s")
        _ = run.handle(.begin, now: 0)
        #expect(run.handle(.observed([node("alice", final: 5)]), now: 100) == [])
        #expect(run.handle(.observed([node("alice", final: 6)]), now: 900) == [])
        #expect(run.handle(.observed([node("alice", final: 6)]), now: 5_899) == [])
        #expect(run.handle(.observed([node("alice", final: 6)]), now: 5_900) == [.finish(.passed)])
    }

    @Test func `finality that goes on does not stall`() throws {
        var run = try run("expect finality stalls for 5s")
        _ = run.handle(.begin, now: 0)
        var effects: [ScenarioRun.Effect] = []
        var now: UInt64 = 0
        while effects.isEmpty, now < 60_000 {
            now += 1_000
            effects = run.handle(.observed([node("alice", final: now / 1_000)]), now: now)
        }
        #expect(now == 6_000)
        guard case .finish(.failed(1, _, let reason))? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(reason.contains("went on"))
    }

    @Test func `a node that does not answer does not stall`() throws {
        var run = try run("expect alice final stalls for 1s")
        _ = run.handle(.begin, now: 0)
        let silent = NodeObservation(name: "alice", state: .running)
        #expect(run.handle(.observed([silent]), now: 900) == [])
        guard case .finish(.failed)? = run.handle(.observed([silent]), now: 1_100).first else {
            Issue.record("it passed")
            return
        }
    }

    @Test func `a fork fails whatever the line is about`() throws {
        var run = try run("pause 10s")
        _ = run.handle(.begin, now: 0)
        #expect(run.handle(.observed([node("alice", final: 3)]), now: 1) == [])
        let effects = run.handle(.observed([node("bob", final: 3, hash: "0xbb")]), now: 2)
        guard case .finish(.failed(1, "pause 10s", let reason))? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        #expect(reason.contains("FORK"))
    }

    @Test func `a node that ends by itself fails; one that was stopped does not`() throws {
        var run = try run("pause 10s")
        _ = run.handle(.begin, now: 0)
        let stopped = NodeObservation(name: "bob", state: .stopped)
        #expect(run.handle(.observed([stopped]), now: 1) == [])
        let failed = NodeObservation(name: "bob", state: .failed(status: -11))
        let effects = run.handle(.observed([failed]), now: 2)
        guard case .finish(.failed(_, _, "bob ended by itself with status -11"))? = effects.first
        else {
            Issue.record("\(effects)")
            return
        }
    }

    @Test func `what cannot be done fails`() throws {
        var run = try run("start all\nheal")
        _ = run.handle(.begin, now: 0)
        #expect(
            run.handle(.done(failure: "no room"), now: 1) == [
                .finish(.failed(line: 1, text: "start all", reason: "no room"))
            ])
    }
}
