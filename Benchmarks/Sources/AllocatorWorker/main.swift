// Does rounds of work with buffers of one contender, as Benchmarks/allocators tells it by standard input: see CommandLoop.
//
//   allocator-worker CONTENDER
import Glibc
import NIOCore
import ZeroPool

// glibc takes no lock while a process has one thread; a program that does I/O has more.
_ = JoinableThread { while true { pause() } }

/// A pool as its users get it, but for the limit on idle memory, which hangs on the machine's and would let a small
/// one keep no 500 MB: here each shard may keep a buffer of the largest class.
func usualPool() -> BufferPool.Builder { BufferPool.builder().maxIdleByteCount(usualShardCount << 30) }
let usualShardCount = BufferPool.Configuration.adapted().numShards

switch CommandLine.arguments.dropFirst().first {
case "thread-cache": CommandLoop<ThreadCacheContender>(source: usualPool().build()).run()
case "handle": CommandLoop<HandleContender>(source: usualPool().build()).run()
case "thread-cache-small-pages":
    CommandLoop<ThreadCacheContender>(source: usualPool().hugePages(false).build()).run()
case "thread-cache-sized":
    CommandLoop<ThreadCacheContender>(source: usualPool().tlsCacheSize(64).tlsCacheByteCount(.max).build()).run()
case "malloc": CommandLoop<MallocContender>(source: NoSource()).run()
case "mutex-pool": CommandLoop<MutexPoolContender>(source: MutexPool()).run()
case "byte-buffer": CommandLoop<ByteBufferContender>(source: ByteBufferAllocator()).run()
case "array": CommandLoop<ArrayContender>(source: NoSource()).run()
case "loop-alone": CommandLoop<LoopAloneContender>(source: NoSource()).run()
case let name:
    print("allocator-worker: there is no contender '\(name ?? "")'")
    exit(2)
}
