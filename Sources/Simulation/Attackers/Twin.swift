/// Two honest nodes with one key, neither of which knows of the other: what an operator gets who
/// copies a validator to a second machine. The network makes the attack.
struct Twin: Attacker {
    static let name = "twin"
    static let equivocates = true
}
