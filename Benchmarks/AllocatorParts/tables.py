"""The Markdown tables: a row for each contender, a column for each workload."""

from . import figures
from .contenders import ALLOCATORS, CONTENDERS, GLIBC, POOLS


def table(heading, rows):
    lines = ["| " + " | ".join(heading) + " |", "| --- |" + " ---: |" * (len(heading) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def contenders_of(results, workloads):
    """Those that took part in any of the workloads, in order."""
    return [contender for contender in CONTENDERS if any(contender in results[workload] for workload in workloads)]


def durations(results, workloads):
    """Times of a get and return; below them what the pool is to the best allocator, and where its gets were served."""
    rows = []
    for contender in contenders_of(results, workloads):
        rows.append([contender.title] + [
            figures.duration_cell(results[workload][contender].nanoseconds) if contender in results[workload] else ""
            for workload in workloads])
    for pool in contenders_of(results, workloads):
        if pool in POOLS:
            rows.append([f"**{pool.title}: times as fast as the best allocator**"] + [
                times_as_fast(results[workload], pool) for workload in workloads])
    for pool in contenders_of(results, workloads):
        if pool in POOLS:
            rows.append([f"{pool.title}: gets served by"] + [
                tiers(results[workload][pool]) if pool in results[workload] else "" for workload in workloads])
    return table([""] + [workload.title for workload in workloads], rows)


def times_as_fast(all_series, pool):
    if pool not in all_series:
        return ""
    best = figures.best(all_series, ALLOCATORS)
    return f"{figures.ratio_cell(figures.ratios(all_series[best], all_series[pool]))} {best.title}"


def tiers(series):
    gets = sum(series.tiers.values())
    served = {tier: count / gets for tier, count in series.tiers.items() if count / gets >= 0.0005}
    return ", ".join(f"{tier} {fraction:.1%}".replace("100.0%", "all") for tier, fraction in served.items())


def paging(results, workloads):
    """Page faults of a get and return, and how much of the buffer stands on huge pages."""
    rows = []
    for contender in contenders_of(results, workloads):
        row = [contender.title]
        for workload in workloads:
            series = results[workload].get(contender)
            row.append(f"{figures.digits(series.page_faults_a_pair)}, {series.huge_fraction:.0%}" if series else "")
        rows.append(row)
    return table([""] + [workload.title for workload in workloads], rows)


def headline(results, workload):
    all_series, uses = results[workload], workload.cold_iterations
    rows = []
    for contender, series in all_series.items():
        rows.append([
            contender.title, figures.duration_cell([uses * value for value in series.nanoseconds]),
            figures.ratio_cell(figures.ratios(all_series[GLIBC], series)),
            f"{uses * series.page_faults_a_pair:,.0f}", f"{series.huge_fraction:.0%}"])
    return table([workload.title, "time of all five", f"times as fast as {GLIBC.title}", "page faults", "on huge pages"], rows)


def paths(facts):
    """Which library each process's malloc from, in the words of the process."""
    rows = []
    for contender, fact in facts.items():
        if contender in ALLOCATORS:
            setting = " ".join(f"`{key}={value}`" for key, value in contender.environment.items())
            rows.append([contender.title, f"`{fact['path'].split('/')[-1]}`", fact["version"], setting])
    return table(["", "malloc from", "version", "environment"], rows)


def report(plan, results, facts, skipped, summary):
    parts = [
        summary, paths(facts), *skipped,
        "**Get and return, untouched**", durations(results, plan.untouched),
        "**Get and return, a byte written into each page**", durations(results, plan.touched),
        "Page faults per get and return, and the share of the buffer on huge pages:", paging(results, plan.touched),
        "**Patterns**: buffers of 64 KiB, or of mixed sizes", durations(results, plan.patterns),
        "**Threads**: processor time per get and return of 64 KiB", durations(results, plan.threads),
        f"**{plan.headline.title}**, each page touched, from a fresh process", headline(results, plan.headline),
    ]
    return "\n\n".join(parts)


def separate(results):
    """A table for each workload."""
    return "\n\n".join(
        f"**{workload.name}**\n\n{durations(results, [workload])}"
        + (f"\n\n{paging(results, [workload])}" if workload.is_touched and workload.byte_count else "")
        for workload in results)
