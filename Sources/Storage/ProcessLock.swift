internal import Glibc
internal import Synchronization

/// Keeps a second process from using a directory: an exclusive lock on its file `LOCK`.
///
/// The operating system frees the lock when the process ends, however it ends. Two locks of one
/// process exclude each other, too.
package final class ProcessLock: Sendable {
    private let descriptor: Mutex<CInt?>

    /// Locks a directory, making it when it is missing.
    ///
    /// - Throws: `inUse` when another process has locked it.
    package init(directory: String) throws(StorageError) {
        try FileSystem.createDirectory(directory)
        let path = directory + "/LOCK"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .unwritable(path: path, reason: FileSystem.reason())
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let reason = FileSystem.reason()
            let owner = isTaken ? Self.owner(descriptor) : nil
            close(descriptor)
            throw isTaken
                ? .inUse(path: directory, processID: owner)
                : .unwritable(path: path, reason: reason)
        }
        // For people and the error above; the lock itself does not depend on it.
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Frees the lock. Later calls do nothing.
    package func release() {
        descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    private static func owner(_ descriptor: CInt) -> Int32? {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: buffer[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }
}
