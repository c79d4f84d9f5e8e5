internal import DequeModule
internal import NIOCore
internal import Primitives

/// Drives a deciding machine on the event loop: one input after the other, and the one timer that it
/// asked for last.
final class MachineDriver<Input> {
    private let swarm: SwarmLoop
    private var inputs: Deque<Input> = []
    private var isHandling = false
    private var isStopped = false
    private var timer: Scheduled<Void>?

    init(swarm: SwarmLoop) { self.swarm = swarm }

    /// Gives an input to `step`, which asks the machine and runs its effects. Effects cause inputs:
    /// those wait until the effects before them are run.
    func handle(_ input: Input, _ step: (Input) -> Void) {
        inputs.append(input)
        guard !isHandling, !isStopped else { return }
        isHandling = true
        while let input = inputs.popFirst() { step(input) }
        isHandling = false
    }

    /// Calls `wake` at that time, and not at the one that was set before.
    func setTimer(_ deadline: Instant, _ wake: @escaping () -> Void) {
        timer?.cancel()
        timer = swarm.isolatedLoop.scheduleTask(deadline: swarm.deadline(deadline)) {
            self.timer = nil
            wake()
        }
    }

    /// No input is handled and nothing wakes any more.
    func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
    }
}
