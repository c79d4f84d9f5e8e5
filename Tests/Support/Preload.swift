package import Foundation

/// Libraries that are loaded into a process before its own, to put something between it and the
/// system.
package enum Preload {
    /// Compiles a C file of this folder into a library.
    ///
    /// - Parameters:
    ///   - source: its path from the project's folder.
    ///   - folder: where the library is put.
    /// - Returns: the library's path, for `LD_PRELOAD`.
    package static func library(_ source: String, in folder: URL) throws -> String {
        let input = Repository.root.appending(path: source)
        let name = input.deletingPathExtension().lastPathComponent
        let library = folder.appending(path: "\(name).so").path
        let (status, output) = try Program.run(
            URL(filePath: "/usr/bin/env"),
            ["cc", "-shared", "-fPIC", "-O1", "-o", library, input.path, "-ldl"])
        guard status == 0 else { throw TestFailure("\(source): \(output)") }
        return library
    }
}
