import ArgumentParser
import Node

/// Writes a chain specification to standard output.
struct BuildSpecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build-spec",
        abstract: "Print a chain specification as JSON.",
        discussion: """
            Without --validators the built-in chain is printed; with it a local chain of that many \
            development validators (//Alice to //Ferdie, then //V7 and on), whose keys are public.

            Example:
              quantumharmony-node build-spec --validators 7 --slot-duration 1000 > chain.json
              quantumharmony-node --chain chain.json --suri //V7 --validator --tmp
            """)

    @Option(help: ArgumentHelp("The chain to print.", valueName: "dev|local|path"))
    var chain = "local"

    @Option(help: "Generate a local chain of that many development validators, 1 to 1000.")
    var validators: Int?

    @Option(help: ArgumentHelp("A slot's duration.", valueName: "milliseconds"))
    var slotDuration: UInt64?

    @Option(help: ArgumentHelp("The first round's time-out.", valueName: "milliseconds"))
    var roundTimeout: UInt32?

    @Option(help: ArgumentHelp("The longest round's time-out.", valueName: "milliseconds"))
    var maximumRoundTimeout: UInt32?

    @Option(help: "The quorum policy: twoThirds or moreThanTwoThirds.")
    var supermajority: String?

    @Option(
        help: ArgumentHelp(
            "Validator sets change every so many blocks; 0: never.", valueName: "blocks"))
    var sessionLength: UInt32?

    @Option(help: "The chain's id: ASCII letters, digits, '-' and '_'.")
    var id: String?

    @Option(help: "The kind of network: development, local or live.")
    var kind: String?

    func validate() throws {
        if let validators, !(1...1_000).contains(validators) {
            throw ValidationError("--validators takes 1 to 1000.")
        }
    }

    func run() throws {
        do {
            let text = try SpecificationBuilder(
                chain: chain, validatorCount: validators, slotDurationMilliseconds: slotDuration,
                roundTimeoutMilliseconds: roundTimeout,
                maximumRoundTimeoutMilliseconds: maximumRoundTimeout, supermajority: supermajority,
                sessionLength: sessionLength,
                id: id, kind: kind
            ).json()
            print(text)
        } catch {
            throw Failure(error)
        }
    }
}
