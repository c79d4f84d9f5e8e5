internal import Crypto

/// An encrypted connection after its Noise handshake: plaintext in, records out, and back (libp2p
/// noise specification, "Wire format").
///
/// A record is two bytes of length, high byte first, and a Noise message of 16 to 65,535 bytes.
/// Records carry no meaning beyond their bytes: a record may hold half a frame of the layer above,
/// or nothing at all.
public struct SecuredChannel: Sendable {
    /// The most bytes of plaintext in a record.
    public static let maximumPlaintextByteCount = 65_519
    /// The most records without content in a row: they are legal, but cost work.
    public static let maximumEmptyRecordCount = 256
    /// The bytes that a record is longer than its plaintext.
    public static let recordOverhead = 2 + NoiseCipherState.tagByteCount

    private var sending: NoiseCipherState
    private var receiving: NoiseCipherState
    private var failure: NoiseError?
    private var emptyRecordCount = 0
    /// The first byte of a length whose second byte has not arrived.
    private var lengthHighByte: UInt8?
    /// The length of the record that is arriving.
    private var recordByteCount: Int?
    /// The nonce and what arrived of the record. One buffer for all records.
    private var record: [UInt8] = []

    init(sending: NoiseCipherState, receiving: NoiseCipherState) {
        self.sending = sending
        self.receiving = receiving
    }

    /// A channel with known keys of 32 bytes whose next records have the given number: for tests
    /// and measurements.
    package init(sendingKey: [UInt8], receivingKey: [UInt8], recordNumber: UInt64 = 0) {
        precondition(sendingKey.count == 32 && receivingKey.count == 32)
        sending = NoiseCipherState(key: SymmetricKey(data: sendingKey), counter: recordNumber)
        receiving = NoiseCipherState(key: SymmetricKey(data: receivingKey), counter: recordNumber)
    }

    /// Takes bytes from the peer and appends the content of every record that is complete by now.
    ///
    /// An error is final and is thrown again by every later call; what came before it has been
    /// appended.
    public mutating func open(
        _ bytes: Span<UInt8>, into plaintext: inout [UInt8]
    ) throws(NoiseError) {
        if let failure { throw failure }
        do {
            try bytes.withUnsafeBufferPointer { buffer throws(NoiseError) in
                try open(buffer, into: &plaintext)
            }
        } catch {
            failure = error
            record = []
            throw error
        }
    }

    /// Takes bytes from the peer and returns the content of every record that is complete by now.
    public mutating func open(_ bytes: [UInt8]) throws(NoiseError) -> [UInt8] {
        var plaintext: [UInt8] = []
        try open(bytes.span, into: &plaintext)
        return plaintext
    }

    /// Takes bytes from the peer and returns what came before the error, and the error.
    mutating func openAvailable(_ bytes: [UInt8]) -> (plaintext: [UInt8], failure: NoiseError?) {
        var plaintext: [UInt8] = []
        do {
            try open(bytes.span, into: &plaintext)
            return (plaintext, nil)
        } catch {
            return (plaintext, error)
        }
    }

    private mutating func open(
        _ bytes: UnsafeBufferPointer<UInt8>, into plaintext: inout [UInt8]
    ) throws(NoiseError) {
        var rest = bytes[...]
        while true {
            guard let byteCount = recordByteCount else {
                guard let byte = rest.popFirst() else { return }
                try takeLengthByte(byte)
                continue
            }
            let missing = byteCount - (record.count - NoiseCipherState.nonceByteCount)
            let arrived = rest.prefix(missing)
            record.append(contentsOf: UnsafeBufferPointer(rebasing: arrived))
            rest = rest.dropFirst(arrived.count)
            guard arrived.count == missing else { return }
            try openRecord(into: &plaintext)
        }
    }

    private mutating func takeLengthByte(_ byte: UInt8) throws(NoiseError) {
        guard let high = lengthHighByte else {
            lengthHighByte = byte
            return
        }
        let byteCount = Int(high) << 8 | Int(byte)
        guard byteCount >= NoiseCipherState.tagByteCount else {
            throw .messageTooShort(byteCount: byteCount)
        }
        lengthHighByte = nil
        recordByteCount = byteCount
        record.removeAll(keepingCapacity: true)
        receiving.appendNonce(to: &record)
    }

    private mutating func openRecord(into plaintext: inout [UInt8]) throws(NoiseError) {
        try receiving.open(record, into: &plaintext)
        let isEmpty = recordByteCount == NoiseCipherState.tagByteCount
        recordByteCount = nil
        emptyRecordCount = isEmpty ? emptyRecordCount + 1 : 0
        guard emptyRecordCount <= Self.maximumEmptyRecordCount else { throw .tooManyEmptyRecords }
    }

    /// Encrypts plaintext of any length into as few records as possible and appends them; nothing
    /// for no plaintext.
    ///
    /// Throws `nonceExhausted` after 2^64 - 1 records, and nothing else.
    public mutating func seal(
        _ plaintext: Span<UInt8>, into output: inout [UInt8]
    ) throws(NoiseError) {
        try seal(plaintext) { output.append(contentsOf: $0) }
    }

    /// Encrypts plaintext of any length into as few records as possible and gives them out part by
    /// part, for whoever keeps them in something else than an array.
    ///
    /// Throws `nonceExhausted` after 2^64 - 1 records, and nothing else.
    public mutating func seal(
        _ plaintext: Span<UInt8>, append: (UnsafeRawBufferPointer) -> Void
    ) throws(NoiseError) {
        try plaintext.withUnsafeBytes { buffer throws(NoiseError) in
            var rest = buffer[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(
                    rebasing: rest.prefix(Self.maximumPlaintextByteCount))
                rest = rest.dropFirst(part.count)
                let length = UInt16(part.count + NoiseCipherState.tagByteCount)
                withUnsafeBytes(of: length.bigEndian, append)
                try sending.seal(part, append: append)
            }
        }
    }

    /// Encrypts plaintext of any length into as few records as possible and appends them.
    public mutating func seal(
        _ plaintext: [UInt8], into output: inout [UInt8]
    ) throws(NoiseError) {
        try seal(plaintext.span, into: &output)
    }
}
