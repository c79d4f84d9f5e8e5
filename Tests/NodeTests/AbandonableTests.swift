import Node
import Testing

@Suite struct AbandonableTests {
    @Test func `what nobody abandons brings its result`() async {
        #expect(await Abandonable().run { 7 } == 7)
    }

    @Test func `what was abandoned before it began does not run`() async {
        let work = Abandonable()
        work.abandon()
        let result = await work.run { () -> Int in
            Issue.record("it runs")
            return 7
        }
        #expect(result == nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `what is abandoned while it runs is cancelled and brings nothing`() async {
        let work = Abandonable()
        let (started, hasStarted) = AsyncStream.makeStream(of: Void.self)
        let result = Task {
            await work.run { () -> Int in
                hasStarted.yield()
                // Ends only when its task is cancelled.
                let (never, continuation) = AsyncStream.makeStream(of: Never.self)
                for await _ in never {}
                return withExtendedLifetime(continuation) { 7 }
            }
        }
        for await _ in started { break }
        work.abandon()
        #expect(await result.value == nil)
        work.abandon()
    }
}
