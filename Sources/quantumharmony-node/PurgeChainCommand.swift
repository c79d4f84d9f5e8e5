import ArgumentParser
import Foundation
import Node

/// Removes a chain's database, never its keys and sign log.
struct PurgeChainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge-chain",
        abstract: "Remove a chain's blocks and certificates; keys and sign log stay.",
        discussion: """
            The sign log says what this validator has signed. Without it the validator could sign \
            two contradicting votes, so no command of this program removes it.
            """)

    @OptionGroup var chain: ChainOptions

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() throws {
        do {
            guard let folder = chain.folder else {
                throw ValidationError("purge-chain needs --base-path.")
            }
            let purge = try ChainPurge(chain: chain.source, basePath: folder)
            guard purge.exists else {
                print("Nothing to remove: \(purge.path) does not exist.")
                return
            }
            if !yes {
                print("Remove \(purge.path)? [y/N] ", terminator: "")
                guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
                    print("Nothing was removed.")
                    return
                }
            }
            try purge.perform()
            print("Removed \(purge.path). Keys and sign log stay.")
        } catch let error as ValidationError {
            throw error
        } catch {
            throw Failure(error)
        }
    }
}
