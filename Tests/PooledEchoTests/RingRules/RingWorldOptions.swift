/// What a world is to be like.
struct RingWorldOptions {
    var slotCount = 8
    /// As many buffers as share the pool's 2 MiB: a power of two.
    var bufferCount = 32
    /// As many buffers as wait for bytes; on the kernel's ring at least 16, as far as the pool has them.
    var providedBufferCount = 16
    /// Whether sends of 16 KiB and more go without a copy.
    var sendsWithoutCopy = false
    /// Whether the simulated device copies after all, as the loopback device does.
    var copiesAfterAll = true
    /// Whether both queues have room for a few entries only.
    var hasShortQueues = false
}
