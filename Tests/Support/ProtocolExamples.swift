import Foundation
import Primitives

/// The worked examples of docs/protocol.md, as they stand in `Vectors/protocol`: a name and the
/// bytes of each.
package struct ProtocolExamples: Decodable {
    private struct Example: Decodable {
        let name: String
        let hex: String
    }

    private let examples: [Example]

    package static func load(_ file: String) throws -> ProtocolExamples {
        let url = Repository.root.appending(path: "Vectors/protocol/\(file).json")
        return try JSONDecoder().decode(ProtocolExamples.self, from: Data(contentsOf: url))
    }

    /// The bytes of an example.
    package func bytes(_ name: String) throws -> [UInt8] {
        guard let example = examples.first(where: { $0.name == name }),
            let bytes = [UInt8](hex: example.hex)
        else { throw TestFailure("no example \(name), or no bytes") }
        return bytes
    }

    /// Holds what the code makes against the file: the same names in the same order, byte for byte.
    ///
    /// - Returns: what differs.
    package func differences(from made: [(name: String, bytes: [UInt8])]) -> [String] {
        let names = examples.map(\.name)
        guard names == made.map(\.name) else { return ["\(names), made \(made.map(\.name))"] }
        return zip(examples, made).filter { $0.hex != $1.bytes.hex }.map(\.0.name)
    }
}
