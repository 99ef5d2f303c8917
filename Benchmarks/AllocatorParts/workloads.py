"""What is measured: each workload by the name that allocator-worker knows."""

from dataclasses import dataclass

KIB, MIB = 1 << 10, 1 << 20
SIZES = [4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 500_000_000]
USUAL_SIZE = 64 * KIB


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    # Several run on all processors; one is pinned to the last, unless it is to be compared with several.
    thread_count: int = 1
    is_parallel: bool = False
    # Of a buffer; none where there are many sizes, or where it is the usual one.
    byte_count: int = 0
    # For a number of iterations that is given, from a fresh process each round.
    cold_iterations: int = 0

    @property
    def kind(self):
        return self.name.split(":")[0]

    @property
    def is_touched(self):
        return "touched" in self.kind.split("-")

    @property
    def is_of_fresh_memory(self):
        """Whether allocators get memory from the system for each use, so much that it matters where that has it from."""
        return self.is_touched and self.byte_count >= 64 * MIB


def size_title(byte_count):
    if byte_count % MIB and byte_count % 1_000_000 == 0:
        return f"{byte_count // 1_000_000} MB"
    return f"{byte_count // MIB} MiB" if byte_count >= MIB else f"{byte_count // KIB} KiB"


def untouched(byte_count):
    return Workload(f"untouched:{byte_count}", size_title(byte_count), byte_count=byte_count)


def touched(byte_count):
    return Workload(f"touched:{byte_count}", size_title(byte_count), byte_count=byte_count)


def threads(count):
    return Workload(f"threads:{count}", f"{count} thread" + "s" * (count > 1), thread_count=count, is_parallel=True)


def five_uses(byte_count):
    return Workload(
        f"touched:{byte_count}", f"{size_title(byte_count)} five times", byte_count=byte_count, cold_iterations=5)


BURSTS = {count: Workload(f"burst:{count}", f"bursts of {count:,}") for count in [100, 1000]}
THREADS = {count: threads(count) for count in [1, 2, 4, 16]}
MIXED = [Workload("mixed", "mixed sizes, untouched"), Workload("mixed-touched", "mixed sizes, each page touched")]
PRODUCER_CONSUMER = Workload("producer-consumer", "producer and consumer", thread_count=2, is_parallel=True)
HEADLINE = five_uses(500_000_000)


@dataclass(frozen=True)
class Plan:
    """The workloads, by the table that they stand in."""

    untouched: list
    touched: list
    patterns: list
    threads: list
    headline: Workload

    @property
    def groups(self):
        """Workloads that take turns within the same rounds, since goals compare them."""
        single = untouched(USUAL_SIZE)
        bursts = [workload for workload in self.patterns if workload.kind == "burst"]
        alone = [
            workload for workload in self.untouched + self.touched + self.patterns + [self.headline]
            if workload not in [single, *bursts]]
        return [[single, *bursts], self.threads] + [[workload] for workload in alone]


WHOLE = Plan(
    untouched=[untouched(size) for size in SIZES],
    touched=[touched(size) for size in SIZES],
    patterns=[*MIXED, *BURSTS.values(), PRODUCER_CONSUMER],
    threads=list(THREADS.values()),
    headline=HEADLINE)

QUICK = Plan(
    untouched=[untouched(USUAL_SIZE), untouched(500_000_000)],
    touched=[touched(MIB)],
    patterns=WHOLE.patterns,
    threads=[THREADS[1], THREADS[2]],
    headline=five_uses(50_000_000))
