import Foundation
import Glibc

/// What a scrape reads of the operating system.
struct ProcessSample: Sendable {
    let processorTime: Duration
    let residentByteCount: Int
    /// Files and sockets that are open; nil where the system does not tell.
    let openFileCount: Int?
    /// How many may be; nil when that is not limited.
    let maximumFileCount: UInt64?
    /// Bytes on the disk of the base path: free for this user, and all; nil when it cannot be asked.
    let disk: (free: UInt64, size: UInt64)?

    /// - Parameter path: a folder on the disk to ask about.
    init(path: String) {
        let usage = ProcessUsage.now
        processorTime = usage.cpu
        residentByteCount = usage.residentByteCount
        openFileCount = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        var limit = rlimit()
        let isLimited =
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
            && limit.rlim_cur != rlim_t.max
        maximumFileCount = isLimited ? UInt64(limit.rlim_cur) : nil
        var status = statvfs()
        disk =
            statvfs(path, &status) == 0
            ? (
                UInt64(status.f_bavail) * UInt64(status.f_frsize),
                UInt64(status.f_blocks) * UInt64(status.f_frsize)
            ) : nil
    }
}
