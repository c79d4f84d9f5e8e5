import Foundation
package import Primitives

/// A chain specification's bytes, read and resolved: what tests and fuzzing see of it.
package struct SpecificationText {
    private let specification: ChainSpecification
    /// The chain that it specifies.
    package let genesisHash: Hash256

    /// Reads and resolves the JSON text.
    ///
    /// - Throws: what is wrong with it.
    package init(_ bytes: [UInt8]) throws {
        specification = try ChainSpecification.read(Foundation.Data(bytes), path: "bytes")
        genesisHash = try specification.resolve().genesisHash
    }

    /// The text as this node writes it.
    package func rewritten() throws -> [UInt8] { Array(try specification.json().utf8) }
}
