import ArgumentParser
import Node

/// Moves a validator's sign log.
struct SignLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign-log",
        abstract: "Move a validator's sign log from one machine to another.",
        discussion: """
            The sign log says what a validator has signed. A validator that moves takes its keys and \
            its newest sign log along, and never signs again where it was.
            """,
        subcommands: [ExportSignLogCommand.self, ImportSignLogCommand.self])
}

/// Whose sign log it is.
struct SignLogOptions: ParsableArguments {
    @OptionGroup var chain: ChainOptions

    @Option(
        help: ArgumentHelp(
            "The folder of the keys (default: keystore in the chain's folder).", valueName: "path"))
    var keystorePath: String?

    @Argument(help: "The file that the sign log travels in.")
    var file: String

    func move() throws -> SignLogMove {
        guard let folder = chain.folder else {
            throw ValidationError("sign-log needs --base-path.")
        }
        return try SignLogMove(
            chain: chain.source, basePath: folder, keystorePath: keystorePath)
    }
}

/// Ends signing here.
struct ExportSignLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "End signing here for good, and write the sign log to a file.",
        discussion: """
            The node must not run. From now on it follows without voting here. Take the file to the \
            other machine, import it there once, and delete it: imported twice, in two places, it \
            makes a validator that votes twice.
            """)

    @OptionGroup var options: SignLogOptions

    func run() throws {
        do {
            try options.move().export(to: options.file)
            print(
                "The sign log is in \(options.file). This machine does not sign any more; import "
                    + "the file on one other machine, once, and delete it.")
        } catch {
            throw Failure(error)
        }
    }
}

/// Begins signing here.
struct ImportSignLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take over a sign log that was exported on another machine.",
        discussion: """
            The node must not run, and its keystore must hold the validator's keys. A file that is \
            older than what there is, of another chain, or about other keys is refused.
            """)

    @OptionGroup var options: SignLogOptions

    func run() throws {
        do {
            try options.move().take(from: options.file)
            print("The sign log was taken over. Delete \(options.file), everywhere.")
        } catch {
            throw Failure(error)
        }
    }
}
