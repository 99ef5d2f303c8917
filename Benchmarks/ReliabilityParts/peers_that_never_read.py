"""100 peers that send without end and never read, beside 40 that read."""

import os
import statistics

from .programs import Server
from .result import Result, mebibytes

DEAF_COUNT = 100
READING_COUNT = 40
LIMIT = 1 << 20
POOL_BYTES = 512 << 20
# As many buffers of 64 KiB wait for bytes at most, and can all be filled in one turn of the loop.
TURN_BYTES = 256 * (64 << 10)


def run(quick):
    rounds, seconds = (2, 0.5) if quick else (7, 1.5)
    # So little time says little.
    goal = 0.5 if quick else 0.9
    result = Result()
    processors = sorted(os.sched_getaffinity(0))
    on_first, on_last = (["taskset", "-c", str(processor)] for processor in (processors[0], processors[-1]))
    arguments = ["--reactors", "1", "--pool-bytes", str(POOL_BYTES)]
    with (
        Server(*arguments, launcher=on_first) as alone,
        Server(*arguments, launcher=on_first) as crowded,
        crowded.peer("deaf", DEAF_COUNT, "stay") as deaf,
    ):
        deaf.wait_for_line("stalled")
        # What a server needs for the readers is not what the deaf cost.
        for server in (alone, crowded):
            server.run_load(READING_COUNT, 0.5, size="64K", launcher=on_last)
        for size in ("512", "64K"):
            ratios = []
            for _ in range(rounds):
                rates = [
                    server.run_load(READING_COUNT, seconds, size=size, warmup=0.2, launcher=on_last)["requestsPerSecond"]
                    for server in (alone, crowded)]
                ratios.append(rates[1] / rates[0])
            median = statistics.median(ratios)
            result.demand(
                f"throughput of {READING_COUNT} readers of {size.replace('K', ' Ki')}B beside {DEAF_COUNT} that never read, "
                f"times that alone: median (least–most) of {rounds} rounds",
                f"{median:.2f} ({min(ratios):.2f}–{max(ratios):.2f})", f"≥ {goal:.2f}", median >= goal)
        peaks = alone.peak_memory(), crowded.peak_memory()
        bound = POOL_BYTES + peaks[0]
        result.note("peak memory of the server that has readers alone", mebibytes(peaks[0]))
        result.demand(
            "peak memory of the server that has both: its pool's limit and the other's", mebibytes(peaks[1]),
            f"≤ {mebibytes(bound)}", peaks[1] <= bound)
        result.note("so each of those that never read costs", mebibytes((peaks[1] - peaks[0]) / DEAF_COUNT))
        deaf.tell()
        result.demand_equal(
            "of those that never read, cut meanwhile (nobody waits for a buffer)", int(deaf.finish()["cut"]), 0)
        statistics_of_both = crowded.check_end(result)
        owed = statistics_of_both["maxOwedByteCount"]
        # A receive ends a turn after it was cancelled: what comes in two turns.
        bound = LIMIT + 2 * TURN_BYTES
        result.demand("most that one was owed", mebibytes(owed), f"≤ {mebibytes(bound)}", owed <= bound)
        alone.check_end(result, "the other server's exit status")
    return result
