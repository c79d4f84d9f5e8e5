import ArgumentParser
import Foundation
import Glibc
import Node

/// Writes final blocks to a file or to standard output.
struct ExportBlocksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-blocks",
        abstract: "Write the final blocks of a stopped node, with their certificates.",
        discussion: "docs/operations.md describes the format.")

    @OptionGroup var chain: ChainOptions

    @Option(help: "The first height.")
    var from: UInt32 = 1

    @Option(help: "The last height (default: the newest final block's).")
    var to: UInt32?

    @Argument(help: "The file, which must not exist (default: standard output).")
    var file: String?

    func run() throws {
        do {
            let folder = try chain.storedFolder("export-blocks")
            var output: Int32 = 1
            let export = try BlockExport(chain: chain.source, basePath: folder)
            if let file {
                output = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
                guard output >= 0 else { throw FileFailure.last(file) }
            }
            let count = try export.write(from: from, through: to) { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let written = rest.withUnsafeBytes {
                        Glibc.write(output, $0.baseAddress, $0.count)
                    }
                    if written < 0 && errno == EINTR { continue }
                    guard written > 0 else { throw FileFailure.last(file ?? "standard output") }
                    rest = rest.dropFirst(written)
                }
            } progress: { number in
                if number % 1_024 < 64 { Progress.tell("exported up to #\(number)") }
            }
            if file != nil {
                guard fsync(output) == 0, close(output) == 0 else {
                    throw FileFailure.last(file ?? "")
                }
            }
            Progress.tell("exported \(count) blocks")
        } catch {
            throw Failure(error)
        }
    }
}

/// Takes blocks from a file or from standard input.
struct ImportBlocksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-blocks",
        abstract: "Take blocks that export-blocks wrote into a stopped node's database.",
        discussion: """
            Everything is checked as if a peer had sent it. An import that was interrupted is run \
            again: what is final already is passed over.
            """)

    @OptionGroup var chain: ChainOptions

    @Argument(help: "The file (default: standard input).")
    var file: String?

    func run() throws {
        do {
            let folder = try chain.storedFolder("import-blocks")
            let handle =
                try file.map { try FileHandle(forReadingFrom: URL(filePath: $0)) }
                ?? FileHandle.standardInput
            var blocks = try BlockImport(chain: chain.source, basePath: folder)
            var told: UInt32 = 0
            try blocks.run { count in
                var bytes: [UInt8] = []
                while bytes.count < count,
                    let more = try handle.read(upToCount: count - bytes.count), !more.isEmpty
                {
                    bytes += more
                }
                return bytes
            } progress: { counts in
                guard counts.finalised >= told + 1_000 else { return }
                told = counts.finalised
                Progress.tell("final up to #\(told)")
            }
            let counts = blocks.counts
            Progress.tell(
                "imported \(counts.imported) blocks, \(counts.known) were known; #\(counts.finalised) is final"
                    + (counts.withoutCertificate > 0
                        ? "; \(counts.withoutCertificate) at the end have no certificate and were left out"
                        : ""))
        } catch {
            throw Failure(error)
        }
    }
}

/// Executes a stored block again.
struct CheckBlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-block",
        abstract: "Execute a stored final block of a stopped node again, from genesis on.")

    @OptionGroup var chain: ChainOptions

    @Argument(help: "The block's height.")
    var number: UInt32

    func run() throws {
        do {
            let folder = try chain.storedFolder("check-block")
            print(
                try BlockReplay(chain: chain.source, basePath: folder).report(number: number))
        } catch {
            throw Failure(error)
        }
    }
}

extension ChainOptions {
    /// The folder of a command that works on stored blocks.
    func storedFolder(_ command: String) throws -> String {
        guard let folder else { throw ValidationError("\(command) needs --base-path.") }
        return folder
    }
}

/// Lines for people on standard error.
enum Progress {
    static func tell(_ line: String) {
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }
}

/// What the system says of a file.
struct FileFailure: Error, CustomStringConvertible {
    let description: String

    static func last(_ path: String) -> FileFailure {
        FileFailure(description: "'\(path)': \(String(cString: strerror(errno)))")
    }
}
