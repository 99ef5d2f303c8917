import ZeroPool

/// Echo: what comes in is queued to go out.
final class EchoService<Ring: ReactorRing>: Service {
    typealias Connection = EchoConnection

    func received(_ lease: consuming PooledBuffer, on number: ConnectionNumber, of reactor: Reactor<EchoService>) {
        let byteCount = lease.count
        let slot = unsafe reactor.slots + Int(number)
        guard unsafe slot.pointee.connection.received(byteCount: byteCount) else {
            unsafe reactor.statistics.bytes.discarded += byteCount
            return
        }
        unsafe reactor.statistics.bytes.received += byteCount
        unsafe reactor.queues.push(lease, to: &slot.pointee.queue)
        if unsafe slot.pointee.connection.receive == .cancelling {
            unsafe receivedWhilePaused(byteCount, owedByteCount: slot.pointee.connection.owedByteCount, of: reactor)
        }
    }

    /// What a cancelled receive still brings.
    @inline(never)
    private func receivedWhilePaused(_ byteCount: Int, owedByteCount: Int, of reactor: Reactor<EchoService>) {
        unsafe reactor.statistics.bytes.receivedWhilePaused += byteCount
        reactor.countOwed(owedByteCount)
    }

    func perform(_ action: Never, for number: ConnectionNumber, of reactor: Reactor<EchoService>) {}
}
