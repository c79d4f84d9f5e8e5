import Foundation
import Primitives
import Testing

/// The worked examples of docs/protocol.md, as they stand in `Vectors/protocol`: a name and the
/// bytes of each.
struct ProtocolExamples: Decodable {
    struct Example: Decodable {
        let name: String
        let hex: String
    }

    let examples: [Example]

    static func load(_ file: String) throws -> ProtocolExamples {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Vectors/protocol/\(file).json").standardized
        return try JSONDecoder().decode(ProtocolExamples.self, from: Data(contentsOf: url))
    }

    /// The bytes of an example.
    func bytes(_ name: String) throws -> [UInt8] {
        let example = try #require(examples.first { $0.name == name }, "no example \(name)")
        return try #require([UInt8](hex: example.hex))
    }

    /// Holds what the code makes against the file: the same names in the same order, byte for byte.
    func compare(with made: [(name: String, bytes: [UInt8])]) {
        #expect(examples.map(\.name) == made.map(\.name))
        for (example, made) in zip(examples, made) {
            #expect(example.hex == made.bytes.hex, "\(example.name)")
        }
    }
}
