public import LibP2P
internal import Networking

/// A stream of bytes to a peer. Reading and writing wait as the peer and the network demand, so
/// memory stays bounded: the peer may send 256 KiB beyond what was read, 1 MiB once so much has
/// been read, and a writer waits when some 200 KiB have not gone out. One task may read while
/// another one writes.
///
/// When the last reference goes, a finished stream still sends what was written and discards what
/// comes; any other one is cut off.
public struct HostStream: Sendable {
    private let stream: NetworkStream

    init(_ stream: NetworkStream) { self.stream = stream }

    /// The peer.
    public var peer: PeerID { stream.peer }
    /// The protocol that was agreed.
    public var protocolName: String { stream.protocolName }

    /// The next bytes, as they came; nil at the end of the peer's direction. Throws `finished` when
    /// the task is cancelled.
    public func read() async throws(HostStreamError) -> [UInt8]? {
        do throws(StreamError) { return try await stream.read() } catch {
            throw HostStreamError(error)
        }
    }

    /// Exactly so many bytes, at least zero. Throws `finished` when the peer ends before.
    public func read(exactly count: Int) async throws(HostStreamError) -> [UInt8] {
        do throws(StreamError) { return try await stream.read(exactly: count) } catch {
            throw HostStreamError(error)
        }
    }

    /// All bytes up to the end of the peer's direction. Throws `tooLong`, and cuts the stream off,
    /// when there are more than `limit`.
    public func readToEnd(atMost limit: Int) async throws(HostStreamError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let more = try await read() {
            guard bytes.count + more.count <= limit else {
                reset()
                throw .tooLong(limit: limit)
            }
            bytes += more
        }
        return bytes
    }

    /// Sends bytes: returns when they are in the stream's bounded buffers, not when the peer has
    /// them. Throws `finished` behind `finish`, or when the task is cancelled.
    public func write(_ bytes: [UInt8]) async throws(HostStreamError) {
        do throws(StreamError) { try await stream.write(bytes) } catch {
            throw HostStreamError(error)
        }
    }

    /// Ends this side's direction behind what was written; the peer's stays open.
    public func finish() { stream.finish() }

    /// Cuts the stream off in both directions; what was written and is not sent is lost.
    public func reset() { stream.reset() }
}
