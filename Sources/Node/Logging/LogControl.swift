internal import Logging
internal import Synchronization

/// The log levels of a running process, which can change while it runs.
///
/// A logger reads its target's level with one atomic load, so that a line which is not written
/// costs next to nothing.
public final class LogControl: Sendable {
    /// The level of one target, as its loggers read it.
    final class Target: Sendable {
        private let number: Atomic<Int>

        fileprivate init(_ level: Logger.Level) { number = Atomic(Self.number(of: level)) }

        var level: Logger.Level {
            Logger.Level.allCases[number.load(ordering: .relaxed)]
        }

        fileprivate func set(_ level: Logger.Level) {
            number.store(Self.number(of: level), ordering: .relaxed)
        }

        private static func number(of level: Logger.Level) -> Int {
            Logger.Level.allCases.firstIndex(of: level) ?? 0
        }
    }

    private struct State {
        var filter: LogFilter
        var targets: [String: Target] = [:]
    }

    private let original: LogFilter
    private let state: Mutex<State>

    /// Begins with what the command line asked for.
    public init(_ filter: LogFilter) {
        original = filter
        state = Mutex(State(filter: filter))
    }

    /// The filter in force.
    public var filter: LogFilter { state.withLock(\.filter) }

    /// Adds rules to those in force, the newer ones winning.
    ///
    /// - Throws: `LogFilter.Invalid` for a text that is no filter; nothing has changed then.
    public func add(_ text: String) throws(LogFilter.Invalid) {
        let added = try LogFilter(text, onto: filter)
        apply(added)
    }

    /// Goes back to what the command line asked for.
    public func reset() { apply(original) }

    private func apply(_ filter: LogFilter) {
        state.withLock { state in
            state.filter = filter
            for (name, target) in state.targets { target.set(filter.level(for: name)) }
        }
    }

    /// The level of a target, from now on.
    func target(_ name: String) -> Target {
        state.withLock { state in
            if let known = state.targets[name] { return known }
            let target = Target(state.filter.level(for: name))
            state.targets[name] = target
            return target
        }
    }
}
