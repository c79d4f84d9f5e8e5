/// Why a byte string is not a valid SCALE encoding of the type asked for.
///
/// Offsets are positions in the decoder's input, in bytes from its start.
public enum SCALEError: Error, Sendable, Equatable {
    /// The input ends before the value does: `needed` more bytes were wanted at `offset`.
    case truncated(offset: Int, needed: Int)
    /// Bytes are left over after a value that must fill the input.
    case trailingBytes(count: Int)
    /// A compact integer is not written in its shortest form.
    case nonCanonicalCompact(offset: Int)
    /// A compact integer does not fit the type it is decoded to.
    case outOfRange(offset: Int)
    /// A byte that must be 0 or 1 is something else.
    case invalidBool(offset: Int, byte: UInt8)
    /// An enum, `Option` or `Result` index that the type does not have.
    case invalidIndex(offset: Int, index: UInt8)
    /// A sequence announces more items than its bound or than the remaining bytes can hold.
    case tooManyItems(offset: Int, count: UInt64, limit: Int)
    /// A string is not valid UTF-8.
    case invalidUTF8(offset: Int)
    /// Values are nested deeper than the decoder's limit.
    case tooDeep(offset: Int)
    /// The bytes have the right form but not an allowed value.
    case invalidValue(offset: Int, reason: String)
}
