package import ZeroPool

/// Where a provided-buffer ring has its buffers from.
package enum BufferSource {
    /// From a pool, as long as that gives some.
    case pool(BufferPool)
    /// From `malloc`, each allocated for its use: what a program without a pool does.
    case allocator
}
