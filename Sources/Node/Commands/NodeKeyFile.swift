import Foundation
internal import Keystore
internal import LibP2P
internal import Primitives

/// Node keys as the command line makes and shows them.
public enum NodeKeyFile {
    /// A new key: its peer id, and its digits when they did not go to a file.
    public struct Generated: Sendable {
        public let peerID: String
        public let digits: String?
    }

    /// Why a text is no key.
    public enum Invalid: Error, Equatable, CustomStringConvertible {
        case notAKey
        case exists(path: String)
        case unwritable(path: String, why: String)

        public var description: String {
            switch self {
            case .notAKey: "this is no node key: 64 hexadecimal digits are expected."
            case .exists(let path): "'\(path)' exists; it is not overwritten."
            case .unwritable(let path, let why): "cannot write '\(path)': \(why)."
            }
        }
    }

    /// Makes a key; writes it to a file of mode 0600 if a path is given.
    public static func generate(to path: String?) throws -> Generated {
        var generator = SystemRandomNumberGenerator()
        let seed = (0..<NodeIdentity.seedByteCount).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        let digits = seed.hex
        guard let identity = NodeKey.identity(hex: digits) else { throw Invalid.notAKey }
        if let path { try write(Foundation.Data((digits + "\n").utf8), to: path) }
        return Generated(
            peerID: "\(identity.peerID)", digits: path == nil ? digits : nil)
    }

    /// The peer id of a key.
    public static func peerID(ofDigits text: String) throws -> String {
        let digits = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard let identity = NodeKey.identity(hex: digits) else { throw Invalid.notAKey }
        return "\(identity.peerID)"
    }

    /// Writes a file of mode 0600 that must not exist; it is on the disk when this returns.
    static func write(_ content: Foundation.Data, to path: String) throws(Invalid) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { throw .exists(path: path) }
            throw .unwritable(path: path, why: String(cString: strerror(errno)))
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: content)
            try handle.synchronize()
        } catch {
            throw .unwritable(path: path, why: error.localizedDescription)
        }
    }
}
