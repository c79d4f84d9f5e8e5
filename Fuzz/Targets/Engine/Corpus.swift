import Foundation
import Primitives
import Synchronization
import TestSupport

/// Inputs that are kept in the repository.
package enum Corpus {
    /// A past finding: an input on which a property did not hold once.
    package struct Finding: Sendable {
        /// The file's name, which says what was wrong.
        package let name: String
        package let bytes: [UInt8]
    }

    private static let harvested = Mutex<[[UInt8]]?>(nil)

    /// Every byte string in hexadecimal that a vector file holds, shortest first.
    static func vectors() throws -> [[UInt8]] {
        if let known = harvested.withLock({ $0 }) { return known }
        let folder = Repository.root.appending(path: "Vectors")
        var found: Set<[UInt8]> = []
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
        where path.hasSuffix(".json") {
            let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
            for part in text.split(separator: "\"") where part.utf8.count % 2 == 0 {
                guard part.utf8.count <= 32_768, let bytes = [UInt8](hex: part) else { continue }
                found.insert(bytes)
            }
        }
        let sorted = found.sorted {
            $0.count == $1.count ? $0.lexicographicallyPrecedes($1) : $0.count < $1.count
        }
        harvested.withLock { $0 = sorted }
        return sorted
    }

    /// The past findings of a target: `Vectors/fuzz/<target>/<name>.hex`.
    package static func findings(of target: FuzzTarget) throws -> [Finding] {
        let folder = Repository.root.appending(path: "Vectors/fuzz/\(target.name)")
        guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { $0.hasSuffix(".hex") }
            .map { name in
                Finding(name: name, bytes: try readHex(folder.appending(path: name).path))
            }
    }

    /// The bytes of a file of hexadecimal digits and white space.
    package static func readHex(_ path: String) throws -> [UInt8] {
        let digits = try String(contentsOfFile: path, encoding: .utf8).filter { !$0.isWhitespace }
        guard let bytes = [UInt8](hex: digits) else {
            throw TestFailure("\(path) is not hexadecimal")
        }
        return bytes
    }

    /// The targets that have past findings, by their folders.
    package static func targetsWithFindings() throws -> [String] {
        let folder = Repository.root.appending(path: "Vectors/fuzz")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .filter { !$0.hasSuffix(".md") }
    }
}
