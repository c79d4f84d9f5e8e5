import ArgumentParser
import KeyOptions
import Node

/// The folder of the keys, and what they are encrypted with.
struct KeystoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder of the keys (default: keystore in the chain's folder).", valueName: "path"))
    var keystorePath: String?

    @Option(
        help: ArgumentHelp(
            "Have another process sign, quantumharmony-signer, in place of the keys here.",
            valueName: "unix:path"))
    var signer: String?

    @OptionGroup var passwords: PasswordOptions

    func apply(to configuration: inout NodeConfiguration) throws {
        if let signer {
            guard signer.hasPrefix("unix:"), signer.utf8.count > 5 else {
                throw ValidationError("--signer takes unix: and the path of a socket.")
            }
            guard configuration.suri == nil else {
                throw ValidationError(
                    "--signer has keys of its own; it does not go with a development name.")
            }
            configuration.signerPath = String(signer.dropFirst(5))
        }
        configuration.keystorePath = keystorePath
        do { configuration.keystorePassword = try passwords.load() } catch { throw Failure(error) }
    }
}
