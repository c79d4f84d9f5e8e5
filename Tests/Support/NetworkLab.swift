import Foundation
import Glibc
import Synchronization

/// Hosts of their own on one machine: each a network namespace with an address, all on one bridge,
/// and cables that can be cut.
///
/// The bridge is in this process's namespace, which has to be a private one: scripts/in-namespace
/// makes it, and lets us be root in it.
package final class NetworkLab {
    private static let count = Mutex(0)

    private var holders: [ChildProcess] = []
    /// Distinguishes the devices of this lab: those of one that is gone may linger for a moment.
    private let number: Int

    /// - Parameter hostCount: hosts 0 and on, at 10.77.0.1 and on.
    package init(hostCount: Int) throws {
        precondition((1...200).contains(hostCount))
        number = Self.count.withLock { count in
            count += 1
            return count
        }
        let bridge = "lab\(number)"
        try Self.run("ip link add \(bridge) type bridge && ip link set \(bridge) up")
        for host in 0..<hostCount {
            // A namespace lives as long as a process in it.
            let holder = try ChildProcess("/usr/bin/env", ["unshare", "--net", "cat"]) { _ in }
            holders.append(holder)
            try waitForNamespace(of: holder)
            let inside = "nsenter --target \(holder.processID) --net"
            try Self.run(
                """
                ip link add c\(number)h\(host) type veth peer name eth0 netns \(holder.processID)
                ip link set c\(number)h\(host) master \(bridge) up
                \(inside) ip addr add \(Self.address(of: host))/24 dev eth0
                \(inside) ip link set eth0 up
                \(inside) ip link set lo up
                \(inside) nft -f - <<RULES
                table inet lab {
                    set cut { type ipv4_addr; }
                    chain input {
                        type filter hook input priority 0; policy accept;
                        ip saddr @cut drop
                    }
                }
                RULES
                """)
        }
    }

    deinit {
        for holder in holders {
            holder.send(SIGKILL)
            holder.waitForExit()
        }
        try? Self.run("ip link del lab\(number)")
    }

    /// `unshare` has made the namespace when it has become `cat`.
    private func waitForNamespace(of holder: ChildProcess) throws {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        for _ in 0..<10_000 {
            let path = "/proc/\(holder.processID)/ns/net"
            let found = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            if let found, found != own { return }
            guard holder.status == nil else { break }
            sched_yield()
            usleep(500)
        }
        throw TestFailure("no network namespace can be made; run inside scripts/in-namespace")
    }

    /// The host's IP address.
    package static func address(of host: Int) -> String { "10.77.0.\(host + 1)" }

    /// What a command line on a host begins with.
    package func prefix(of host: Int) -> [String] {
        ["/usr/bin/env", "nsenter", "--target", "\(holders[host].processID)", "--net"]
    }

    /// The file that stands for the host's network namespace.
    package func namespace(of host: Int) -> String { "/proc/\(holders[host].processID)/ns/net" }

    /// Cuts every cable between hosts of different groups. Hosts in no group are cut off from all.
    package func partition(_ groups: [[Int]]) throws {
        try heal()
        for host in holders.indices {
            let own = groups.first { $0.contains(host) } ?? [host]
            let others = holders.indices.filter { !own.contains($0) }.map(Self.address)
            guard !others.isEmpty else { continue }
            try Self.run(
                "nsenter --target \(holders[host].processID) --net nft add element inet lab cut"
                    + " '{ \(others.joined(separator: ", ")) }'")
        }
    }

    /// Mends all cables.
    package func heal() throws {
        for holder in holders {
            try Self.run(
                "nsenter --target \(holder.processID) --net nft flush set inet lab cut")
        }
    }

    private static func run(_ commands: String) throws {
        let result = try Program.run(
            URL(filePath: "/usr/bin/env"),
            ["PATH=/usr/sbin:/sbin:/usr/bin:/bin", "bash", "-ec", commands])
        guard result.status == 0 else { throw TestFailure("\(commands): \(result.output)") }
    }
}

/// Runs a body in another network namespace: sockets that it makes belong there.
package func inNetworkNamespace<Value>(
    _ path: String?, _ body: () throws -> Value
) throws -> Value {
    guard let path else { return try body() }
    let own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    let other = open(path, O_RDONLY | O_CLOEXEC)
    defer {
        close(own)
        close(other)
    }
    guard own >= 0, other >= 0, setNamespace(other) else {
        throw TestFailure("cannot enter the network namespace \(path)")
    }
    defer { precondition(setNamespace(own), "the way back is open") }
    return try body()
}

/// setns(2), which the C library's module does not show.
private func setNamespace(_ descriptor: Int32) -> Bool {
    typealias Function = @convention(c) (Int32, Int32) -> Int32
    guard let symbol = dlsym(nil, "setns") else { return false }
    return unsafeBitCast(symbol, to: Function.self)(descriptor, 0x4000_0000) == 0
}
