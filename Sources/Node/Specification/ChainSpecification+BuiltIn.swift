internal import Keystore
internal import Primitives
internal import Falcon

extension ChainSpecification {
    /// The chain `dev`: Alice alone.
    static func dev() throws(KeystoreError) -> ChainSpecification {
        ChainSpecification(
            name: "Development", id: "dev", kind: .development,
            supermajority: QuorumPolicy.twoThirds.name,
            validators: [try developmentValidator("//Alice")])
    }

    /// The chain `local`: Alice, Bob and Charlie, of whom two finalise.
    static func local() throws(KeystoreError) -> ChainSpecification {
        ChainSpecification(
            name: "Local Testnet", id: "local", kind: .local,
            supermajority: QuorumPolicy.twoThirds.name,
            validators: try developmentValidators(count: 3))
    }

    /// A local chain of that many development validators: //Alice to //Ferdie, then //V7 and on.
    static func generated(validatorCount: Int) throws(KeystoreError) -> ChainSpecification {
        ChainSpecification(
            name: "Generated Testnet (\(validatorCount) validators)",
            id: "generated-\(validatorCount)", kind: .local,
            supermajority: QuorumPolicy.standard(validatorCount: validatorCount).name,
            validators: try developmentValidators(count: validatorCount))
    }

    private static let names = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"]

    private static func developmentValidators(
        count: Int
    ) throws(KeystoreError) -> [Validator] {
        var validators: [Validator] = []
        for position in 0..<count {
            let name = position < names.count ? names[position] : "V\(position + 1)"
            validators.append(try developmentValidator("//\(name)"))
        }
        return validators
    }

    private static func developmentValidator(_ uri: String) throws(KeystoreError) -> Validator {
        let account = try DevelopmentAccount(uri: uri)
        let address = SS58Address(account.account)
        return Validator(
            name: String(uri.dropFirst(2)),
            account: address?.description ?? account.account.description,
            falconPublicKey: "0x" + account.makeSecretKey().publicKey.bytes.hex)
    }
}
