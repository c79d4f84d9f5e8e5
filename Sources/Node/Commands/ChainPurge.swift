import Foundation
internal import Storage

/// Removes a chain's database, never its keys and sign log.
public struct ChainPurge: Sendable {
    private let paths: BasePath

    /// - Throws: what is wrong with the chain specification.
    public init(chain: NodeConfiguration.ChainSource, basePath: String) throws {
        let specification = try ChainSpecification.named(chain.name)
        paths = try BasePath(root: basePath, chainID: specification.id)
    }

    /// The folder that is removed.
    public var path: String { paths.database }

    /// Whether there is anything to remove.
    public var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// Removes it.
    ///
    /// - Throws: that a node uses it, or what the file system says.
    public func perform() throws { try paths.purgeChain() }
}
