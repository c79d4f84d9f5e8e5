/// What this program calls itself.
public enum NodeVersion {
    /// The implementation's name, as RPC and identify tell it.
    public static let implementation = "quantumharmony-node"
    /// The version, after Semantic Versioning.
    public static let text = "0.1.0"
}
