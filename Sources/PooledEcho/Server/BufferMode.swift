/// Where a server's buffers come from: all that differs between the modes.
package enum BufferMode: String, Sendable, CaseIterable, Codable {
    /// From the pool, whose arenas are registered with the ring as far as the limit on locked memory goes.
    case registered
    /// From the pool, without registration.
    case pooled
    /// From `malloc`, each buffer allocated for its use and freed after it.
    case malloc
}
