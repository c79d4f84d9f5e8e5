import Chain
import Coherence
import Primitives
import SCALE

/// Block trees spelled in letters: `LetterChain("A B C", "A X Y")` has the chain A, B, C above
/// genesis and the fork X, Y on A. The names of one path are separated by spaces; a path begins at
/// genesis or at a name that was given before.
struct LetterChain: Sendable {
    let genesis: Header
    let state: ChainState
    private(set) var blocks: [String: Block] = [:]
    private(set) var names: [Hash256: String] = [:]
    /// Names in the order in which they were spelled.
    private(set) var order: [String] = []
    /// The states after hand-off blocks and their descendants.
    private var states: [String: ChainState] = [:]

    init(_ paths: String...) {
        do {
            let constants = try ChainConstants(
                specVersion: 1, chainID: "letters", slotDurationMilliseconds: 6_000,
                policy: .moreThanTwoThirds)
            (state, genesis) = try ChainState.genesis(
                constants: constants, validators: [Fixture.identity(0)])
        } catch {
            fatalError("the letters' chain is valid: \(error)")
        }
        names[genesis.hash] = "genesis"
        for path in paths { add(path) }
    }

    mutating func add(_ path: String) {
        var parent = genesis
        for (position, part) in path.split(separator: " ").enumerated() {
            let name = String(part)
            if let known = blocks[name] {
                precondition(position == 0 || known.header.parentHash == parent.hash)
                parent = known.header
                continue
            }
            let header = Header(
                parentHash: parent.hash, number: BlockNumber(parent.number.rawValue + 1),
                stateRoot: state.root, extrinsicsRoot: BLAKE2b256.hash(Array(name.utf8)),
                digest: [.preRuntime(.aura, SlotNumber(UInt64(order.count + 1)).scaleBytes)])
            blocks[name] = Block(header: header, extrinsics: [])
            names[header.hash] = name
            order.append(name)
            parent = header
        }
    }

    /// Makes a block hand over: it and its descendants have another state.
    mutating func handOver(at name: String, to state: ChainState) {
        states[name] = state
        for other in order {
            let parent = names[block(other).header.parentHash] ?? ""
            if let inherited = states[parent], states[other] == nil { states[other] = inherited }
        }
    }

    func block(_ name: String) -> Block {
        guard let block = blocks[name] else { fatalError("no block is called \(name)") }
        return block
    }

    /// A block by its name; "genesis" is genesis.
    func ref(_ name: String) -> BlockRef {
        name == "genesis" ? genesis.ref : block(name).ref
    }

    /// The target of a vote for a block, or of a nil vote for "nil".
    func target(_ name: String) -> VoteTarget {
        name == "nil" ? .nothing : VoteTarget(ref(name))
    }

    func name(_ hash: Hash256) -> String {
        hash == .zero ? "nil" : names[hash] ?? hash.short
    }

    var emptyTree: BlockTree { BlockTree(finalisedHeader: genesis, state: state) }

    /// A tree of the named blocks, which come parents first.
    func tree(_ names: String) -> BlockTree {
        var tree = emptyTree
        for name in names.split(separator: " ") { insert(String(name), into: &tree) }
        return tree
    }

    func insert(_ name: String, into tree: inout BlockTree) {
        do {
            _ = try tree.insert(
                block(name), state: states[name] ?? state, waivingSlotLimit: true)
        } catch {
            fatalError("block \(name) cannot be inserted: \(error)")
        }
    }
}
