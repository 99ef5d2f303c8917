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
    result = Result()
    processors = sorted(os.sched_getaffinity(0))
    on_first, on_last = (["taskset", "-c", str(processor)] for processor in (processors[0], processors[-1]))
    arguments = ["--reactors", "1", "--pool-size", str(POOL_BYTES)]
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
            rounds_measured = [
                [measure(server, seconds, size, on_last) for server in (alone, crowded)] for _ in range(rounds)]
            readers = f"{READING_COUNT} readers of {'512 B' if size == '512' else '64 KiB'}"
            ratio = f"with {DEAF_COUNT} stalled peers ÷ without"
            figure, median = spread([beside[0] / apart[0] for apart, beside in rounds_measured])
            # So little time, on a machine that has other things to do, says little.
            if quick:
                result.note(f"{readers}: throughput {ratio}", figure)
            else:
                result.demand(f"{readers}: throughput {ratio}", figure, "≥ 0.90", median >= 0.9)
            figure, _ = spread([beside[1] / apart[1] for apart, beside in rounds_measured])
            result.note(f"{readers}: server CPU time per request {ratio}", figure)
        peaks = alone.peak_memory(), crowded.peak_memory()
        bound = POOL_BYTES + peaks[0]
        result.note("peak memory of the server without stalled peers", mebibytes(peaks[0]))
        result.demand(
            "peak memory of the server with stalled peers", mebibytes(peaks[1]),
            f"≤ {mebibytes(bound)}", peaks[1] <= bound)
        result.note("memory per stalled peer", mebibytes((peaks[1] - peaks[0]) / DEAF_COUNT))
        deaf.tell()
        result.demand_equal(
            "stalled peers cut (no connection waits for a buffer)", int(deaf.finish()["cut"]), 0)
        statistics_of_both = crowded.check_end(result)
        owed = statistics_of_both["maxOwedByteCount"]
        # A receive ends a turn after it was cancelled: what comes in two turns.
        bound = LIMIT + 2 * TURN_BYTES
        result.demand("most unsent bytes of one connection", mebibytes(owed), f"≤ {mebibytes(bound)}", owed <= bound)
        alone.check_end(result, "exit status of the server without stalled peers")
    return result


def measure(server, seconds, size, launcher):
    """Requests a second, and server CPU seconds a request."""
    before = server.processor_seconds()
    report = server.run_load(READING_COUNT, seconds, size=size, warmup=0.2, launcher=launcher)
    used = server.processor_seconds() - before
    return report["requestsPerSecond"], used / (report["verifiedByteCount"] / report["messageByteCount"])


def spread(ratios):
    median = statistics.median(ratios)
    return f"{median:.2f} ({min(ratios):.2f}–{max(ratios):.2f})", median
