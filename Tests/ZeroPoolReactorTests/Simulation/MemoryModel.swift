/// When a reactor looks for idle memory, by books of its own.
struct MemoryModel {
    private let trimSeconds: Double
    private let trace: SimulationTrace
    private var isTimerSet = false
    /// Events but of timers since the timer was set, or since memory came to rest.
    private var eventCount = 0
    private(set) var trimCount = 0
    private(set) var restCount = 0

    init(trimSeconds: Double, trace: SimulationTrace) {
        self.trimSeconds = trimSeconds
        self.trace = trace
    }

    private func require(_ isRight: Bool, _ rule: StaticString) {
        if !isRight { trace.violate(rule) }
    }

    mutating func setTimer(isAboveRest: Bool) {
        require(trimSeconds > 0, "who never gives memory back does not look for it")
        require(isAboveRest && eventCount > 0, "nobody is woken to give back what there is not, or was not moved")
        isTimerSet = true
        eventCount = 0
    }

    mutating func trimmed() {
        require(!isTimerSet, "memory is looked for when the timer says so")
        require(eventCount > 64, "when little moves, all memory that can goes back")
        trimCount += 1
    }

    mutating func beganRest() {
        require(!isTimerSet, "memory comes to rest when the timer says so")
        require(eventCount <= 64, "where much moves, memory stays warm")
        eventCount = 0
        restCount += 1
    }

    mutating func willTick() { isTimerSet = false }

    mutating func handedOver(_ event: PendingEvent) {
        switch event {
        case .timer, .withdrawn: break
        default: eventCount += 1
        }
    }

    /// A turn is over.
    func turned(isAboveRest: Bool) {
        require(
            isTimerSet || !isAboveRest || eventCount == 0 || trimSeconds == 0,
            "as long as there is memory to give back, somebody will look")
    }
}
