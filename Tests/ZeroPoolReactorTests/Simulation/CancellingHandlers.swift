import ZeroPool

@testable import ZeroPoolReactor
import TestSupport

/// Handlers that await everything in child tasks, which are cancelled before, while or after they wait, or whose deadline
/// passes. What they leave undone they take up again: no byte may be lost by it.
///
/// One thread's only: that of the simulated reactor.
final class CancellingHandlers: @unchecked Sendable {
    /// How awaits ended.
    struct Counts {
        var cancelled = 0
        var expired = 0
        var done = 0

        static func += (sum: inout Counts, part: Counts) {
            sum.cancelled += part.cancelled
            sum.expired += part.expired
            sum.done += part.done
        }
    }

    private enum Attempt: Sendable {
        case lease(HeldLease)
        case nothing
        case failed(IOError)
    }

    /// A lease in a handler's hand.
    private final class HeldLease: @unchecked Sendable {
        private let box: LeaseBox
        private let connection: SimulatedConnection
        private let model: SimulationModel

        init(_ lease: consuming PooledBuffer, _ connection: SimulatedConnection, _ model: SimulationModel) {
            box = LeaseBox(lease)
            self.connection = connection
            self.model = model
            model.handler(of: connection, holds: 1, byteCount: box.byteCount)
        }

        func take() -> PooledBuffer {
            model.handler(of: connection, holds: -1, byteCount: -box.byteCount)
            return box.take()
        }
    }

    private let kernel: SimulatedKernel
    private let model: SimulationModel
    private var generator: SeededGenerator
    private(set) var counts = Counts()

    init(_ kernel: SimulatedKernel, _ model: SimulationModel, seed: UInt64) {
        self.kernel = kernel
        self.model = model
        generator = SeededGenerator(seed: seed)
    }

    nonisolated(nonsending) func serveEcho(_ connection: Connection) async throws {
        guard let simulated = kernel.slots[Int(connection.number)] else { return }
        while true {
            if generator.chance(0.05) { try await takeBuffer(connection) }
            guard let lease = try await received(connection, simulated) else { break }
            try await send(lease, connection)
        }
        if generator.chance(0.3) { try await repeating { [self] in await flush(connection, to: 0, nil) } }
    }

    // MARK: Receiving

    private nonisolated(nonsending) func received(
        _ connection: Connection, _ simulated: SimulatedConnection
    ) async throws -> HeldLease? {
        nonisolated(unsafe) let simulated = simulated
        return try await repeating { [self] in await receive(connection, simulated, deadline(connection)) }
    }

    private nonisolated(nonsending) func receive(
        _ connection: Connection, _ simulated: SimulatedConnection, _ deadline: Deadline?
    ) async -> Attempt {
        do throws(IOError) {
            guard let lease = try await connection.receive(deadline: deadline) else { return .nothing }
            return .lease(HeldLease(lease, simulated, model))
        } catch {
            return .failed(error)
        }
    }

    // MARK: Sending

    /// After a deadline or a cancellation the lease is still being sent.
    private nonisolated(nonsending) func send(_ lease: HeldLease, _ connection: Connection) async throws {
        switch generator.integer(0, 3) {
        case 0: try await connection.send(lease.take())
        case 1:
            let deadline = deadline(connection)
            let attempt = await once { [self] in await send(lease, connection, deadline) }
            if case .failed(let error) = attempt, !mayGoOn(error) { throw error }
        default:
            connection.enqueue(lease.take())
            let count = generator.integer(0, 3)
            try await repeating { [self] in await flush(connection, to: count, deadline(connection)) }
        }
    }

    private nonisolated(nonsending) func send(
        _ lease: HeldLease, _ connection: Connection, _ deadline: Deadline?
    ) async -> Attempt {
        do throws(IOError) {
            try await connection.send(lease.take(), deadline: deadline)
            return .nothing
        } catch {
            return .failed(error)
        }
    }

    private nonisolated(nonsending) func flush(
        _ connection: Connection, to count: Int, _ deadline: Deadline?
    ) async -> Attempt {
        do throws(IOError) {
            try await connection.flush(to: count, deadline: deadline)
            return .nothing
        } catch {
            return .failed(error)
        }
    }

    /// A buffer, or none before the deadline; it goes back at once.
    private nonisolated(nonsending) func takeBuffer(_ connection: Connection) async throws {
        let reactor = connection.reactor
        let deadline = reactor.deadline(after: .milliseconds(generator.skewed(0, 20)))
        let attempt = await once {
            do throws(IOError) {
                _ = try await reactor.buffer(byteCount: 1, deadline: deadline)
                return .nothing
            } catch {
                return .failed(error)
            }
        }
        if case .failed(let error) = attempt, !mayGoOn(error) { throw error }
    }

    // MARK: Child tasks

    private func deadline(_ connection: Connection) -> Deadline? {
        guard generator.chance(0.3) else { return nil }
        return connection.reactor.deadline(after: .microseconds(generator.skewed(0, 3000)))
    }

    private func mayGoOn(_ error: IOError) -> Bool {
        switch error.reason {
        case .cancelled: counts.cancelled += 1
        case .deadline: counts.expired += 1
        default: return false
        }
        return true
    }

    @discardableResult
    private nonisolated(nonsending) func repeating(
        _ work: nonisolated(nonsending) @escaping @Sendable () async -> Attempt
    ) async throws -> HeldLease? {
        while true {
            switch await once(work) {
            case .lease(let lease): return lease
            case .nothing:
                counts.done += 1
                return nil
            case .failed(let error): if !mayGoOn(error) { throw error }
            }
        }
    }

    /// Does it in this task, or in a child task that may be cancelled.
    private nonisolated(nonsending) func once(
        _ work: nonisolated(nonsending) @escaping @Sendable () async -> Attempt
    ) async -> Attempt {
        let microseconds = generator.skewed(0, 5000)
        switch generator.integer(0, 4) {
        case 0: return await work()
        case 1:
            // Its sibling's end cancels it.
            return await withTaskGroup(of: Attempt?.self) { group in
                group.addTask { await work() }
                group.addTask { [self] in
                    await pause(microseconds)
                    return nil
                }
                var attempt: Attempt?
                for await result in group {
                    if let result { attempt = result }
                    group.cancelAll()
                }
                return attempt ?? .nothing
            }
        case 2:
            // Cancelled before it begins.
            return await withTaskGroup(of: Attempt.self) { group in
                group.cancelAll()
                group.addTask { await work() }
                return await group.next() ?? .nothing
            }
        case 3:
            async let attempt = work()
            await pause(microseconds)
            return await attempt
        default:
            let task = Task(executorPreference: reactor) { await work() }
            await pause(microseconds)
            task.cancel()
            return await task.value
        }
    }

    private var reactor: Reactor {
        guard let reactor = model.reactor else { preconditionFailure("handlers run on a reactor") }
        return reactor
    }

    private nonisolated(nonsending) func pause(_ microseconds: Int) async {
        try? await reactor.sleep(for: .microseconds(microseconds))
    }
}
