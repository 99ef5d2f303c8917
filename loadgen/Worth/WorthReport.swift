/// The result of `loadgen worth`: what `--json` writes.
struct WorthReport: Encodable, Sendable {
    /// More demand than a byte limit allows, with the pool and with `malloc`.
    struct Limit: Encodable, Sendable {
        let askedByteCount: Double
        /// The most that the pool ever had mapped.
        let mappedByteCount: Double
        let refusedCount: Double
        let mallocResidentByteCount: Double

        init(pooled: [String: Double], malloc: [String: Double]) {
            askedByteCount = pooled["askedByteCount"] ?? 0
            mappedByteCount = pooled["mappedByteCount"] ?? 0
            refusedCount = pooled["refusedCount"] ?? 0
            mallocResidentByteCount = malloc["residentByteCount"] ?? 0
        }
    }

    let rounds: Int
    let idleSeconds: Double
    let machine: Machine
    /// Where the file was that was read; nil where none is told.
    var fileSystem: String?
    var workloads: [Workload] = []
    var limits: [Limit] = []
    var problems: [String] = []

    init(rounds: Int, idleSeconds: Double, machine: Machine) {
        self.rounds = rounds
        self.idleSeconds = idleSeconds
        self.machine = machine
    }

    /// The pool beside the others; a read into registered memory also beside a plain one into the pool's.
    var rows: [SummaryRow] {
        workloads.flatMap { workload in
            workload.rows
                + (workload.kind == .directRead
                    ? [workload.row(beside: .pooled, isBest: false)].compactMap(\.self) : [])
        }
    }
}

/// What `loadgen worth` prints.
struct WorthText {
    let report: WorthReport
    let width: Int

    var text: String {
        let width = min(max(width, SummaryTable.widths.lowerBound), SummaryTable.widths.upperBound)
        let introduction = TextWrap.wrap(
            """
            The pool compared with malloc and with the best of the other allocators. Brackets hold the 95 % interval of \
            the ratio. Above 1, the pool is ahead.
            """, width: width)
        let kinds: [(Workload.Kind, String)] = [
            (.touchedBlock, "CPU time per get and return, with a byte written into each page:"),
            (
                .directRead,
                """
                CPU time per read past the page cache at queue depth 64\(report.fileSystem.map { ", on \($0)" } ?? ""): \
                “pool” is READ_FIXED into registered memory, “pooled” a plain READ into the pool's memory:
                """
            ),
            (
                .residentMemory,
                """
                Resident memory of two bursts of \(Format.byteCount(MemoryBurst.burstByteCount)) in blocks of \
                \(Format.byteCount(Worth.burstBlockByteCount)). A KiB stays allocated after every 64 blocks. The pool trims \
                memory that was idle for \(Format.decimal(MemoryBurst.trimSeconds, places: 0)) s, as the server does:
                """
            ),
        ]
        var text = introduction
        for (kind, title) in kinds {
            let rows = report.rows.filter { $0.kind == kind }
            guard !rows.isEmpty else { continue }
            text += "\n" + TextWrap.wrap(title, width: width) + SummaryTable(rows, width: width).text
        }
        let sentences = ([limit] + verdicts).compactMap(\.self)
        text += "\n" + sentences.map { TextWrap.wrap($0, width: width) }.joined()
        return text + "\n"
            + TextWrap.wrap(
                "\(Format.count(report.rounds, "round")), contenders taking turns. \(report.machine.text).",
                width: width)
    }

    /// Whether the limit held, by the pool's own high-water mark.
    private var limit: String? {
        guard let worst = report.limits.max(by: { $0.mappedByteCount < $1.mappedByteCount }),
            let malloc = Spread(report.limits.map(\.mallocResidentByteCount))
        else { return nil }
        let over = Int(worst.mappedByteCount) - Worth.limitByteCount
        return """
            Four threads asked for \(Quantity.bytes.text(worst.askedByteCount)) from a pool limited to \
            \(Format.byteCount(Worth.limitByteCount)). It refused \(Format.count(Int(worst.refusedCount), "block")) of 1 MiB \
            and mapped \(Quantity.bytes.text(worst.mappedByteCount)) at most: \
            \(over <= 0 ? "the limit held" : "\(Format.byteCount(over)) too many"). malloc has no limit and took \
            \(Quantity.bytes.text(malloc.median)).
            """
    }

    private var verdicts: [String] {
        let rows = report.rows.filter { $0.isBestOther || $0.other == .pooled }
        guard !rows.contains(where: { $0.verdict == .undecided }) else {
            return ["Fewer than \(RatioInterval.leastRoundCount) rounds can't tell a difference from chance."]
        }
        func names(_ verdict: Verdict) -> [String] {
            rows.filter { $0.verdict == verdict }.map { row in
                let name = row.other == .pooled ? "\(row.name) beside plain ones" : row.name
                return verdict == .noDifference
                    ? name : "\(name) (\(Format.significant(row.ratio?.ratio ?? 0)) times)"
            }
        }
        return [
            (Verdict.ahead, "Compared with the best of the others, the pool is ahead at"),
            (.noDifference, "It gains nothing at"), (.behind, "It is behind at"),
        ].compactMap { verdict, words in
            let names = names(verdict)
            return names.isEmpty ? nil : "\(words): \(Findings.list(names))."
        }
    }
}
