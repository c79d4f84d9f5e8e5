internal import Primitives

/// Makes a chain specification from command-line options and checks it by resolving it.
public struct SpecificationBuilder: Sendable {
    private let chain: String
    private let validatorCount: Int?
    private let slotDurationMilliseconds: UInt64?
    private let roundTimeoutMilliseconds: UInt32?
    private let maximumRoundTimeoutMilliseconds: UInt32?
    private let supermajority: String?
    private let sessionLength: UInt32?
    private let id: String?
    private let kind: String?

    /// - Parameters:
    ///   - chain: `dev`, `local` or a file's path; not looked at when a count is given.
    ///   - validatorCount: development validators of a generated chain.
    ///   - others: replace the specification's fields.
    public init(
        chain: String, validatorCount: Int? = nil, slotDurationMilliseconds: UInt64? = nil,
        roundTimeoutMilliseconds: UInt32? = nil, maximumRoundTimeoutMilliseconds: UInt32? = nil,
        supermajority: String? = nil, sessionLength: UInt32? = nil, id: String? = nil,
        kind: String? = nil
    ) {
        self.chain = chain
        self.validatorCount = validatorCount
        self.slotDurationMilliseconds = slotDurationMilliseconds
        self.roundTimeoutMilliseconds = roundTimeoutMilliseconds
        self.maximumRoundTimeoutMilliseconds = maximumRoundTimeoutMilliseconds
        self.supermajority = supermajority
        self.sessionLength = sessionLength
        self.id = id
        self.kind = kind
    }

    /// The specification's JSON text.
    ///
    /// - Throws: what is wrong with the options or the file.
    public func json() throws -> String {
        var specification: ChainSpecification
        if let validatorCount {
            specification = try .generated(validatorCount: validatorCount)
        } else {
            specification = try ChainSpecification.named(chain)
        }
        if let slotDurationMilliseconds {
            specification.slotDurationMilliseconds = slotDurationMilliseconds
        }
        if let roundTimeoutMilliseconds {
            specification.voting.baseMilliseconds = roundTimeoutMilliseconds
        }
        if let maximumRoundTimeoutMilliseconds {
            specification.voting.maximumMilliseconds = maximumRoundTimeoutMilliseconds
        }
        if let supermajority { specification.supermajority = supermajority }
        if let sessionLength { specification.sessionLengthBlocks = sessionLength }
        if let id { specification.id = id }
        if let kind {
            guard let known = ChainSpecification.Kind(rawValue: kind) else {
                throw ChainSpecification.Invalid.field(
                    "kind", why: "'\(kind)' is not development, local or live")
            }
            specification.kind = known
        }
        _ = try specification.resolve()
        return try specification.json()
    }
}

extension ChainSpecification {
    /// The built-in chain of that name, or the file's.
    static func named(_ chain: String) throws -> ChainSpecification {
        switch chain {
        case "dev": try dev()
        case "local": try local()
        default: try load(path: chain)
        }
    }
}
