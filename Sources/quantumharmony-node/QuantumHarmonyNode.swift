import ArgumentParser
import Node

/// The command line of the node.
@main
struct QuantumHarmonyNode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantumharmony-node",
        abstract: "A validator node that finalises blocks by Falcon-signed coherence votes.",
        discussion: """
            Without a subcommand the node runs. On the built-in chain 'local' Alice, Bob and \
            Charlie are the validators; two of them finalise. On 'dev' Alice is alone.

            Examples:
              quantumharmony-node --dev
              quantumharmony-node --alice --validator --base-path /tmp/alice --chain local \\
                --port 30333 --rpc-port 9944
              quantumharmony-node --bob --validator --base-path /tmp/bob --chain local \\
                --port 30334 --rpc-port 9945 \\
                --bootnodes /ip4/127.0.0.1/tcp/30333/p2p/<ALICE_PEER_ID>
            """,
        version: NodeVersion.text,
        subcommands: [
            RunCommand.self, KeyCommand.self, BuildSpecCommand.self, PurgeChainCommand.self,
            VerifyCertificateCommand.self, SignLogCommand.self, TestnetCommand.self,
            ExportBlocksCommand.self, ImportBlocksCommand.self, CheckBlockCommand.self,
            DoctorCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}
