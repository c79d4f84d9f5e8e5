import Foundation
internal import Chain
internal import Keystore
internal import Primitives

/// A chain specification as the JSON file has it: everything that decides the genesis block, and
/// how a node of the chain is run.
///
/// Accounts are SS58 or `0x` and 64 hexadecimal digits; Falcon keys are `0x` and 3,586 digits.
struct ChainSpecification: Codable, Equatable {
    /// The newest version of the chain's rules that this node knows.
    static let supportedSpecVersion: UInt32 = 1
    /// A specification file has at most this many bytes.
    static let maximumByteCount = 16 * 1024 * 1024

    struct Voting: Codable, Equatable {
        var baseMilliseconds: UInt32 = 500
        var growthNumerator: UInt32 = 3
        var growthDenominator: UInt32 = 2
        var maximumMilliseconds: UInt32 = 30_000
    }

    struct Validator: Codable, Equatable {
        var name: String?
        var account: String
        var falconPublicKey: String
    }

    enum Kind: String, Codable {
        case development, local, live
    }

    /// The chain's name for people.
    var name: String
    /// The chain's name for machines: part of the genesis state and of folder names.
    var id: String
    var kind: Kind
    var forkId: String?
    var specVersion: UInt32 = supportedSpecVersion
    var slotDurationMilliseconds: UInt64 = 6_000
    var voting = Voting()
    /// `twoThirds` or `moreThanTwoThirds`.
    var supermajority: String
    var validators: [Validator]
    var bootNodes: [String] = []

    /// What is wrong with a specification.
    enum Invalid: Error, Equatable, CustomStringConvertible {
        case unreadable(path: String, why: String)
        case tooLarge(path: String)
        case malformed(path: String, why: String)
        case field(String, why: String)
        case newerSpecVersion(UInt32)

        var description: String {
            switch self {
            case .unreadable(let path, let why):
                "cannot read the chain specification '\(path)': \(why). --chain takes dev, local or "
                    + "the path of a file made by build-spec."
            case .tooLarge(let path):
                "the chain specification '\(path)' is larger than \(maximumByteCount) bytes; this is "
                    + "no file that build-spec made."
            case .malformed(let path, let why):
                "the chain specification '\(path)' is not valid: \(why). Compare it with the output "
                    + "of build-spec."
            case .field(let field, let why):
                "the chain specification's field '\(field)' is not valid: \(why)."
            case .newerSpecVersion(let version):
                "the chain specification has version \(version), and this node knows up to "
                    + "\(supportedSpecVersion). Update the node."
            }
        }
    }

    /// Reads a file.
    static func load(path: String) throws(Invalid) -> ChainSpecification {
        let bytes: Foundation.Data
        do {
            bytes = try Foundation.Data(contentsOf: URL(filePath: path))
        } catch {
            throw .unreadable(path: path, why: error.localizedDescription)
        }
        return try read(bytes, path: path)
    }

    /// Reads what a file holds; errors name `path`.
    static func read(
        _ bytes: Foundation.Data, path: String
    ) throws(Invalid) -> ChainSpecification {
        guard bytes.count <= maximumByteCount else { throw .tooLarge(path: path) }
        do {
            return try JSONDecoder().decode(ChainSpecification.self, from: bytes)
        } catch DecodingError.keyNotFound(let key, let context) {
            throw .malformed(path: path, why: "\(Self.place(context)) lacks '\(key.stringValue)'")
        } catch DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context)
        {
            throw .malformed(path: path, why: "\(Self.place(context)) has a wrong type")
        } catch DecodingError.dataCorrupted(let context) {
            throw .malformed(
                path: path, why: "\(Self.place(context)): \(context.debugDescription)")
        } catch {
            throw .malformed(path: path, why: "it cannot be decoded")
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
        return path.isEmpty ? "the document" : "'\(path.joined(separator: "."))'"
    }

    /// The JSON text, with sorted keys.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The constants and validators that the pure modules need.
    func resolve() throws(Invalid) -> ResolvedChain {
        guard specVersion <= Self.supportedSpecVersion else {
            throw .newerSpecVersion(specVersion)
        }
        guard specVersion >= 1 else { throw .field("specVersion", why: "versions begin with 1") }
        guard
            id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        else {
            throw .field("id", why: "it may contain ASCII letters, digits, '-' and '_' only")
        }
        guard let policy = QuorumPolicy(name: supermajority) else {
            throw .field(
                "supermajority", why: "'\(supermajority)' is not twoThirds or moreThanTwoThirds")
        }
        guard (100...3_600_000).contains(slotDurationMilliseconds) else {
            throw .field("slotDurationMilliseconds", why: "a slot lasts 100 ms to an hour")
        }
        guard
            let timings = VotingTimings(
                baseMilliseconds: voting.baseMilliseconds,
                growthNumerator: voting.growthNumerator,
                growthDenominator: voting.growthDenominator,
                maximumMilliseconds: voting.maximumMilliseconds)
        else { throw .field("voting", why: "1 <= base <= maximum and growth >= 1 must hold") }
        let parameters: ChainParameters
        do {
            parameters = try ChainParameters(
                specVersion: specVersion, chainID: id, forkID: forkId,
                slotDurationMilliseconds: slotDurationMilliseconds, votingTimings: timings,
                policy: policy, kind: networkKind)
        } catch {
            throw .field(
                "id",
                why:
                    "chain and fork ids have 1 to \(ChainConstants.maximumIdentifierByteCount) bytes"
            )
        }
        return try ResolvedChain(name: name, parameters: parameters, validators: identities())
    }

    private var networkKind: NetworkKind {
        switch kind {
        case .development: .development
        case .local: .local
        case .live: .live
        }
    }

    private static func account(_ text: String, field: String) throws(Invalid) -> AccountID {
        if text.hasPrefix("0x"), let account = [UInt8](hex: text).flatMap({ AccountID($0) }) {
            return account
        }
        do throws(SS58Error) {
            return try SS58Address(text).account
        } catch {
            throw .field(field, why: "'\(text)' is no account: \(error)")
        }
    }

    private func identities() throws(Invalid) -> [ValidatorIdentity] {
        var identities: [ValidatorIdentity] = []
        for (position, validator) in validators.enumerated() {
            let field = "validators.\(position)"
            let account = try Self.account(validator.account, field: "\(field).account")
            guard let key = [UInt8](hex: validator.falconPublicKey),
                let identity = ValidatorIdentity(account: account, falconPublicKey: key)
            else {
                throw .field(
                    "\(field).falconPublicKey", why: "a key has 1,793 bytes in hexadecimal")
            }
            identities.append(identity)
        }
        return identities
    }
}

/// A chain specification made usable: parameters, genesis state and genesis block.
struct ResolvedChain: Sendable {
    let name: String
    let parameters: ChainParameters
    let genesisState: ChainState
    let genesisHeader: Header

    var genesisHash: Hash256 { genesisHeader.hash }
    var set: ValidatorSet { genesisState.activeSet }

    init(
        name: String, parameters: ChainParameters, validators: [ValidatorIdentity]
    ) throws(ChainSpecification.Invalid) {
        self.name = name
        self.parameters = parameters
        do {
            (genesisState, genesisHeader) = try ChainState.genesis(
                parameters: parameters, validators: validators)
        } catch {
            throw .field("validators", why: Self.reason(error))
        }
    }

    private static func reason(_ error: ValidatorSet.Invalid) -> String {
        switch error {
        case .empty: "a chain needs at least one validator"
        case .tooLarge(let count):
            "\(count) validators; a set has at most \(ValidatorSet.maximumCount)"
        case .duplicateAccount(let account): "the account \(account) occurs twice"
        case .duplicateKey(let first, let second):
            "\(first) and \(second) have the same Falcon key"
        }
    }
}
