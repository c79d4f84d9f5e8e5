/// Bytes that arrived and are not yet consumed: a flat array with a moving start, so that taking
/// from the front costs no move of the rest.
package struct ReceiveBuffer: Sendable {
    private var storage: [UInt8] = []
    private var start = 0
    /// An emptied buffer larger than this gives its memory back.
    private static let retainedCapacity = 16 * 1024

    package init() {}

    /// The number of bytes that wait.
    package var count: Int { storage.count - start }
    package var isEmpty: Bool { start == storage.count }

    /// The bytes that wait. Do not keep the slice over a mutation: that would copy the storage.
    package var unread: ArraySlice<UInt8> { storage[start...] }

    /// Takes more bytes.
    package mutating func append(_ bytes: ArraySlice<UInt8>) {
        if start > 0, start >= storage.count - start {
            storage.removeFirst(start)
            start = 0
        }
        storage.append(contentsOf: bytes)
    }

    /// Drops bytes from the front; `byteCount` is at most `count`.
    package mutating func consume(_ byteCount: Int) {
        precondition(byteCount >= 0 && byteCount <= count)
        start += byteCount
        if start == storage.count {
            storage.removeAll(keepingCapacity: storage.capacity <= Self.retainedCapacity)
            start = 0
        }
    }

    /// Takes bytes from the front; `byteCount` is at most `count`.
    package mutating func take(_ byteCount: Int) -> [UInt8] {
        precondition(byteCount >= 0 && byteCount <= count)
        let bytes = Array(storage[start..<start + byteCount])
        consume(byteCount)
        return bytes
    }

    /// Takes all bytes.
    package mutating func takeAll() -> [UInt8] {
        defer { self = ReceiveBuffer() }
        return start == 0 ? storage : Array(storage[start...])
    }
}
