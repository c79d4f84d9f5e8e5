import LibP2P
import Networking
import Primitives
import Synchronization
import Testing

@Suite("Requests and streams", .timeLimit(.minutes(1)))
struct RequestAndStreamTests {
    private static let name = "/test/request/1"

    private func connected(
        _ nodes: [TestNode], _ body: (_ asking: Swarm, _ answering: TestNode) async throws -> Void
    ) async throws {
        try await withNodes(nodes) { nodes in
            try await nodes[0].swarm.connect(to: nodes[1].address())
            try await body(nodes[0].swarm, nodes[1])
        }
    }

    @Test("requests are answered, whatever their size")
    func answers() async throws {
        let answering = try await TestNode.start(2)
        answering.swarm.register(RequestProtocol(name: Self.name)) { peer, request in
            #expect(peer == TestNode.identity(1).peerID)
            return request + [1]
        }
        try await connected([.start(1), answering]) { asking, answering in
            for size in [0, 1, 1_000, 300_000, 1_024 * 1_024 - 1] {
                let response = try await asking.request(
                    answering.id, ["/test/request/2", Self.name], pattern(size))
                #expect(response == pattern(size) + [1])
            }
            let counters = await answering.swarm.snapshot().protocols[Self.name]
            #expect(counters?.messagesIn == 5)
            #expect(counters?.messagesOut == 5)
        }
    }

    @Test("what cannot be answered fails with the reason")
    func failures() async throws {
        let answering = try await TestNode.start(2)
        answering.swarm.register(RequestProtocol(name: Self.name)) { _, request in
            request.isEmpty ? nil : [UInt8](repeating: 0, count: 100)
        }
        try await connected([.start(1), answering]) { asking, answering in
            await #expect(throws: RequestError.refused) {
                try await asking.request(answering.id, [Self.name], [])
            }
            await #expect(throws: RequestError.stream(.unsupported)) {
                try await asking.request(answering.id, ["/test/unknown/1"], [])
            }
            await #expect(throws: RequestError.stream(.unsupported)) {
                try await asking.request(answering.id, ["/test/unknown/1", "/test/unknown/2"], [])
            }
            await #expect(throws: RequestError.stream(.notConnected)) {
                try await asking.request(TestNode.identity(9).peerID, [Self.name], [])
            }
            let small = RequestLimits(
                maximumRequestByteCount: 10, maximumResponseByteCount: 10)
            await #expect(throws: RequestError.failed(.tooLong(byteCount: 11, limit: 10))) {
                try await asking.request(
                    answering.id, [Self.name], pattern(11), limits: small)
            }
            await #expect(
                throws: RequestError.failed(
                    .framing(.frameTooLong(byteCount: 100, limit: 10)))
            ) {
                try await asking.request(answering.id, [Self.name], [1], limits: small)
            }
        }
    }

    @Test("a request that is not answered in time fails then")
    func timeout() async throws {
        let answering = try await TestNode.start(2)
        let gate = AsyncStream.makeStream(of: Void.self)
        answering.swarm.register(RequestProtocol(name: Self.name)) { _, _ in
            for await _ in gate.stream { return [] }
            return nil
        }
        try await connected([.start(1), answering]) { asking, answering in
            let start = ContinuousClock.now
            await #expect(throws: RequestError.failed(.timedOut)) {
                try await asking.request(
                    answering.id, [Self.name], [], limits: RequestLimits(timeout: .seconds(0.2)))
            }
            #expect(ContinuousClock.now - start >= .milliseconds(200))
            _ = try await asking.ping(answering.id)
        }
    }

    @Test("more requests than allowed are refused, not queued")
    func concurrency() async throws {
        let answering = try await TestNode.start(2)
        var requests = RequestProtocol(name: Self.name)
        requests.maximumConcurrent = 3
        requests.maximumConcurrentPerConnection = 10
        let (releases, release) = AsyncStream.makeStream(of: Void.self)
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        answering.swarm.register(requests) { _, request in
            if request == [1] { return [1] }
            arrival.yield()
            for await _ in releases {}
            return [0]
        }
        try await connected([.start(1), answering]) { asking, answering in
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await asking.request(answering.id, [Self.name], [0])
                    }
                }
                var arrived = 0
                for await _ in arrivals {
                    arrived += 1
                    if arrived == 3 { break }
                }
                await #expect(throws: RequestError.refused) {
                    try await asking.request(answering.id, [Self.name], [1])
                }
                release.finish()
                for try await response in group { #expect(response == [0]) }
            }
            #expect(try await asking.request(answering.id, [Self.name], [1]) == [1])
        }
    }

    @Test("a cancelled task stops waiting for its response")
    func cancellation() async throws {
        let answering = try await TestNode.start(2)
        let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
        let (releases, _) = AsyncStream.makeStream(of: Void.self)
        answering.swarm.register(RequestProtocol(name: Self.name)) { _, _ in
            arrival.yield()
            for await _ in releases {}
            return []
        }
        try await connected([.start(1), answering]) { asking, answering in
            let task = Task {
                try await asking.request(answering.id, [Self.name], [])
            }
            for await _ in arrivals { break }
            task.cancel()
            await #expect(throws: RequestError.cancelled) { try await task.value }
        }
    }

    @Test("a mebibyte goes through an echo that reads late, many times at once")
    func echo() async throws {
        let answering = try await TestNode.start(2)
        answering.swarm.register(streams: "/test/echo/1") { stream in
            do {
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                stream.finish()
            } catch {
                Issue.record("the echo failed: \(error)")
            }
        }
        try await connected([.start(1), answering]) { asking, answering in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<8 {
                    group.addTask {
                        let data = pattern(1_024 * 1_024 + index)
                        let stream = try await asking.openStream(
                            answering.id, ["/test/nothing/1", "/test/echo/1"])
                        #expect(stream.protocolName == "/test/echo/1")
                        async let written: Void = stream.write(data)
                        // Not before the writer is held up by full windows is anything read.
                        let first = try await stream.read(exactly: 100)
                        let rest = try await stream.read(exactly: data.count - 100)
                        try await written
                        stream.finish()
                        #expect(try await stream.read() == nil)
                        #expect(first + rest == data)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a writer waits while nobody reads")
    func backPressure() async throws {
        let answering = try await TestNode.start(2)
        let (releases, release) = AsyncStream.makeStream(of: Void.self)
        let total = Mutex(0)
        answering.swarm.register(streams: "/test/sink/1") { stream in
            for await _ in releases { break }
            while let bytes = try? await stream.read() { total.withLock { $0 += bytes.count } }
            stream.finish()
        }
        try await connected([.start(1), answering]) { asking, answering in
            let stream = try await asking.openStream(answering.id, ["/test/sink/1"])
            let written = Mutex(0)
            async let writing: Void = {
                for _ in 0..<64 {
                    try await stream.write(pattern(64 * 1_024))
                    written.withLock { $0 += 64 * 1_024 }
                }
                stream.finish()
            }()
            // The window takes 256 KiB, the buffers on the way some more; the rest waits.
            try await eventually("the window is full") {
                _ = try await asking.ping(answering.id)
                return written.withLock { $0 } >= 256 * 1_024
            }
            for _ in 0..<20 { _ = try await asking.ping(answering.id) }
            #expect(written.withLock { $0 } <= 640 * 1_024)
            #expect(total.withLock { $0 } == 0)
            release.yield()
            try await writing
            #expect(try await stream.read() == nil)
            #expect(total.withLock { $0 } == 4 * 1_024 * 1_024)
        }
    }

    @Test("a stream that is let go is cut off")
    func abandonedStream() async throws {
        let answering = try await TestNode.start(2)
        let (ends, end) = AsyncStream.makeStream(of: StreamError?.self)
        answering.swarm.register(streams: "/test/wait/1") { stream in
            do throws(StreamError) {
                _ = try await stream.read(exactly: 5)
                _ = try await stream.read()
                end.yield(nil)
            } catch {
                end.yield(error)
            }
        }
        try await connected([.start(1), answering]) { asking, answering in
            do {
                let stream = try await asking.openStream(answering.id, ["/test/wait/1"])
                try await stream.write([1, 2, 3, 4, 5])
                // One round trip later the bytes are out.
                _ = try await asking.ping(answering.id)
            }
            for await reason in ends {
                #expect(reason == .reset)
                break
            }
            let stream = try await asking.openStream(answering.id, ["/test/wait/1"])
            stream.finish()
            await #expect(throws: StreamError.finished) { try await stream.write([1]) }
            for await reason in ends {
                #expect(reason == .finished)
                break
            }
        }
    }

    @Test("what a handler wrote and finished arrives, though it did not read to the end")
    func earlyFinish() async throws {
        let answering = try await TestNode.start(2)
        answering.swarm.register(streams: "/test/greet/1") { stream in
            try? await stream.write(pattern(500_000))
            stream.finish()
        }
        try await connected([.start(1), answering]) { asking, answering in
            let stream = try await asking.openStream(answering.id, ["/test/greet/1"])
            async let writing: Void = stream.write(pattern(500_000))
            let greeting = try await stream.read(exactly: 500_000)
            #expect(greeting == pattern(500_000))
            #expect(try await stream.read() == nil)
            try await writing
            stream.finish()
        }
    }

    @Test("streams end with their connection")
    func lostConnection() async throws {
        let answering = try await TestNode.start(2)
        answering.swarm.register(streams: "/test/wait/1") { stream in
            _ = try? await stream.read()
        }
        try await connected([.start(1), answering]) { asking, answering in
            let stream = try await asking.openStream(answering.id, ["/test/wait/1"])
            asking.disconnect(answering.id)
            await #expect(throws: StreamError.connectionLost) { try await stream.read() }
            await #expect(throws: StreamError.connectionLost) { try await stream.write([1]) }
        }
    }
}
