import ArgumentParser
import Foundation
import Node

/// Makes and shows keys.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make, show, keep and rotate keys.",
        subcommands: [
            GenerateKeyCommand.self, InspectKeyCommand.self, InsertKeyCommand.self,
            RotateKeyCommand.self, ChangePasswordCommand.self, GenerateNodeKeyCommand.self,
            InspectNodeKeyCommand.self,
        ])
}

/// Makes a node key.
struct GenerateNodeKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate-node-key",
        abstract: "Make a node key; print its peer id to standard error.",
        discussion: """
            The key is 64 hexadecimal digits, to be kept secret: it goes to the file (mode 0600) or \
            to standard output. Pass it to the node with --node-key, or put it into the chain's \
            folder as network/secret_ed25519.
            """)

    @Option(help: "Write the key to this file, which must not exist.")
    var file: String?

    func run() throws {
        do {
            let key = try NodeKeyFile.generate(to: file)
            if let digits = key.digits { print(digits) }
            FileHandle.standardError.write(Foundation.Data((key.peerID + "\n").utf8))
        } catch {
            throw Failure(error)
        }
    }
}

/// Shows the peer id of a node key.
struct InspectNodeKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect-node-key", abstract: "Print the peer id of a node key.",
        discussion: "The key comes from the file, or from standard input.")

    @Option(help: "The file with the key: 64 hexadecimal digits.")
    var file: String?

    func run() throws {
        do {
            let handle =
                try file.map { try FileHandle(forReadingFrom: URL(filePath: $0)) }
                ?? FileHandle.standardInput
            let bytes = try handle.read(upToCount: 1_024) ?? Foundation.Data()
            print(try NodeKeyFile.peerID(ofDigits: String(decoding: bytes, as: UTF8.self)))
        } catch {
            throw Failure(error)
        }
    }
}
