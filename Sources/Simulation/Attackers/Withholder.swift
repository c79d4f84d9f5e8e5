internal import Primitives
internal import Validator

/// Announces its blocks and votes for them, but gives nobody a block.
struct Withholder: Attacker {
    static let name = "withholder"
    let servesBlocks = false
}
