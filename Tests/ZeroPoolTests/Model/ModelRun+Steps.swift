import TestSupport
@testable import ZeroPool

/// What the steps do.
extension ModelRun {
    func perform(_ step: ModelStep) {
        guard let pool = openPools.randomElement(using: &random) else { return openPool() }
        let worker = random.element(workers)
        trace.note(step.name, pool: pool.number, thread: worker.number)
        switch step {
        case .get, .tryGet, .getZeroed, .getByHandle:
            let byteCount = pool.configuration.randomByteCount(&random)
            get(step, pool, worker, step == .getZeroed ? min(byteCount, 1 << 20) : byteCount)
        case .burst: burst(pool, worker)
        case .giveBack: withLease { lease, pool in endLease(lease, of: pool, on: worker) }
        case .detach: withLease { lease, _ in worker.run { lease.detach() } }
        case .pass: withLease { lease, _ in worker.run { lease.pass() } }
        case .verify:
            withLease { lease, pool in
                pool.require(lease.isIntact, "nobody writes to a lease but its tenant", lease.number)
            }
        case .comeBy: comeBy(pool, worker)
        case .bind:
            let shard = random.integer(0, pool.configuration.numShards - 1)
            worker.run { pool.owned.bindCurrentThread(toShard: shard) }
            pool.noteBound(thread: worker.number, toShard: shard)
        case .trim: worker.run { pool.trim() }
        case .trimOlder:
            let seconds = random.element([0, 0.05, 1, 20, .infinity])
            worker.run { pool.trim(olderThanSeconds: seconds) }
        case .clear: worker.run { pool.clear() }
        case .shrink:
            let byteCount = random.integer(0, pool.core!.statistics().idleByteCount)
            worker.run { pool.shrink(toIdleByteCount: byteCount) }
        case .preallocate:
            let byteCount = random.integer(0, 1 << random.integer(12, 22))
            // It touches all of it.
            let count = pool.configuration.classByteCount(for: byteCount) > 4 << 20 ? 0 : random.integer(0, 6)
            worker.run { pool.preallocate(count: count, byteCount: byteCount) }
        case .wait: clock.advance(seconds: random.element([0.02, 0.1, 3, 30]))
        case .comeByLater: worker.run { pool.comeByLater(clock) }
        case .observe:
            guard pool.observers.count < 4 else { return }
            let anyShard = random.integer(0, pool.configuration.numShards - 1)
            let isOwn = random.chance(0.5)
            let observer = worker.run {
                let shard = isOwn ? pool.shardOfCallingThread : anyShard
                return ModelledObserver(pool, shard: shard, thread: worker.number)
            }
            pool.observers.append(observer)
            poll(observer, of: pool)
        case .poll: if let observer = pool.observers.randomElement(using: &random) { poll(observer, of: pool) }
        case .endObserver:
            if let observer = pool.observers.randomElement(using: &random) { endObserver(observer, of: pool) }
        case .endThread:
            endThread(worker)
            startThread()
        case .openPool: if openPools.count < 4 { openPool() }
        case .close: if mayClose(pool) { worker.run { pool.close() } }
        case .endHandle: endAnOwner(pool, worker)
        case .replacePool: if mayClose(pool) { replace(pool, worker) }
        }
    }

    /// Does something to some lease, of whatever pool.
    private func withLease(_ body: (ModelledLease, ModelledPool) -> Void) {
        let candidates = pools.filter { !$0.leases.isEmpty }
        guard let pool = candidates.randomElement(using: &random) else { return }
        body(random.element(pool.leases), pool)
    }

    // MARK: Gets

    private func get(_ step: ModelStep, _ pool: ModelledPool, _ worker: Worker, _ byteCount: Int) {
        if leases.count >= plan.leaseCount { withLease { lease, pool in endLease(lease, of: pool, on: worker) } }
        var byteCount = byteCount
        // A pool has a few handles, which are used again.
        if step == .getByHandle, pool.handles.count >= 3 { byteCount = random.element(pool.handles.keys.sorted()) }
        let lease = worker.run { served(step, pool, byteCount) }
        trace.note(lease == nil ? "has nothing for" : "serves", pool: pool.number, thread: worker.number, byteCount)
        guard let lease else { return pool.noteRefused(byteCount) }
        pool.require(!leases.contains { $0.range.overlaps(lease.range) }, "what is leased is leased once", lease.number)
        pool.noteServed(lease, thread: worker.number)
    }

    /// The lease that a get brings, on the calling thread, with its tenant's words in it.
    private func served(_ step: ModelStep, _ pool: ModelledPool, _ byteCount: Int) -> ModelledLease? {
        let mayHaveNothing = pool.mayHaveNothing(for: byteCount)
        var buffer: PooledBuffer?
        switch step {
        case .getZeroed: buffer = pool.owned.get(zeroed: byteCount)
        case .tryGet: buffer = pool.owned.tryGet(byteCount)
        case .getByHandle:
            let handle = pool.handle(byteCount)
            buffer = byteCount % 2 == 0 ? handle.handle.tryGet() : handle.handle.get()
        default: buffer = pool.owned.get(byteCount)
        }
        guard let buffer = buffer.take() else {
            pool.require(mayHaveNothing, "tryGet is nil only where nothing could be served", byteCount)
            return nil
        }
        let lease = ModelledLease(
            buffer, number: nextLeaseNumber(), askedClassByteCount: pool.configuration.classByteCount(for: byteCount))
        pool.require(
            mayHaveNothing || !lease.isTransient, "memory is transient only where nothing could be served", byteCount)
        pool.checkServed(lease, asked: byteCount, isZeroed: step == .getZeroed)
        lease.write()
        return lease
    }

    private func burst(_ pool: ModelledPool, _ worker: Worker) {
        let byteCount = 1 << random.integer(12, 16)
        let before = pool.leases.count
        for _ in 0..<random.element([2, 6, 20, 40]) where pool.leases.count < before + plan.leaseCount {
            get(.get, pool, worker, byteCount)
        }
        let other = random.element(workers)
        for lease in pool.leases.dropFirst(before) { endLease(lease, of: pool, on: other) }
    }

    // MARK: Others

    /// By which a thread also lets go of what it has of closed pools.
    private func comeBy(_ pool: ModelledPool, _ worker: Worker) {
        worker.run {
            pool.comeBy()
            for pool in pools where pool.isClosed {
                pool.require(!pool.hasCacheOnCallingThread, "a thread that comes by ends its caches of closed pools")
            }
        }
    }

    private func poll(_ observer: ModelledObserver, of pool: ModelledPool) {
        let worker = workers.first { $0.number == observer.thread }!
        worker.run {
            observer.poll { event in
                // As another thread may, between the question and the reply: takes what is about to go.
                if case .mayGo(let arena) = event, !pool.isAbandoned, random.chance(0.4) {
                    let byteCount = arena.byteCount > 2 << 20 ? arena.byteCount : 4096
                    _ = served(.get, pool, byteCount).map { pool.noteServed($0, thread: worker.number) }
                }
                return random.chance(0.5) ? .hold : .release
            }
        }
    }

    private func endAnOwner(_ pool: ModelledPool, _ worker: Worker) {
        let sizes = pool.handles.keys.sorted()
        let isLast = sizes.count + (pool.pool == nil ? 0 : 1) == 1
        guard !isLast || mayClose(pool) else { return }
        let ownsItself = pool.pool != nil && (sizes.isEmpty || random.chance(0.5))
        endOwner(ownsItself ? nil : random.element(sizes), of: pool, on: worker)
    }

    private func replace(_ pool: ModelledPool, _ worker: Worker) {
        while !pool.isAbandoned { endAnOwner(pool, worker) }
        if openPools.isEmpty { openPool() }
        for worker in workers { comeBy(openPools[0], worker) }
        openPool()
    }
}
