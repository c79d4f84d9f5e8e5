import Foundation
import Glibc
public import Logging
internal import RPC

/// How log lines are written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: date, level, target, message, fields.
    case text
    /// For programs: a JSON object a line.
    case json

    /// What writes the lines of a target.
    public func handler(label: String, control: LogControl) -> any LogHandler {
        switch self {
        case .text: LineLogHandler(label: label, control: control)
        case .json: JSONLogHandler(label: label, control: control)
        }
    }
}

/// Writes log lines to standard error as JSON objects, one a line, always with the members `time`
/// (RFC 3339, UTC, milliseconds), `level` (lower case), `target`, `message` and `fields` (an object of
/// strings).
public struct JSONLogHandler: LogHandler {
    public var logLevel: Logger.Level {
        get { ownLevel ?? target.level }
        set { ownLevel = newValue }
    }
    public var metadata: Logger.Metadata = [:]
    private let label: String
    private let target: LogControl.Target
    /// What this logger alone was set to.
    private var ownLevel: Logger.Level?

    /// - Parameters:
    ///   - label: the target, for example `coherence`.
    ///   - control: says how much is written, also later.
    public init(label: String, control: LogControl) {
        self.label = label
        target = control.target(label)
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        LineLogHandler.write(
            Self.line(
                seconds: now.tv_sec, milliseconds: now.tv_nsec / 1_000_000, level: event.level,
                target: label, message: "\(event.message)",
                fields: fields.keys.sorted().map { ($0, "\(fields[$0] ?? "")") }))
    }

    /// One line, with its end; the time is Unix time.
    package static func line(
        seconds: Int, milliseconds: Int, level: Logger.Level, target: String, message: String,
        fields: [(name: String, value: String)]
    ) -> String {
        let object: JSONValue = [
            "time": .string(time(seconds, milliseconds)), "level": .string(level.rawValue),
            "target": .string(target), "message": .string(message),
            "fields": .object(fields.map { JSONMember($0.name, .string($0.value)) }),
        ]
        return String(decoding: object.utf8, as: UTF8.self) + "\n"
    }

    private static func time(_ seconds: Int, _ milliseconds: Int) -> String {
        var seconds = seconds
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ value: Int, _ count: Int) -> String {
            let text = "\(value)"
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date = [Int(parts.tm_year) + 1_900, Int(parts.tm_mon) + 1, Int(parts.tm_mday)]
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec]
        return date.map { digits($0, 2) }.joined(separator: "-") + "T"
            + clock.map { digits(Int($0), 2) }.joined(separator: ":")
            + "." + digits(milliseconds, 3) + "Z"
    }
}
