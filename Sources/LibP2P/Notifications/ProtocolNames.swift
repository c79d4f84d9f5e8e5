public import Primitives

/// The names of a chain's protocols, as they are offered by multistream-select.
///
/// `/<genesis>/<name>/<version>`, with the fork id after the genesis hash for chains that share a
/// genesis. The hash is in lower-case hexadecimal without `0x`.
public struct ProtocolNames: Sendable, Hashable {
    private let prefix: String

    /// The names of the chain with that genesis block.
    public init(genesis: Hash256, forkID: String? = nil) {
        let fork = forkID.map { "/\($0)" } ?? ""
        prefix = "/\(genesis.bytes.hex)\(fork)"
    }

    /// The name of a protocol; those without a version (`kad`) have none in their name.
    public func name(_ name: String, version: String? = nil) -> String {
        version.map { "\(prefix)/\(name)/\($0)" } ?? "\(prefix)/\(name)"
    }
}
