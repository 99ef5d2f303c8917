/// What a shard evicts when it has as many idle buffers of a class, or as many idle bytes, as it may have.
///
/// The table has hit rates: the share of gets that found an idle buffer. They are from the traces of `EvictionTests`,
/// with one shard, 1 MiB of idle bytes, and no thread caches, which would serve many gets. The mixed sizes are random,
/// and their rows give the range over several seeds.
///
/// | trace | `lifo` | `clockPro` |
/// | --- | --- | --- |
/// | 100 bursts of 16 × 64 KiB, then of 64 × 16 KiB, then of 4 × 256 KiB | 18.8 % | 88.8 % |
/// | two buffers of 512 KiB once, then 300 bursts of 16 × 64 KiB | 0 % | 99.2 % |
/// | 300 bursts of 16 × 64 KiB, 10 with a scan of 256 KiB to 1 MiB that comes home first | 26.3 % | 89.9 % |
/// | mixed sizes, around a middle that moves ten times | 58–64 % | 71–73 % |
/// | mixed sizes, the same all the time | 84–86 % | 84–86 %, half a point less at most |
/// | three classes in turn, each of which needs all idle bytes | 18.9 % | 18.9 % |
/// | a hot set that fits, and scans that come home after it | 96.2 % | 96.2 % |
/// | only the count of a class is limited | the same | the same |
public enum EvictionPolicy: Sendable, Hashable {
    /// The newcomer: last in, first out. It costs nothing, and keeps for ever what the shard holds.
    case lifo

    /// Cold buffers, so that classes in demand stay and others go. For programs whose demand changes.
    ///
    /// It follows CLOCK-Pro (S. Jiang, F. Chen, X. Zhang: CLOCK-Pro: An Effective Improvement of the CLOCK Replacement,
    /// USENIX ATC 2005). Buffers are hot or cold. A cold one becomes hot when it is requested again within a test
    /// period after its eviction. A clock hand makes hot buffers cold that are no longer used. It differs from
    /// CLOCK-Pro in this:
    ///
    /// - Pages are distinct, but buffers of a class are alike. A hit is a get that finds any idle buffer of its class.
    ///   What is remembered of evicted buffers is their number per class, up to the bytes that may be idle; the oldest
    ///   are forgotten first.
    /// - Buffers have sizes, and sizes compete by bytes.
    /// - A count of up to three accesses replaces the one bit, so that a quiet moment does not make a hot buffer cold.
    /// - New, cold buffers are evicted when everything is full, and come back hot if they are missed. So there is no
    ///   third hand, and no adaptive share of cold memory.
    ///
    /// Cost while there is room: a count and a second list more than `lifo`. Under pressure, a return to a shard looks
    /// at up to 64 more buffers, and takes one more step per 256 KiB of a buffer above 16 MiB. Buffers that a thread's
    /// cache serves are not counted, and cost nothing.
    case clockPro
}
