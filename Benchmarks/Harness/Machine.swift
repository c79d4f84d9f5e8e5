import Foundation
import TestSupport

/// Where the figures come from.
struct Machine: Codable, Equatable {
    let processor: String
    let coreCount: Int
    let memoryGigabytes: Int
    let kernel: String
    let system: String
    let swift: String

    static func current() throws -> Machine {
        let information = ProcessInfo.processInfo
        return Machine(
            processor: field("model name", of: "/proc/cpuinfo") ?? "unknown",
            coreCount: information.processorCount,
            memoryGigabytes: Int((Double(information.physicalMemory) / 1e9).rounded()),
            kernel: text("/proc/sys/kernel/osrelease"),
            system: field("PRETTY_NAME", of: "/etc/os-release")
                ?? information
                .operatingSystemVersionString,
            swift: try swiftVersion())
    }

    /// The one-minute load average: what else the machine did.
    static var loadAverage: Double {
        Double(text("/proc/loadavg").prefix { $0 != " " }) ?? 0
    }

    /// The commit that the sources are at; empty outside a repository.
    static var commit: String {
        let found = try? Program.run(
            URL(filePath: "/usr/bin/env"),
            ["git", "-C", Repository.root.path, "rev-parse", "--short=10", "HEAD"])
        guard let found, found.status == 0 else { return "" }
        return found.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func swiftVersion() throws -> String {
        let (_, output) = try Program.run(
            URL(filePath: "/usr/bin/env"), ["swift", "--version"])
        let line = output.split(separator: "\n").first { $0.contains("Swift version") }
        return line.map(String.init) ?? "unknown"
    }

    private static func text(_ path: String) -> String {
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }

    /// The value of the first line that begins with `name`, after its colon or equals sign.
    private static func field(_ name: String, of path: String) -> String? {
        guard let line = text(path).split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let separator = line.firstIndex(where: { $0 == ":" || $0 == "=" })
        else { return nil }
        return line[line.index(after: separator)...].trimmingCharacters(
            in: CharacterSet(charactersIn: " \""))
    }
}
