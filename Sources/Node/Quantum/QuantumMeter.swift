internal import Coherence
import Foundation
internal import Logging
internal import NIOCore
internal import Primitives

/// Reads the quantum source again and again and judges what it says.
///
/// A source that fails or is silent for longer than `maximumAge` makes the validator abstain; when
/// it recovers, the validator votes again.
actor QuantumMeter {
    /// Where measurements come from.
    enum Source: Sendable {
        case simulated(SimulatedQuantumSource)
        case file(path: String)
        case http(HTTPDocumentFetch)
    }

    private let source: Source
    private let maximumAgeMilliseconds: UInt64
    private let group: any EventLoopGroup
    private let logger = Logger(label: "quantum")
    private var last: QuantumDocument?
    private var lastError: String?

    init(source: Source, maximumAgeMilliseconds: UInt64, group: any EventLoopGroup) {
        self.source = source
        self.maximumAgeMilliseconds = maximumAgeMilliseconds
        self.group = group
    }

    /// Measures at once and then every `interval`, until the task is cancelled.
    func run(
        every interval: Duration, _ report: @Sendable (QuantumMeasurement) async -> Void
    ) async {
        while !Task.isCancelled {
            await report(await measure())
            do { try await Task.sleep(for: interval) } catch { return }
        }
    }

    /// One measurement, judged.
    func measure() async -> QuantumMeasurement {
        do {
            last = try await read()
            if lastError != nil { logger.info("The quantum source answers again") }
            lastError = nil
        } catch {
            let text = String(describing: error)
            if text != lastError {
                logger.warning(
                    "The quantum source gave no measurement: \(text). The last one stays in use for \(maximumAgeMilliseconds) ms; then this validator abstains."
                )
            }
            lastError = text
        }
        return judge(NodeClock.unixMilliseconds())
    }

    private func judge(_ now: UInt64) -> QuantumMeasurement {
        guard let last else { return .unusable(.noMeasurement) }
        let measured = last.measuredAtUnixMilliseconds
        // A clock ahead of ours by less than the allowed age is tolerated.
        let distance = now > measured ? now - measured : measured - now
        guard distance <= maximumAgeMilliseconds else { return .unusable(.stale) }
        return QuantumMeasurement(judging: last.state)
    }

    private func read() async throws -> QuantumDocument {
        switch source {
        case .simulated(let simulated):
            return simulated.measure(unixMilliseconds: NodeClock.unixMilliseconds())
        case .file(let path):
            return try QuantumDocument.parse(try Self.contents(of: path))
        case .http(let fetch):
            return try QuantumDocument.parse(
                try await fetch.get(
                    maximumByteCount: QuantumDocument.maximumByteCount, timeout: .seconds(2),
                    group: group))
        }
    }

    private static func contents(of path: String) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? handle.close() }
        let limit = QuantumDocument.maximumByteCount + 1
        return [UInt8](try handle.read(upToCount: limit) ?? Foundation.Data())
    }
}

extension QuantumDocument {
    /// The measurement as votes carry it.
    var state: QuantumState {
        QuantumState(
            validProofs: validProofs, rejectedProofs: rejectedProofs, averageQBER: averageQBER,
            entropyPoolHash: Hash256(hex: entropyPoolHash) ?? .zero, reporterCount: reporterCount,
            minimumQBER: minimumQBER, maximumQBER: maximumQBER)
    }
}
