import ArgumentParser
import Falcon
import KeyOptions
import Keystore
import Logging
import Node
import RemoteSigning
import Storage

/// Holds validators' keys apart from the nodes that use them, and signs each slot once.
@main
struct QuantumHarmonySigner: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantumharmony-signer",
        abstract: "Hold a validator's keys, and sign each slot once, whoever asks.",
        discussion: """
            Nodes of the same user reach it at a Unix socket (quantumharmony-node --signer \
            unix:PATH). What was signed stands in a log of its own: asked again for the same, it \
            gives the same signature; asked for something else in a slot, or for a slot below one \
            that was signed, it refuses. A node's operator may have it make a key (quantumharmony-node \
            key rotate).

            Example:
              quantumharmony-node key generate        # write the phrase down
              quantumharmony-node key insert --keystore-path /var/lib/signer/keys < phrase.txt
              quantumharmony-signer --keystore-path /var/lib/signer/keys \\
                --log-path /var/lib/signer/log --socket /run/signer.sock --init-sign-log
              quantumharmony-node --validator --signer unix:/run/signer.sock
            """,
        version: NodeVersion.text)

    @Option(help: ArgumentHelp("The folder of the keys.", valueName: "path"))
    var keystorePath: String

    @Option(help: ArgumentHelp("The folder of the log of what was signed.", valueName: "path"))
    var logPath: String

    @Option(help: ArgumentHelp("The socket to listen at.", valueName: "path"))
    var socket: String

    @Flag(
        help: ArgumentHelp(
            "State that these keys have never signed, and begin the log.",
            discussion: "Needed once. A false statement can fork the chain."))
    var initSignLog = false

    @OptionGroup var passwords: PasswordOptions

    func run() async throws {
        let control = LogControl(try LogFilter("info"))
        LoggingSystem.bootstrap { LineLogHandler(label: $0, control: control) }
        do {
            try await serve()
        } catch {
            throw SignerFailure(description: String(describing: error))
        }
    }

    private func serve() async throws {
        let logger = Logger(label: "signer")
        let keystore = try SessionKeystore(
            directory: keystorePath, password: try passwords.load())
        let desk = try SigningDesk(
            keystore, log: try SignerLog(directory: logPath, begins: initSignLog))
        let server = try SignerServer(path: socket, desk: desk)
        for name in desk.keyNames { logger.info("Signing with key \(name)") }
        logger.info("Listening at \(socket)")
        try await Interruption.run {
            try server.run()
        } stop: {
            server.shutdown()
        }
        try desk.close()
        logger.info("Stopped")
    }
}

/// An error as the command line shows it: one line of what happened, why, and what to do.
struct SignerFailure: Error, CustomStringConvertible {
    let description: String
}
