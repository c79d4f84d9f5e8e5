internal import SCALE

/// The messages of a kind that were decoded last: peers send each other's announcements and
/// transactions on as they are, and decoding one means hashing it.
struct RecentMessages<Message: SCALEDecodable & Sendable>: Sendable {
    /// Messages kept.
    static var limit: Int { 4 }
    /// Longer ones are not kept, so that little memory is held.
    static var byteLimit: Int { 8_192 }

    private var kept: [(bytes: [UInt8], message: Message)] = []
    private var next = 0

    /// The message that the bytes are; nil when they are none.
    mutating func decode(_ bytes: [UInt8]) -> Message? {
        if let known = kept.indices.first(where: { kept[$0].bytes == bytes }) {
            return kept[known].message
        }
        guard let message = try? SCALEDecoder.decode(Message.self, from: bytes) else { return nil }
        guard bytes.count <= Self.byteLimit else { return message }
        if kept.count < Self.limit {
            kept.append((bytes, message))
        } else {
            kept[next] = (bytes, message)
        }
        next = (next + 1) % Self.limit
        return message
    }
}
