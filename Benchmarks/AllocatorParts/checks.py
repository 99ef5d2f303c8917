"""What must be true of the path that was measured, whatever its speed."""

from .contenders import SMALL_PAGES, THREAD_CACHE
from .workloads import MIB


def broken_paths(results):
    """A sentence for each workload that did not measure what its row says."""
    failures = []
    for workload, all_series in results.items():
        series = all_series.get(THREAD_CACHE)
        if series is None:
            continue
        gets = sum(series.tiers.values())
        if workload.kind in ("untouched", "touched") and not workload.cold_iterations:
            served = "cache" if workload.byte_count <= 16 * MIB else "shard"
            if series.tiers[served] < 0.99 * gets:
                failures.append(f"{workload.name}: of {gets} gets only {series.tiers[served]} were served by the {served}")
        # New threads start with an empty cache in each round.
        starts = len(series.nanoseconds) * workload.thread_count
        if workload.kind == "threads" and series.tiers["cache"] < 0.99 * (gets - starts):
            failures.append(f"{workload.name}: of {gets} gets only {series.tiers['cache']} were served by caches")
        if series.tiers["transient"] > 0:
            failures.append(f"{workload.name}: {series.tiers['transient']} gets were past the pool's limits")
        small = all_series.get(SMALL_PAGES)
        if small and small.huge_fraction and workload.byte_count >= 2 * MIB:
            failures.append(f"{workload.name}: {small.huge_fraction:.0%} of the buffer of small pages stands on huge ones")
        pages = workload.byte_count / 4096
        if workload.kind == "touched" and not workload.cold_iterations and series.page_faults_a_pair > 0.01 * pages:
            failures.append(f"{workload.name}: {series.page_faults_a_pair:.2f} page faults a get from the pool")
    return failures
