/// What leaves when a shard holds as many idle buffers of a class, or as many idle bytes, as it may.
///
/// Hit rates (gets that found an idle buffer, of all), by the traces of `EvictionTests`: one shard and 1 MiB of idle bytes; without
/// thread caches, which hide much: with caches of 4 the first row is 35.3 and 89.6 %, and both mixes come within a point or
/// two. The mixes are random; the rows give what several seeds gave.
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
    /// The newcomer: last in, first out. It costs nothing, and keeps what the shard warmed up to, for ever.
    case lifo

    /// What is cold, so that classes in demand survive those that are not: for programs whose demand changes.
    ///
    /// After CLOCK-Pro (S. Jiang, F. Chen, X. Zhang: CLOCK-Pro: An Effective Improvement of the CLOCK Replacement, USENIX
    /// ATC 2005). As there, what is hot is told from what is cold; something cold becomes hot when it is asked for again
    /// within a test period after its eviction; and a hand takes from the hot what they do not regain by use. Other than there:
    /// - Pages are themselves, buffers of a class are all alike. So a hit is a get that finds any idle buffer of its class,
    ///   and what is remembered of the evicted is their number a class, up to the bytes that may be idle; the longest evicted
    ///   are forgotten first. Among buffers of one class there is nothing to choose.
    /// - Buffers have sizes, and sizes compete by bytes.
    /// - A count of up to three accesses stands in for the one bit, so that one quiet time does not make the hot cold.
    /// - What is new and cold leaves when all is full, and comes back hot if it was missed; hence no third hand, and no share of
    ///   cold memory that adapts itself.
    ///
    /// Costs a count and a second list more than `lifo` while there is room; under pressure a return to a shard takes a bounded
    /// number of steps more: 64 buffers, and for buffers above 16 MiB one for each 256 KiB of them. It counts what passes through a
    /// shard; what a thread's cache serves to its own thread is not counted, and costs nothing.
    case clockPro
}
