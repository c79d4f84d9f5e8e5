internal import Glibc

/// The few operations on files that SQLite does not do.
enum FileSystem {
    /// Makes a directory, and those above it, for the owner only; one that exists stays as it is.
    static func createDirectory(_ path: String) throws(StorageError) {
        if mkdir(path, 0o700) == 0 {
            return try synchronise(directory: parent(of: path))
        }
        if errno == EEXIST { return }
        guard errno == ENOENT, parent(of: path) != path else {
            throw .unwritable(path: path, reason: reason())
        }
        try createDirectory(parent(of: path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .unwritable(path: path, reason: reason())
        }
        try synchronise(directory: parent(of: path))
    }

    /// Makes the names in a directory durable.
    static func synchronise(directory: String) throws(StorageError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: directory, reason: reason()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .unwritable(path: directory, reason: reason())
        }
    }

    /// Whether something of that name exists.
    ///
    /// - Throws: `unreadable` when that cannot be told.
    static func exists(_ path: String) throws(StorageError) -> Bool {
        var status = stat()
        if lstat(path, &status) == 0 { return true }
        guard errno == ENOENT else { throw .unreadable(path: path, reason: reason()) }
        return false
    }

    /// How many bytes an ordinary file has; nil when there is none.
    static func size(_ path: String) throws(StorageError) -> Int? {
        var status = stat()
        if stat(path, &status) == 0 {
            return status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
        }
        guard errno == ENOENT else { throw .unreadable(path: path, reason: reason()) }
        return nil
    }

    /// What is in a small file; nil when there is none.
    ///
    /// - Parameter limit: the most bytes that are read.
    static func read(_ path: String, limit: Int = 256) throws(StorageError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path: path, reason: reason())
        }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw .unreadable(path: path, reason: reason()) }
        return Array(buffer[..<count])
    }

    /// Writes a small file, whole or not at all; when it returns the file is on the disk.
    static func write(_ bytes: [UInt8], to path: String) throws(StorageError) {
        let temporary = path + ".new"
        let descriptor = open(
            temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unwritable(path: path, reason: reason()) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0
        else {
            throw errno == ENOSPC
                ? .diskFull(path: path) : .unwritable(path: path, reason: reason())
        }
        guard Glibc.rename(temporary, path) == 0 else {
            throw .unwritable(path: path, reason: reason())
        }
        try synchronise(directory: parent(of: path))
    }

    /// Gives a file another name in the same directory.
    static func rename(_ path: String, to other: String) throws(StorageError) {
        guard Glibc.rename(path, other) == 0 else {
            throw .unwritable(path: path, reason: reason())
        }
        try synchronise(directory: parent(of: path))
    }

    /// Removes a file; one that is not there is no error.
    static func removeFile(_ path: String) throws(StorageError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .unwritable(path: path, reason: reason())
        }
        try synchronise(directory: parent(of: path))
    }

    /// Removes a directory with all its files; subdirectories must be empty.
    static func removeDirectory(_ path: String) throws(StorageError) {
        guard let stream = opendir(path) else {
            if errno == ENOENT { return }
            throw .unreadable(path: path, reason: reason())
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(
                    to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)
                ) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            guard remove("\(path)/\(name)") == 0 else {
                throw .unwritable(path: "\(path)/\(name)", reason: reason())
            }
        }
        guard rmdir(path) == 0 else { throw .unwritable(path: path, reason: reason()) }
        try synchronise(directory: parent(of: path))
    }

    /// Whether the file system of a path has no room for a page left.
    static func isFull(_ path: String) -> Bool {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return false }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 65_536
    }

    /// The directory that a path is in.
    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// What the last system call complained about.
    static func reason() -> String { String(cString: strerror(errno)) }
}
