internal import Keystore
internal import Primitives

extension ChainSpecification {
    /// The chain `dev`: Alice alone.
    static func dev() -> ChainSpecification {
        ChainSpecification(
            name: "Development", id: "dev", kind: .development,
            supermajority: QuorumPolicy.twoThirds.name, validators: [developmentValidator("//Alice")])
    }

    /// The chain `local`: Alice, Bob and Charlie, of whom two finalise.
    static func local() -> ChainSpecification {
        ChainSpecification(
            name: "Local Testnet", id: "local", kind: .local,
            supermajority: QuorumPolicy.twoThirds.name,
            validators: ["//Alice", "//Bob", "//Charlie"].map(developmentValidator))
    }

    /// A local chain of that many development validators: //Alice to //Ferdie, then //V7 and on.
    static func generated(validatorCount: Int) -> ChainSpecification {
        let uris = (0..<validatorCount).map(DevelopmentKeys.uri(at:))
        return ChainSpecification(
            name: "Generated Testnet (\(validatorCount) validators)",
            id: "generated-\(validatorCount)", kind: .local,
            supermajority: QuorumPolicy.standard(validatorCount: validatorCount).name,
            validators: uris.map(developmentValidator))
    }

    private static func developmentValidator(_ uri: String) -> Validator {
        let account = DevelopmentKeys.account(uri: uri)
        let key = DevelopmentKeys.falconPublicKey(uri: uri)
        return Validator(
            name: String(uri.dropFirst(2)), account: SS58.encode(account),
            falconPublicKey: "0x" + key.hex)
    }
}
