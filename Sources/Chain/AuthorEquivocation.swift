package import Primitives

/// Two blocks of one author in one slot: each header bears the author's seal, so the pair proves
/// it.
package struct AuthorEquivocation: Sendable, Hashable {
    /// The slot.
    package let slot: SlotNumber
    /// The author.
    package let author: AccountID
    /// The header that was known first.
    package let first: Header
    /// The header that came later.
    package let second: Header

    package init(slot: SlotNumber, author: AccountID, first: Header, second: Header) {
        self.slot = slot
        self.author = author
        self.first = first
        self.second = second
    }
}
