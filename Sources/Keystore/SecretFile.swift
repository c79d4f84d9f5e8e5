internal import Glibc

/// Reads and writes files that only their owner may see.
enum SecretFile {
    /// Reads a file of at most `limit` bytes.
    ///
    /// - Throws: `missing`, `unreadable`, `notAFile`, `foreignOwner`, `permissionsTooWide`, or
    ///   `malformed` when it is too long.
    static func read(_ path: String, limit: Int) throws(KeystoreError) -> SecretBytes {
        // Non-blocking, so that a pipe in the file's place cannot hold the node up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, reason: reason())
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: path, reason: reason())
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        guard status.st_uid == geteuid() else { throw .foreignOwner(path: path) }
        let mode = UInt16(status.st_mode & 0o7777)
        guard mode & 0o077 == 0 else { throw .permissionsTooWide(path: path, mode: mode) }
        guard status.st_size <= limit else {
            throw .malformed(path: path, reason: "it has more than \(limit) bytes")
        }
        // One byte more, to see whether the file grows meanwhile.
        var content = SecretBytes(count: limit + 1)
        let count = try content.withBytes { (buffer) throws(KeystoreError) in
            try readAll(descriptor, into: buffer, path: path)
        }
        guard count <= limit else {
            throw .malformed(path: path, reason: "it has more than \(limit) bytes")
        }
        content.truncate(to: count)
        return content
    }

    private static func readAll(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer, path: String
    ) throws(KeystoreError) -> Int {
        var count = 0
        while count < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let part = Glibc.read(descriptor, rest.baseAddress, rest.count)
            if part == 0 { break }
            if part > 0 {
                count += part
            } else if errno != EINTR {
                throw .unreadable(path: path, reason: reason())
            }
        }
        return count
    }

    /// Writes a file that does not exist yet, whole or not at all, with mode 0600; when it returns
    /// the file is on the disk.
    ///
    /// - Throws: `alreadyExists`, `unwritable` or `noRandomness`.
    static func create(
        _ name: String, in directory: String, content: borrowing SecretBytes
    ) throws(KeystoreError) {
        // Unlike renaming, linking never replaces what is there.
        try put(name, in: directory, content: content) { link($0, $1) }
    }

    /// Writes a file in the place of one that may exist, whole or not at all, with mode 0600; when
    /// it returns the file is on the disk.
    ///
    /// - Throws: `unwritable` or `noRandomness`.
    static func replace(
        _ name: String, in directory: String, content: borrowing SecretBytes
    ) throws(KeystoreError) {
        try put(name, in: directory, content: content) { rename($0, $1) }
    }

    private static func put(
        _ name: String, in directory: String, content: borrowing SecretBytes,
        putInPlace: (_ temporary: String, _ path: String) -> CInt
    ) throws(KeystoreError) {
        let path = "\(directory)/\(name)"
        let suffix = try SystemRandomness.bytes(count: 8).hexDigits()
            .withBytes { String(decoding: $0, as: UTF8.self) }
        let temporary = "\(directory)/.new-\(suffix)"
        let descriptor = open(
            temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: reason()) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw .unwritable(path: path, reason: reason())
        }
        try content.withBytes { (buffer) throws(KeystoreError) in
            try writeAll(UnsafeRawBufferPointer(buffer), to: descriptor, path: path)
        }
        guard fsync(descriptor) == 0 else { throw .unwritable(path: path, reason: reason()) }
        guard putInPlace(temporary, path) == 0 else {
            throw errno == EEXIST
                ? .alreadyExists(path: path) : .unwritable(path: path, reason: reason())
        }
        try synchronise(directory: directory)
    }

    private static func writeAll(
        _ buffer: UnsafeRawBufferPointer, to descriptor: CInt, path: String
    ) throws(KeystoreError) {
        var written = 0
        while written < buffer.count {
            let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
            let part = write(descriptor, rest.baseAddress, rest.count)
            if part >= 0 {
                written += part
            } else if errno != EINTR {
                throw .unwritable(path: path, reason: reason())
            }
        }
    }

    /// Makes a directory, and those above it, for the owner only; one that exists stays as it is.
    static func createDirectory(_ path: String) throws(KeystoreError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw .unwritable(path: path, reason: reason())
        }
        try createDirectory(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .unwritable(path: path, reason: reason())
        }
    }

    /// The names in a directory, sorted.
    static func names(in directory: String) throws(KeystoreError) -> [String] {
        guard let stream = opendir(directory) else {
            throw errno == ENOENT
                ? .missing(path: directory) : .unreadable(path: directory, reason: reason())
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(
                    to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)
                ) { String(cString: $0) }
            }
            names.append(name)
        }
        return names.sorted()
    }

    private static func synchronise(directory: String) throws(KeystoreError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unwritable(path: directory, reason: reason()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .unwritable(path: directory, reason: reason())
        }
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
