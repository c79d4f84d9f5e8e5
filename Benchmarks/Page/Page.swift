/// docs/benchmarks.md, written from results and nothing else.
struct Page {
    let results: Results
    private let targets: [Target]

    init(_ results: Results, _ targets: [Target]) {
        self.results = results
        self.targets = targets
    }

    var text: String {
        let parts = [
            introduction, targetTable, falcon, latency, finality, attack, traffic, gossip, memory,
            recovery, transport, streams, rpc, conditions,
        ]
        return parts.compactMap(\.self).joined(separator: "\n\n") + "\n"
    }

    private var introduction: String {
        let machine = results.machine
        return """
            # Benchmarks

            Written by `scripts/benchmark`; do not edit. The numbers are those of \
            `Benchmarks/results/latest.json`, which the same command measured:

            | machine | |
            |---|---|
            | processor | \(machine.processor), \(machine.coreCount) cores |
            | memory | \(machine.memoryGigabytes) GB |
            | system | \(machine.system), Linux \(machine.kernel) |
            | compiler | \(machine.swift), `-c release` |

            Validators are processes of the shipped program on loopback, each connected to every \
            other one, with their databases on the same disk; they and the measuring program share \
            the cores. p50 and p99 are nearest-rank quantiles of all values, outliers included; the \
            first blocks after the start are not measured, and votes sent in the last 0.4 s of a \
            measurement are left out because some are under way still.
            """
    }

    private var targetTable: String {
        var lines = [
            "## Numbers that must hold", "",
            "The plan's targets pass or fail, and the command's exit status with them; ours are "
                + "reported with the gap.", "",
            "| what | the plan's target | measured | | our target | measured | |",
            "|---|---|---|---|---|---|---|",
        ]
        for target in targets {
            let plan = target.plan.map {
                "\($0.demand) | \($0.measured) | \($0.isMet ? "pass" : "**FAIL**")"
            }
            let ours = target.ours.map {
                "\($0.demand) | \($0.measured) | \($0.isMet ? "met" : "**missed**")"
            }
            lines.append(
                "| \(target.subject) | \(plan ?? "- | - | -") | "
                    + "\(ours ?? "\(target.ourDemand) | not measured | -") |")
        }
        return lines.joined(separator: "\n")
    }

    /// When each part was measured, and what else the machine did.
    private var conditions: String {
        var lines = [
            "## When and how", "",
            "`scripts/benchmark` measures everything; `scripts/benchmark --only SECTION ...` some "
                + "of it, keeping the rest; `scripts/benchmark --quick` takes three minutes and "
                + "writes nothing.", "",
            "| section | begun (UTC) | took | load average before | commit |",
            "|---|---|---|---|---|",
        ]
        func add<Figures>(_ section: Section, _ measured: Measured<Figures>?) {
            guard let measured else {
                lines.append("| \(section.rawValue) | not measured | - | - | - |")
                return
            }
            lines.append(
                Format.row(
                    section.rawValue, measured.date, Format.seconds(measured.seconds),
                    Format.number(measured.loadAverageBefore), measured.commit))
        }
        add(.falcon, results.falcon)
        add(.transport, results.transport)
        add(.streams, results.streams)
        add(.latency, results.latency)
        add(.attack, results.attack)
        add(.slowDisk, results.slowDisk)
        add(.fourValidators, results.fourValidators)
        add(.wideArea, results.wideArea)
        add(.traffic, results.traffic)
        add(.gossip, results.gossip)
        add(.restart, results.restart)
        add(.partition, results.partition)
        add(.rpc, results.rpc)
        return lines.joined(separator: "\n")
    }
}

extension Page {
    private var falcon: String? {
        guard let figures = results.falcon?.figures else { return nil }
        func row(_ name: String, _ ours: Distribution, _ theirs: Distribution) -> String {
            Format.row(
                name, Format.microseconds(ours.p50), Format.microseconds(ours.mean),
                Format.microseconds(theirs.p50), Format.microseconds(theirs.mean),
                Format.number(theirs.p50 / ours.p50))
        }
        return """
            ## Falcon-1024

            One thread, fresh random bytes for every signature, \(figures.verifyPrepared.count) \
            messages as long as what a vote's signature covers, \(figures.keygen.count) keys, keys \
            and messages in turn. pqcrypto \(figures.pqcryptoVersion) (PQClean's portable code) \
            signs and verifies the same messages under the same keys in a Python process of its own, \
            which times each call; both had their turn \(figures.turnCount) times.

            | operation | p50 | mean | pqcrypto p50 | pqcrypto mean | pqcrypto / ours, p50 |
            |---|---|---|---|---|---|
            \(row("key generation", figures.keygen, figures.pqcryptoKeygen))
            \(row("sign, padded form", figures.sign, figures.pqcryptoSign))
            \(row("verify, key prepared (as votes are)", figures.verifyPrepared, figures.pqcryptoVerify))
            \(row("verify, from the encoded key", figures.verifyUnprepared, figures.pqcryptoVerify))

            Other implementations, not measured in this run, to compare orders of magnitude with. Those \
            run by us ran earlier on an Intel Emerald Rapids VM, about 3.1 GHz, one core, medians.

            | implementation | source | key generation | sign | verify |
            |---|---|---|---|---|
            | Falcon, the authors' optimised code | falcon-sign.info and NIST's pqc-forum | - \
            | 790,000 cycles | 158,000 cycles |
            | PQClean AVX2, liboqs | run by us | 16-18 ms | 413-446 µs | 80-83 µs |
            | Falcon round 3, the authors' AVX2 code | run by us | 15-20 ms \
            | 362 µs, 208 µs with an expanded key | 41.5 µs |
            | c-fn-dsa in its original-Falcon mode | run by us | 12 ms | 377-440 µs | 27.9 µs |
            """
    }

    private var latency: String? {
        guard let measured = results.latency?.figures else { return nil }
        let figures = measured.finality
        return """
            ## Votes and the disk, three validators

            Slots of \(figures.slotMilliseconds) ms, \(figures.blockCount) blocks, \
            \(Format.count(figures.voteCount)) votes timed at \
            \(Format.count(figures.propagation.count)) receivers. A vote's way begins when the sender \
            hands it to its network queues, before the socket write, and ends when the receiver has \
            verified its signature and counted it; one monotonic clock serves all processes. \
            \(Format.count(figures.uncountedCount)) further pairs of vote and receiver have no time: \
            the round was decided there before.

            | | p50 | p99 | longest |
            |---|---|---|---|
            | vote propagation | \(Format.cells(figures.propagation, Format.milliseconds)) |
            | block import to certificate | \(Format.cells(figures.importToFinality, Format.milliseconds)) |
            | start of the slot to certificate | \(Format.cells(figures.slotToFinality, Format.milliseconds)) |
            | disk: 4 KiB overwritten and fdatasync, one program alone | \(Format.cells(measured.diskSync, Format.milliseconds)) |

            The nodes' \(Format.count(figures.commitCount)) commits, each with one synchronisation of \
            the disk, took \(Format.milliseconds(figures.signLogCommitMean)) (sign log) and \
            \(Format.milliseconds(figures.chainCommitMean)) (blocks and certificates) in the mean, \
            \(Format.milliseconds(figures.longestCommit)) at most.
            """
    }

    private var finality: String? {
        var rows: [String] = []
        func add(_ name: String, _ figures: FinalityFigures?) {
            guard let figures else { return }
            let slot = figures.slotToFinality
            rows.append(
                Format.row(
                    name, "\(figures.blockCount)",
                    Format.cells(figures.importToFinality, Format.milliseconds),
                    Format.milliseconds(slot.p50), Format.milliseconds(slot.p99),
                    Format.milliseconds(figures.propagation.p99),
                    Format.milliseconds(figures.signLogCommitMean),
                    "\(figures.additionalRounds)"))
        }
        add("three validators", results.latency?.figures.finality)
        let slow = results.slowDisk?.figures
        add("three, \(slow?.addedMilliseconds ?? 0) ms added to each fsync", slow?.finality)
        add("four", results.fourValidators?.figures.all)
        add("three of four (one killed)", results.fourValidators?.figures.oneCrashed)
        let wide = results.wideArea?.figures
        let trip = wide?.roundTripMilliseconds ?? 0
        add("four, \(trip) ms round trip, slots of 1 s", wide?.finality)
        guard !rows.isEmpty else { return nil }
        return """
            ## Finality

            Each block at each node: from its import to its certificate, and from the start of its \
            slot, which has 500 ms where nothing else is said. The longer round trip is made by relays that hold every byte of every connection \
            back, half of it each way. The longer fsync is made by a library loaded into all nodes. \
            A vote leaves only when the disk has it, and a block counts as final here only when its \
            certificate is on the disk.\(diskSentence)

            | network | blocks | p50 | p99 | longest | from slot p50 | p99 | votes p99 | sign log commit | additional rounds |
            |---|---|---|---|---|---|---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }

    /// What the slower disk tells about the number of synchronisations on the way to finality.
    private var diskSentence: String {
        guard let slow = results.slowDisk?.figures, let fast = results.latency?.figures.finality
        else { return "" }
        let cost = slow.finality.importToFinality.p50 - fast.importToFinality.p50
        return " \(slow.addedMilliseconds) ms more for each synchronisation cost "
            + "\(Format.milliseconds(cost)) at p50: as much as "
            + "\(Format.number(cost / Double(slow.addedMilliseconds))) of them one after the other."
    }

    private var attack: String? {
        guard let figures = results.attack?.figures else { return nil }
        func row(_ name: String, _ figures: FinalityFigures) -> String {
            Format.row(
                name, "\(figures.blockCount)",
                Format.cells(figures.importToFinality, Format.milliseconds),
                Format.milliseconds(figures.propagation.p99))
        }
        let quiet = figures.quiet.importToFinality
        let harassed = figures.harassed.importToFinality
        let attacked = figures.attacked.importToFinality
        let rate =
            Double(figures.attackCount)
            / Double(figures.attacked.blockCount * figures.attacked.slotMilliseconds) * 1_000
        return """
            ## Under attack

            One attacker after the other, at each of three validators in turn, each \
            with \(Format.count(figures.votesPerAttack)) invalid votes (bad signatures, unknown \
            voters, wrong blocks and heights, garbage) as fast as the node takes them: first one a \
            block, then without a pause, \(figures.attackCount) of them, \
            \(Format.number(rate)) a second, who run on the same cores. At most \
            \(figures.mostVerified) signatures of one attacker were verified; all were banned, after \
            \(Format.milliseconds(figures.longestPatience)) at most.

            | block import to certificate | blocks | p50 | p99 | longest | votes p99 |
            |---|---|---|---|---|---|
            \(row("quiet", figures.quiet))
            \(row("one attacker a block", figures.harassed))
            | ... / quiet | | \(Format.number(harassed.p50 / quiet.p50)) | \
            \(Format.number(harassed.p99 / quiet.p99)) | \
            \(Format.number(harassed.maximum / quiet.maximum)) | |
            \(row("attackers without a pause", figures.attacked))
            | ... / quiet | | \(Format.number(attacked.p50 / quiet.p50)) | \
            \(Format.number(attacked.p99 / quiet.p99)) | \
            \(Format.number(attacked.maximum / quiet.maximum)) | |
            """
    }
}
