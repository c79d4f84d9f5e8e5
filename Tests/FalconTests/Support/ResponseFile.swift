import Falcon

/// The vectors of a response file of the NIST competition.
struct ResponseVector {
    var count = 0
    var seed: [UInt8] = []
    var message: [UInt8] = []
    var publicKey: [UInt8] = []
    var secretKey: [UInt8] = []
    var signedMessage: [UInt8] = []

    static func load(_ name: String) throws -> [ResponseVector] {
        var vectors: [ResponseVector] = []
        for line in String(decoding: try Vectors.contents(name), as: UTF8.self)
            .split(separator: "\n")
        {
            let parts = line.split(separator: " = ")
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "count": vectors.append(ResponseVector(count: Int(parts[1]) ?? -1))
            case "seed": vectors[vectors.count - 1].seed = Hex.decode(parts[1])
            case "msg": vectors[vectors.count - 1].message = Hex.decode(parts[1])
            case "pk": vectors[vectors.count - 1].publicKey = Hex.decode(parts[1])
            case "sk": vectors[vectors.count - 1].secretKey = Hex.decode(parts[1])
            case "sm": vectors[vectors.count - 1].signedMessage = Hex.decode(parts[1])
            default: break
            }
        }
        return vectors
    }
}

/// A key, a message and its padded signature, from the first known answer.
struct KnownSignature {
    let vector: ResponseVector
    let key: FalconVerifyingKey
    let signature: [UInt8]
    var message: [UInt8] { vector.message }

    init() throws {
        vector = try ResponseVector.load("falcon-padded-1024.first10.rsp")[0]
        key = FalconVerifyingKey(try FalconPublicKey(bytes: vector.publicKey))
        signature = Array(vector.signedMessage[..<Falcon1024.paddedSignatureByteCount])
    }
}
