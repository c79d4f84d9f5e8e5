import Foundation
internal import Keystore
internal import Primitives
internal import Storage

/// Moves the sign log of a validator from one machine to another.
public struct SignLogMove: Sendable {
    private let transfer: SignLogTransfer
    private let keystore: String

    /// - Throws: what is wrong with the chain specification.
    public init(
        chain: NodeConfiguration.ChainSource, basePath: String, keystorePath: String?
    ) throws {
        let specification = try ChainSpecification.named(chain.name)
        let paths = try BasePath(
            root: basePath, chainID: specification.id, keystore: keystorePath)
        transfer = SignLogTransfer(paths, chainID: specification.id)
        keystore = paths.keystore
    }

    private func keys() throws -> [Hash256] { try SessionKeystore(directory: keystore).names() }

    /// Ends signing here for good, and writes the log to a file that must not exist.
    public func export(to path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw NodeKeyFile.Invalid.exists(path: path)
        }
        let bytes = try transfer.export(keys: keys())
        try NodeKeyFile.write(Foundation.Data(bytes), to: path)
    }

    /// Takes the log in a file over: this machine signs from now on.
    public func take(from path: String) throws {
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        let limit = SignLogTransfer.maximumByteCount + 65_536
        let bytes = try handle.read(upToCount: limit) ?? Foundation.Data()
        try transfer.take([UInt8](bytes), keys: keys())
    }
}
