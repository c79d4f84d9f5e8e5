import Logging
import Node
import Testing

@Suite struct LogControlTests {
    @Test func `levels change for loggers that exist, and go back`() throws {
        let control = LogControl(try LogFilter("info,sync=warning"))
        let coherence = LineLogHandler(label: "coherence", control: control)
        let sync = LineLogHandler(label: "sync.requests", control: control)
        #expect(coherence.logLevel == .info && sync.logLevel == .warning)
        try control.add("coherence=debug")
        #expect(coherence.logLevel == .debug && sync.logLevel == .warning)
        try control.add("error")
        #expect(coherence.logLevel == .debug && sync.logLevel == .warning)
        let other = LineLogHandler(label: "peers", control: control)
        #expect(other.logLevel == .error)
        #expect(throws: LogFilter.Invalid.self) { try control.add("sync=loud") }
        #expect(other.logLevel == .error)
        control.reset()
        #expect(coherence.logLevel == .info && other.logLevel == .info)
    }

    @Test func `a logger's own level stands`() throws {
        let control = LogControl(LogFilter())
        var handler = LineLogHandler(label: "node", control: control)
        handler.logLevel = .trace
        try control.add("node=error")
        #expect(handler.logLevel == .trace)
    }
}
