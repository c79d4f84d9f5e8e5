import Glibc
package import Logging
internal import RPC

/// A log line as a JSON object, always with the members `time` (RFC 3339, UTC, milliseconds), `level`
/// (lower case), `target`, `message` and `fields` (an object of strings).
package enum JSONLogLine {
    /// One line, with its end; the time is Unix time.
    package static func text(
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
