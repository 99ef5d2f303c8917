"""What the pool is meant to reach, and whether it does."""

import statistics

from . import figures
from .contenders import ALLOCATORS, GLIBC, HANDLE, SIZED, SMALL_PAGES, THREAD_CACHE
from .tables import table
from .workloads import BURSTS, HEADLINE, MIB, SIZES, THREADS, USUAL_SIZE, WHOLE, untouched

# A tie: two that do the same differ by less than this from run to run.
TIE = 1.10
# Who has fewer faults than this part of a buffer's pages avoids them.
FAULTS_A_PAGE = 0.01


def goals(results):
    """The table; goals whose workloads were not measured are left out."""
    rows = [row for goal in [_best_allocator, _burst, _headline, _two_threads, _touching] for row in goal(results)]
    return table(["goal", "wanted", "measured", ""], rows) if rows else "No goal was measured."


def _row(goal, bound, ratios, is_met, note=""):
    return [goal, bound, figures.ratio_cell(ratios) + note, "met" if is_met(statistics.median(ratios)) else "**missed**"]


def _best_allocator(results):
    workload = untouched(USUAL_SIZE)
    for pool, wanted, title in [(THREAD_CACHE, 8, "the thread cache"), (HANDLE, 15, "the handle")]:
        if pool not in results.get(workload, {}):
            continue
        best, ratios = _times_as_fast(results[workload], pool)
        others = [
            statistics.median(_times_as_fast(results[other], pool)[1])
            for size in SIZES if size <= 16 * MIB and (other := untouched(size)) in results]
        note = f", {best.title}; {figures.digits(min(others))}–{figures.digits(max(others))} from 4 KiB to 16 MiB"
        yield _row(
            f"{workload.title} untouched, through {title}, times as fast as the best allocator", f"at least {wanted}",
            ratios, lambda ratio, wanted=wanted: ratio >= wanted, note if len(others) > 1 else f", {best.title}")


def _times_as_fast(all_series, pool):
    best = figures.best(all_series, ALLOCATORS)
    return best, figures.ratios(all_series[best], all_series[pool])


def _burst(results):
    single, burst = untouched(USUAL_SIZE), BURSTS[1000]
    for pool in [THREAD_CACHE, SIZED]:
        if single in results and pool in results.get(burst, {}):
            ratios = figures.ratios(results[burst][pool], results[single][THREAD_CACHE])
            yield _row(
                f"{burst.title}, {pool.title}: time per buffer ÷ a single get and return", "at most 8", ratios,
                lambda ratio: ratio <= 8)


def _headline(results):
    if HEADLINE not in results:
        return
    all_series = results[HEADLINE]
    goal = f"{HEADLINE.title}, times as fast as without a pool ({GLIBC.title})"
    for pool, wanted, pages in [(SMALL_PAGES, 5, "on small pages"), (THREAD_CACHE, 15, "on huge pages where they are free")]:
        ratios = figures.ratios(all_series[GLIBC], all_series[pool])
        yield _row(
            f"{goal}, {pages}", f"at least {wanted}", ratios, lambda ratio, wanted=wanted: ratio >= wanted,
            f", {all_series[pool].huge_fraction:.0%} on huge pages")


def _two_threads(results):
    if THREADS[1] not in results or THREADS[2] not in results:
        return
    ratios = figures.ratios(results[THREADS[2]][THREAD_CACHE], results[THREADS[1]][THREAD_CACHE])
    yield _row("a get and return on each of two threads ÷ on one thread", "at most 1.5", ratios, lambda ratio: ratio <= 1.5)


def _touching(results):
    for workload in WHOLE.touched:
        if workload.byte_count < MIB or workload not in results:
            continue
        all_series = results[workload]
        pages = workload.byte_count / 4096
        rivals = [
            contender for contender, series in all_series.items()
            if contender not in (THREAD_CACHE, SMALL_PAGES) and series.page_faults_a_pair < FAULTS_A_PAGE * pages]
        goal = f"{workload.title} touched ÷ the fastest other without page faults"
        if not rivals:
            yield [goal, f"at most {TIE:.2f}", "no other avoids page faults", "met"]
            continue
        best = figures.best(all_series, rivals)
        yield _row(
            goal, f"at most {TIE:.2f}", figures.ratios(all_series[THREAD_CACHE], all_series[best]),
            lambda ratio: ratio <= TIE, f", {best.title}")
