import ArgumentParser
import KeyOptions
import Node

/// The kinds of keys as the command line names them.
enum SchemeOption: String, ExpressibleByArgument, CaseIterable {
    case falcon1024
    case sr25519

    var scheme: KeyScheme {
        switch self {
        case .falcon1024: .falcon1024
        case .sr25519: .sr25519
        }
    }
}

/// How keys are printed.
struct KeyOutputOptions: ParsableArguments {
    enum Form: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @Option(help: "The kind of key: falcon1024 for validators, sr25519 for accounts.")
    var scheme = SchemeOption.falcon1024

    @Option(
        help: ArgumentHelp(
            "The chain prefix of addresses: a number, or substrate (42).", valueName: "prefix"),
        transform: Self.prefix)
    var network: UInt16 = 42

    @Option(help: "The output: text or json.")
    var outputType = Form.text

    private static func prefix(_ text: String) throws -> UInt16 {
        if text == "substrate" { return 42 }
        guard let prefix = UInt16(text), prefix < 16_384 else {
            throw ValidationError("--network takes 0 to 16383 or substrate, not '\(text)'.")
        }
        return prefix
    }

    func show(_ report: KeyReport) {
        print(outputType == .json ? report.json : report.text)
    }
}

/// Makes a key.
struct GenerateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Make a key and print it, with its secret phrase.",
        discussion: """
            Nothing is written to a file. Write the phrase down and keep it: it is the key. \
            key insert puts it into a keystore.

            Example:
              quantumharmony-node key generate --output-type json
            """)

    @Option(help: "The words of the phrase: 12, 15, 18, 21 or 24 (default: 24, sr25519: 12).")
    var words: Int?

    @OptionGroup var output: KeyOutputOptions

    func run() throws {
        do {
            output.show(
                try KeyReport.generate(
                    output.scheme.scheme, wordCount: words ?? output.scheme.scheme.wordCount,
                    network: output.network))
        } catch {
            throw Failure(error)
        }
    }
}

/// Shows what a secret or a public key comes to.
struct InspectKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print the public key and the addresses of a key.",
        discussion: """
            The key is a secret URI: a phrase or 0x and a seed of 64 hexadecimal digits, then \
            //hard and /soft junctions and ///password; without a phrase it is a development key \
            such as //Alice. Without an argument the URI is asked for, or read from standard input.
            """)

    @Argument(help: "The secret URI, or with --public the public key.")
    var uri: String?

    @Flag(help: "The argument is a public key, 0x and hexadecimal digits.")
    var `public` = false

    @OptionGroup var output: KeyOutputOptions

    func run() throws {
        do {
            let text = try uri ?? Terminal.secret("Secret URI: ")
            output.show(
                `public`
                    ? try KeyReport(output.scheme.scheme, publicKey: text, network: output.network)
                    : try KeyReport(output.scheme.scheme, uri: text, network: output.network))
        } catch {
            throw Failure(error)
        }
    }
}

/// Puts a key into a keystore.
struct InsertKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "insert", abstract: "Put a key into a node's keystore.",
        discussion: """
            With a password the file is encrypted. A node that runs takes keys by author_insertKey.

            Example:
              quantumharmony-node key insert --chain local --base-path /var/lib/quantumharmony \\
                --password-filename /etc/quantumharmony/password < phrase.txt
            """)

    @Option(
        help: ArgumentHelp(
            "The secret URI; without it, it is asked for, or read from standard input.",
            valueName: "uri"))
    var suri: String?

    @Option(
        help: ArgumentHelp(
            "What the key is for, four letters (default: falc, sr25519: acco).", valueName: "type"))
    var keyType: String?

    @Option(help: "The kind of key: falcon1024 for validators, sr25519 for accounts.")
    var scheme = SchemeOption.falcon1024

    @OptionGroup var chain: ChainOptions
    @OptionGroup var keystore: KeystoreOptions

    func run() throws {
        do {
            let password = try keystore.passwords.load()
            let folder = try KeystoreFolder(
                chain: chain.source, basePath: chain.folder, keystorePath: keystore.keystorePath)
            print(
                try folder.insert(
                    scheme.scheme, uri: try suri ?? Terminal.secret("Secret URI: "),
                    type: keyType ?? scheme.scheme.keyType, password: password))
        } catch {
            throw Failure(error)
        }
    }
}

/// Has a running node make a new key.
struct RotateKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Have a running validator make a new session key and ask the chain for it.",
        discussion: """
            The new key is in the node's keystore when this ends, and signs from the next validator \
            set on, when the chain has taken it; the old one signs until then. Prints the new public \
            key. (author_rotateKeys)
            """)

    @Option(help: ArgumentHelp("The node's JSON-RPC.", valueName: "http://host:port"))
    var url: String?

    @Option(help: "The port of its JSON-RPC on this machine.")
    var rpcPort: UInt16 = 9944

    func run() throws {
        let timeout = 30_000
        do {
            let node =
                url.map { OperatorRPC(url: $0, timeoutMilliseconds: timeout) }
                ?? OperatorRPC(port: rpcPort, timeoutMilliseconds: timeout)
            print(try node.rotateKeys())
        } catch {
            throw Failure(error)
        }
    }
}

/// Encrypts, decrypts, or changes the password of a keystore.
struct ChangePasswordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change-password",
        abstract: "Encrypt a keystore's files, change their password, or decrypt them.",
        discussion: """
            The node must not run. The present password is given with --password...; without it the \
            files are taken to be plain. If it is interrupted, give the same command again.

            Example, to encrypt a plain keystore:
              quantumharmony-node key change-password --base-path /var/lib/quantumharmony \\
                --new-password-filename /etc/quantumharmony/password
            """)

    @Option(help: ArgumentHelp("The new password.", valueName: "text"))
    var newPassword: String?

    @Option(help: ArgumentHelp("The file with the new password.", valueName: "path"))
    var newPasswordFilename: String?

    @Flag(help: "Ask for the new password.")
    var newPasswordInteractive = false

    @Flag(help: "Decrypt the files.")
    var plain = false

    @OptionGroup var chain: ChainOptions
    @OptionGroup var keystore: KeystoreOptions

    func validate() throws {
        let ways = [newPassword != nil, newPasswordFilename != nil, newPasswordInteractive, plain]
        guard ways.filter({ $0 }).count == 1 else {
            throw ValidationError(
                "Give one of --new-password-filename, --new-password-interactive, --new-password "
                    + "and --plain.")
        }
    }

    func run() throws {
        do {
            let folder = try KeystoreFolder(
                chain: chain.source, basePath: chain.folder, keystorePath: keystore.keystorePath)
            let old = try keystore.passwords.load()
            let new = try Terminal.password(
                newPassword, file: newPasswordFilename,
                question: newPasswordInteractive ? "New keystore password: " : nil)
            let count = try folder.changePassword(from: old, to: new)
            print("\(count) key files were \(plain ? "decrypted" : "encrypted").")
        } catch {
            throw Failure(error)
        }
    }
}
