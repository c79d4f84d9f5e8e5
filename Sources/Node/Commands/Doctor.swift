import Foundation
import Glibc
internal import Chain
internal import RPC
internal import Storage

/// Looks at everything that keeps a node from doing its work: one finding a check.
public struct Doctor {
    /// One check: what was looked at, how it is, what that means and what to do.
    public struct Finding: Sendable, Equatable {
        public enum Level: String, Sendable { case ok, warning, problem }

        public let check: String
        public let level: Level
        public let message: String
        /// What to do; empty when there is nothing.
        public let advice: String

        init(_ check: String, _ level: Level, _ message: String, advice: String = "") {
            self.check = check
            self.level = level
            self.message = message
            self.advice = advice
        }
    }

    let chain: NodeConfiguration.ChainSource
    let basePath: String
    let peerPort: UInt16
    let rpcPort: UInt16

    /// - Parameters:
    ///   - peerPort: where the node listens, or is to listen, for peers.
    ///   - rpcPort: where it serves JSON-RPC.
    public init(
        chain: NodeConfiguration.ChainSource, basePath: String, peerPort: UInt16, rpcPort: UInt16
    ) {
        self.chain = chain
        self.basePath = basePath
        self.peerPort = peerPort
        self.rpcPort = rpcPort
    }

    /// Performs all checks.
    ///
    /// - Throws: that there is no such chain: nothing else can be looked at then.
    public func examine() throws -> [Finding] {
        let resolved = try ChainSpecification.named(chain.name).resolve()
        let paths = try BasePath(root: basePath, chainID: resolved.parameters.chainID)
        var findings = [folder(), clock()]
        if let skew = try? OperatorRPC(port: rpcPort).clockSkewMilliseconds() {
            findings.append(clock(aheadBy: skew))
        }
        findings += secrets(paths)
        findings += disk()
        let status = try? OperatorRPC(port: rpcPort).status()
        findings += store(paths, resolved)
        findings.append(port(peerPort, "port for peers", isNodeRunning: status != nil))
        findings.append(port(rpcPort, "port of JSON-RPC", isNodeRunning: status != nil))
        findings.append(running(status))
        return findings
    }

    /// The findings as one JSON text.
    public static func json(_ findings: [Finding]) -> String {
        let list = findings.map { finding -> JSONValue in
            [
                "check": .string(finding.check), "level": .string(finding.level.rawValue),
                "message": .string(finding.message), "advice": .string(finding.advice),
            ]
        }
        return String(decoding: JSONValue.array(list).utf8, as: UTF8.self)
    }

    // MARK: Checks

    private func folder() -> Finding {
        var information = stat()
        guard stat(basePath, &information) == 0 else {
            return Finding(
                "base path", .warning, "\(basePath) does not exist",
                advice: "Nothing, before the first start; otherwise give the right --base-path.")
        }
        guard access(basePath, R_OK | W_OK | X_OK) == 0 else {
            return Finding(
                "base path", .problem, "\(basePath) cannot be written by this user",
                advice: "Run this as the node's user, or give the folder to it with chown.")
        }
        guard information.st_mode & 0o022 == 0 else {
            return Finding(
                "base path", .warning, "\(basePath) can be written by other users",
                advice: "chmod go-w \(basePath)")
        }
        return Finding("base path", .ok, basePath)
    }

    /// Files with secrets must be this user's alone.
    private func secrets(_ paths: BasePath) -> [Finding] {
        var isComplete = true
        var findings: [Finding] = []
        for folder in [paths.keystore, paths.network] {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let path = "\(folder)/\(name)"
                var information = stat()
                guard stat(path, &information) == 0 else { continue }
                if information.st_mode & 0o077 != 0 {
                    isComplete = false
                    findings.append(
                        Finding(
                            "keys", .problem, "other users may read \(path)",
                            advice: "chmod 600 \(path)"))
                } else if access(path, R_OK) != 0 {
                    isComplete = false
                    findings.append(
                        Finding(
                            "keys", .problem, "\(path) cannot be read by this user",
                            advice: "Run this as the node's user, or chown the file to it."))
                }
            }
        }
        if isComplete { findings.append(Finding("keys", .ok, "readable by this user only")) }
        return findings
    }

    /// What the system's own time service says: blocks and votes depend on the wall clock.
    private func clock() -> Finding {
        guard NodeClock.unixMilliseconds() > 1_700_000_000_000 else {
            return Finding(
                "clock", .problem, "the clock stands in the past", advice: "Set it; run chrony.")
        }
        // systemd-timesyncd and chrony (by its waiter) leave these when the clock is right.
        let marks = [
            "/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid", "/run/ntpd.pid",
            "/run/ntpsec/ntpd.pid",
        ]
        guard let mark = marks.first(where: { access($0, F_OK) == 0 }) else {
            return Finding(
                "clock", .warning, "no time service was found that keeps the clock right",
                advice: "Run systemd-timesyncd or chrony, unless the machine's host does it.")
        }
        return Finding("clock", .ok, "a time service runs (\(mark))")
    }

    /// What the running node sees by the slots of the others' blocks.
    private func clock(aheadBy milliseconds: Int64) -> Finding {
        guard milliseconds.magnitude > 1_000 else {
            return Finding("clock", .ok, "the node's clock agrees with the other validators'")
        }
        let seconds = milliseconds.magnitude / 1_000
        return Finding(
            "clock", .problem,
            milliseconds > 0
                ? "\(seconds) s ahead of the other validators', or their blocks arrive that late"
                : "\(seconds) s behind the other validators'",
            advice: "Set the clock (chronyc tracking, timedatectl).")
    }

    private func disk() -> [Finding] {
        var information = statvfs()
        guard statvfs(basePath, &information) == 0 else { return [] }
        let free = UInt64(information.f_bavail) * UInt64(information.f_frsize)
        let megabytes = free / 1_000_000
        var findings = [
            free < 200_000_000
                ? Finding(
                    "disk space", .problem, "\(megabytes) MB are free",
                    advice: "Make room: a full disk stops the node.")
                : free < 2_000_000_000
                    ? Finding(
                        "disk space", .warning, "\(megabytes) MB are free",
                        advice: "Plan for more; docs/operations.md says how much a day takes.")
                    : Finding("disk space", .ok, "\(megabytes) MB are free")
        ]
        if let milliseconds = synchronisationMilliseconds() {
            findings.append(
                milliseconds > 100
                    ? Finding(
                        "disk speed", .warning,
                        "writing 4 KiB durably takes up to \(milliseconds) ms; each vote waits for it",
                        advice: "Use a local SSD with power-loss protection.")
                    : Finding(
                        "disk speed", .ok, "4 KiB are durable within \(milliseconds) ms"))
        } else {
            findings.append(
                Finding(
                    "disk speed", .problem, "no file can be written durably in \(basePath)",
                    advice: "See to the permissions and the disk."))
        }
        return findings
    }

    /// The slowest of ten durable writes.
    private func synchronisationMilliseconds() -> Int? {
        var path = Array("\(basePath)/doctor-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        guard file >= 0 else { return nil }
        defer {
            unlink(path)
            close(file)
        }
        let page = [UInt8](repeating: 0x51, count: 4_096)
        var slowest = Duration.zero
        for _ in 0..<10 {
            let begin = ContinuousClock.now
            guard write(file, page, page.count) == page.count, fdatasync(file) == 0 else {
                return nil
            }
            slowest = max(slowest, .now - begin)
        }
        return Int(slowest / .milliseconds(1))
    }

    /// The databases and the sign log, when no node has them open.
    private func store(_ paths: BasePath, _ chain: ResolvedChain) -> [Finding] {
        guard FileManager.default.fileExists(atPath: paths.database) else {
            return [Finding("database", .ok, "there is none yet; the first start makes it")]
        }
        do {
            let store = try NodeStore(
                paths, genesis: chain.genesisHeader, state: chain.genesisState)
            defer { try? store.close() }
            try store.checkIntegrity()
            let final = try store.finalised()
            return [
                Finding("database", .ok, "whole; #\(final.number) is final"),
                signLog(store.signLogState),
            ]
        } catch StorageError.inUse(_, let process) {
            let who = process.map { "process \($0)" } ?? "a process"
            return [
                Finding(
                    "database", .ok, "in use by \(who); it checks the files when it starts")
            ]
        } catch {
            return [
                Finding(
                    "database", .problem, "\(error)",
                    advice: "docs/operations.md, \"When a validator does not vote\".")
            ]
        }
    }

    private func signLog(_ state: SignLogState) -> Finding {
        switch state {
        case .ready: Finding("sign log", .ok, "whole; the node may sign")
        case .firstStart:
            Finding(
                "sign log", .warning, "there is none: this node has never signed",
                advice: "Nothing for a follower; a validator of a live chain states it once with "
                    + "--init-sign-state.")
        case .neverSign(let reason):
            Finding(
                "sign log", .problem, "the keys that are there never sign again: \(reason)",
                advice: "Bring back the newest log of this machine, or insert a new key.")
        }
    }

    private func port(_ port: UInt16, _ check: String, isNodeRunning: Bool) -> Finding {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var one: Int32 = 1
        setsockopt(
            socket, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        let isFree = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isFree {
            return isNodeRunning && port == peerPort
                ? Finding(
                    check, .warning, "a node runs, and \(port) is free: it listens elsewhere",
                    advice: "Give this command the node's --port.")
                : Finding(check, .ok, "\(port) is free")
        }
        return isNodeRunning
            ? Finding(check, .ok, "\(port) is held, and a node runs")
            : Finding(
                check, .problem, "\(port) is held, and no node answers on \(rpcPort)",
                advice: "Stop what listens there (ss -ltnp), or choose another port.")
    }

    private func running(_ status: OperatorRPC.Status?) -> Finding {
        guard let status else {
            return Finding(
                "node", .warning, "no node answers on 127.0.0.1:\(rpcPort)",
                advice: "Start it, or give its --rpc-port.")
        }
        let state = "best #\(status.best), final #\(status.final), \(status.peers) peers"
        if status.peers == 0 {
            return Finding(
                "node", .warning, "runs without peers; \(state)",
                advice: "Give --bootnodes; see that the port for peers is reachable.")
        }
        if status.isSyncing {
            return Finding("node", .warning, "is catching up; \(state)", advice: "Wait.")
        }
        if status.best > status.final + 10 {
            return Finding(
                "node", .problem,
                "finality is \(status.best - status.final) blocks behind; \(state)",
                advice: "coherence_roundState says whose votes are missing.")
        }
        return Finding("node", .ok, "runs; \(state)")
    }
}
