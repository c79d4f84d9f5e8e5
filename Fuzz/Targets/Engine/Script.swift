/// A row of steps as one input, for machines with state: each step is an operation, an operand and
/// a payload.
///
/// Encoding of a step: operation u8, operand u8, length u16 little-endian, payload. What is cut off
/// at the end counts as the payload of the last step, so that every byte string is a script.
package struct Script: Sendable, Hashable {
    /// One step.
    package struct Step: Sendable, Hashable {
        package var operation: UInt8
        package var operand: UInt8
        package var payload: [UInt8]

        package init(_ operation: UInt8, _ operand: UInt8 = 0, _ payload: [UInt8] = []) {
            self.operation = operation
            self.operand = operand
            self.payload = payload
        }
    }

    /// More steps than these are not run.
    package static let maximumStepCount = 256

    package var steps: [Step]

    package init(_ steps: [Step]) { self.steps = steps }

    package init(parsing bytes: [UInt8]) {
        var steps: [Step] = []
        var rest = bytes[...]
        while rest.count >= 4, steps.count < Self.maximumStepCount {
            let head = Array(rest.prefix(4))
            rest = rest.dropFirst(4)
            let count = Int(head[2]) | Int(head[3]) << 8
            steps.append(Step(head[0], head[1], Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        self.steps = steps
    }

    package var bytes: [UInt8] {
        steps.flatMap { step in
            let payload = step.payload.prefix(0xFFFF)
            return [
                step.operation, step.operand, UInt8(truncatingIfNeeded: payload.count),
                UInt8(payload.count >> 8),
            ] + payload
        }
    }
}
