/// What an implementation does wrong.
public struct ConformanceFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The implementation, as it names itself.
    public let implementation: String
    /// What it should do.
    public let check: String
    /// What it did.
    public let detail: String
    /// Runs the same check again, with the same inputs.
    public let seed: UInt64

    public var description: String {
        "\(implementation) fails \"\(check)\": \(detail) (seed \(seed))"
    }
}

/// What a check found, before it is known which check of whom that was.
struct Finding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Ends the check when the implementation does not do as it should.
func require(_ condition: Bool, _ finding: @autoclosure () -> String) throws(Finding) {
    if !condition { throw Finding(finding()) }
}

/// Runs what has to succeed.
func attempt<Value>(_ what: String, _ body: () throws -> Value) throws(Finding) -> Value {
    do { return try body() } catch { throw Finding("\(what): \(error)") }
}

/// Runs what has to fail.
func requireFailure(_ what: String, _ body: () throws -> Void) throws(Finding) {
    do { try body() } catch { return }
    throw Finding("\(what) succeeded")
}
