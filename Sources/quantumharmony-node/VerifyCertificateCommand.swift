import ArgumentParser
import Foundation
import Node

/// Verifies a finality certificate without a running node.
struct VerifyCertificateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-certificate",
        abstract: "Verify a finality certificate against a chain's validator set, offline.",
        discussion: """
            The input is the answer of coherence_proveFinality, or the certificate in hexadecimal \
            digits; from a file, or from standard input. The exit status tells.

            Example:
              curl -s -H 'content-type: application/json' localhost:9944 -d \\
                '{"jsonrpc":"2.0","id":1,"method":"coherence_proveFinality","params":[10]}' \\
                | quantumharmony-node verify-certificate --chain local

            A certificate of a later set is checked from the first set on, with the answers of \
            coherence_handOffs (parameter: the set's id, 0 first) in --hand-offs.
            """)

    @Option(help: ArgumentHelp("The chain.", valueName: "dev|local|path"))
    var chain = "local"

    @Option(help: ArgumentHelp("Answers of coherence_handOffs, in order.", valueName: "file"))
    var handOffs: [String] = []

    @Argument(help: "The file (default: standard input).")
    var file: String?

    func run() throws {
        do {
            let handle =
                try file.map { try FileHandle(forReadingFrom: URL(filePath: $0)) }
                ?? FileHandle.standardInput
            let limit = CertificateVerification.maximumByteCount + 1
            let bytes = try handle.read(upToCount: limit) ?? Foundation.Data()
            let text = String(decoding: bytes, as: UTF8.self)
            let proofs = try handOffs.map { try String(contentsOfFile: $0, encoding: .utf8) }
            print(
                try CertificateVerification(chain: chain, text: text, handOffs: proofs).report())
        } catch {
            throw Failure(error)
        }
    }
}
