internal import Falcon
internal import Primitives
internal import Synchronization

/// Checks Falcon-1024 signatures of validators; their keys are decoded and transformed once per
/// set and kept for the sets used last.
final class FalconVerifier: SignatureVerifier {
    private typealias Keys = [FalconVerifyingKey?]

    private static let keptSets = 4
    private let cache = Mutex<[(setHash: Hash256, keys: Keys)]>([])

    init() {}

    func verify(
        _ signature: [UInt8], message: [UInt8], by index: ValidatorIndex, in set: ValidatorSet
    ) -> Bool {
        let position = Int(index.rawValue)
        let keys = keys(of: set)
        guard keys.indices.contains(position), let key = keys[position] else { return false }
        return key.verify(message: message, paddedSignature: signature)
    }

    func verify(_ signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard let key = try? FalconPublicKey(bytes: publicKey) else { return false }
        return FalconVerifyingKey(key).verify(message: message, paddedSignature: signature)
    }

    private func keys(of set: ValidatorSet) -> Keys {
        if let found = cache.withLock({ $0.first { $0.setHash == set.hash }?.keys }) {
            return found
        }
        let keys: Keys = set.validators.map { validator in
            (try? FalconPublicKey(bytes: validator.falconPublicKey)).map(FalconVerifyingKey.init)
        }
        cache.withLock { cache in
            guard !cache.contains(where: { $0.setHash == set.hash }) else { return }
            if cache.count >= Self.keptSets { cache.removeFirst() }
            cache.append((set.hash, keys))
        }
        return keys
    }
}
