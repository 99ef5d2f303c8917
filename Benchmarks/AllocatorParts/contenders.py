"""Who is measured: a process each, since a process has one malloc."""

from dataclasses import dataclass, field


# Identity is equality: the dictionary in it has no hash.
@dataclass(frozen=True, eq=False)
class Contender:
    title: str
    # What allocator-worker is told.
    worker: str
    environment: dict = field(default_factory=dict)
    # The library that must turn out to be the process's malloc; by default the C library.
    library: str = "libc.so.6"
    # Whether it hands out memory that can be used.
    has_memory: bool = True
    # Workloads it takes part in, by the first part of their names; none is all.
    only: tuple = ()

    def takes_part(self, workload):
        return (not self.only or workload.kind in self.only) and (self.has_memory or not workload.is_touched)


THREAD_CACHE = Contender("ZeroPool", "thread-cache")
SIZED = Contender("ZeroPool, larger cache", "thread-cache-sized", only=("burst",))
# It is for one size; touching memory takes it as long as any other way to the same buffer.
HANDLE = Contender("ZeroPool, handle", "handle", only=("untouched", "burst", "threads", "producer-consumer"))
SMALL_PAGES = Contender("ZeroPool, small pages", "thread-cache-small-pages", only=("touched",))
GLIBC = Contender("glibc malloc", "malloc")
GLIBC_HUGE = Contender(
    "glibc, hugetlb=1", "malloc", environment={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"})
MIMALLOC = Contender("mimalloc", "malloc", environment={"LD_PRELOAD": "libmimalloc.so.2"}, library="libmimalloc.so.2")
JEMALLOC = Contender("jemalloc", "malloc", environment={"LD_PRELOAD": "libjemalloc.so.2"}, library="libjemalloc.so.2")
MUTEX_POOL = Contender("Mutex and arrays", "mutex-pool")
BYTE_BUFFER = Contender("ByteBufferAllocator", "byte-buffer")
ARRAY = Contender("[UInt8]", "array")
LOOP_ALONE = Contender("the loop alone", "loop-alone", has_memory=False)

CONTENDERS = [
    THREAD_CACHE, HANDLE, SMALL_PAGES, SIZED, GLIBC, GLIBC_HUGE, MIMALLOC, JEMALLOC, MUTEX_POOL, BYTE_BUFFER, ARRAY, LOOP_ALONE]
# General-purpose allocators: what "the best allocator" is one of.
ALLOCATORS = [GLIBC, GLIBC_HUGE, MIMALLOC, JEMALLOC]
# What counts its gets by where they were served.
POOLS = [THREAD_CACHE, HANDLE, SMALL_PAGES, SIZED]
