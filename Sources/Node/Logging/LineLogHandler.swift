import Foundation
import Glibc
public import Logging

/// How log lines are written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: date, level, target, message, fields.
    case text
    /// For programs: a JSON object a line.
    case json
}

/// Writes log lines to standard error.
public struct LineLogHandler: LogHandler {
    public var logLevel: Logger.Level {
        get { ownLevel ?? target.level }
        set { ownLevel = newValue }
    }
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: LogFormat
    private let target: LogControl.Target
    /// What this logger alone was set to.
    private var ownLevel: Logger.Level?

    /// - Parameters:
    ///   - label: the target, for example `coherence`.
    ///   - control: says how much is written, also later.
    ///   - format: how a line is written.
    public init(label: String, control: LogControl, format: LogFormat = .text) {
        self.label = label
        self.format = format
        target = control.target(label)
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        let sorted = fields.keys.sorted().map { (name: $0, value: "\(fields[$0] ?? "")") }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        switch format {
        case .text: Self.write(text(event, sorted, at: now))
        case .json:
            Self.write(
                JSONLogLine.text(
                    seconds: now.tv_sec, milliseconds: now.tv_nsec / 1_000_000,
                    level: event.level, target: label, message: "\(event.message)", fields: sorted))
        }
    }

    private func text(
        _ event: LogEvent, _ fields: [(name: String, value: String)], at now: timespec
    ) -> String {
        let suffix = fields.map { " \($0.name)=\($0.value)" }.joined()
        let level = event.level.rawValue.uppercased()
        let padded = level.padding(toLength: max(level.count, 7), withPad: " ", startingAt: 0)
        return "\(Self.timestamp(now)) \(padded) \(label): \(event.message)\(suffix)\n"
    }

    /// Local time to the millisecond.
    private static func timestamp(_ now: timespec) -> String {
        var now = now
        var parts = tm()
        localtime_r(&now.tv_sec, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let milliseconds = now.tv_nsec / 1_000_000
        let fraction = milliseconds < 10 ? "00" : milliseconds < 100 ? "0" : ""
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
            + ".\(fraction)\(milliseconds)"
    }

    /// One write call a line, so that lines of several threads do not mix.
    private static func write(_ line: String) {
        var bytes = Array(line.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                return
            }
            bytes = bytes.dropFirst(written)
        }
    }
}
