public import Logging

/// Which log lines are written: a default level and levels per target, as `-l` gives them.
///
/// A target covers its sub-targets: `libp2p` covers `libp2p.yamux`.
public struct LogFilter: Sendable, Equatable {
    /// The level of targets that no rule names.
    public var defaultLevel: Logger.Level = .info
    /// Levels by target; the longest matching target decides.
    public var levels: [String: Logger.Level] = [:]

    /// Lines at INFO and above.
    public init() {}

    /// Why a filter text is not understood.
    public enum Invalid: Error, Equatable, CustomStringConvertible {
        case unknownLevel(String)
        case emptyTarget(String)

        public var description: String {
            let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            switch self {
            case .unknownLevel(let text):
                return "unknown log level '\(text)'; the levels are \(levels), and 'warn' and 'off'"
            case .emptyTarget(let text):
                return "'\(text)' names no target; write target=level, for example coherence=debug"
            }
        }
    }

    /// Reads a comma-separated list of levels and target=level pairs: `info,coherence=debug`.
    public init(_ text: String) throws(Invalid) {
        try self.init(text, onto: LogFilter())
    }

    /// Reads such a list as changes to another filter.
    init(_ text: String, onto filter: LogFilter) throws(Invalid) {
        self = filter
        for part in text.split(separator: ",") {
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pieces.count == 1 {
                defaultLevel = try Self.level(String(part))
            } else {
                guard !pieces[0].isEmpty else { throw .emptyTarget(String(part)) }
                levels[String(pieces[0])] = try Self.level(String(pieces[1]))
            }
        }
    }

    private static func level(_ text: String) throws(Invalid) -> Logger.Level {
        let lowered = text.lowercased()
        switch lowered {
        case "warn": return .warning
        case "off": return .critical
        default:
            guard let level = Logger.Level(rawValue: lowered) else { throw .unknownLevel(text) }
            return level
        }
    }

    /// The level for a target.
    public func level(for target: String) -> Logger.Level {
        var name = Substring(target)
        while true {
            if let level = levels[String(name)] { return level }
            guard let dot = name.lastIndex(of: ".") else { return defaultLevel }
            name = name[..<dot]
        }
    }
}
