import ZeroPoolURing

/// Where the bytes that come back are put until they are verified: a buffer a connection.
@safe final class LoadReceiver {
    private let bufferByteCount: Int
    private let buffers: UnsafeMutableRawPointer

    init(connectionCount: Int, plan: LoadPlan) {
        let inFlight = plan.messageByteCount.multipliedReportingOverflow(by: plan.pipeline)
        bufferByteCount = inFlight.overflow ? 64 << 10 : min(inFlight.partialValue, 64 << 10)
        unsafe buffers = .allocate(byteCount: connectionCount * bufferByteCount, alignment: 4096)
    }

    deinit {
        unsafe buffers.deallocate()
    }

    func arm(on ring: borrowing Ring, _ socket: IODescriptor, index: Int, userData: UInt64) {
        unsafe ring.receive(
            from: socket,
            into: UnsafeMutableRawBufferPointer(start: buffers + index * bufferByteCount, count: bufferByteCount),
            userData: userData)
    }

    func withBytes<Result>(
        of completion: Completion, index: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        unsafe body(
            UnsafeRawBufferPointer(
                start: buffers + index * bufferByteCount, count: Int(completion.result)))
    }
}
