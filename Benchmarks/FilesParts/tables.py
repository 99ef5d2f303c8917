"""What was measured, as Markdown."""

import statistics

from .cases import COLD, HOT_LARGE, HOT_MEDIUM, HOT_SMALL
from .contenders import NGINX, OURS, mode_name

CPU = "processorSecondsPerGigabyte"
RATE = "requestsPerSecond"
# Each: the case, the figure, whose by whose, and the bound of the ratio.
GOALS = [
    (HOT_SMALL, RATE, OURS, NGINX, "≥", 1.0),
    (HOT_MEDIUM, RATE, OURS, NGINX, "≥", 1.0),
    (HOT_LARGE, CPU, OURS, NGINX, "≤", 1.3),
    (COLD, CPU, OURS, NGINX, "≤", 0.8),
    (COLD, CPU, mode_name("malloc"), OURS, "≥", 3.4),
    (COLD, CPU, mode_name("malloc"), mode_name("pooled"), "≥", 3.4),
]
FIGURE_NAMES = {CPU: "CPU per GB", RATE: "requests/s"}


def document(results, versions):
    """All tables; `results` are the rounds of each case, and a round is the figures by contender."""
    parts = [versions]
    parts += [case_table(case, rounds) for case, rounds in results.items()]
    parts.append(goal_table(results))
    return "\n\n".join(parts)


def over_rounds(rounds, value):
    return [value(figures) for figures in rounds]


def cell(values, digits):
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def ratios(rounds, name, base, key):
    """Within each round: what slows the machine down slows both."""
    return over_rounds(rounds, lambda figures: figures[name][key] / figures[base][key])


def case_table(case, rounds):
    load = "one request after the other" if case.is_cold else f"{case.connections} connections"
    lines = [
        f"**{case.title}**, {load}, median (lowest–highest) of {len(rounds)} round{'s' * (len(rounds) > 1)}",
        "",
        "| server | requests/s | ÷ nginx | CPU s per GB | ÷ nginx | processor use | peak memory MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in rounds[0]:
        def values(key, name=name):
            return over_rounds(rounds, lambda figures: figures[name][key])

        rate_digits = 2 if case.is_cold else 0
        relative = ["", ""] if name == NGINX else [cell(ratios(rounds, name, NGINX, key), 2) for key in (RATE, CPU)]
        lines.append(
            f"| {name} | {cell(values(RATE), rate_digits)} | {relative[0]} | {cell(values(CPU), 3)} | {relative[1]}"
            f" | {100 * statistics.median(values('processorShare')):.0f} %"
            f" | {statistics.median(values('peakResidentBytes')) / (1 << 20):.1f} |")
    lines += ["", *path_lines(case, rounds)]
    return "\n".join(lines)


def path_lines(case, rounds):
    """The path taken, by the servers' own count."""
    lines = []
    for name, figures in rounds[-1].items():
        text = "sendfile" if not case.is_cold else "directio, aio threads, two blocks of 1 MiB (as configured)"
        if path := figures["path"]:
            operations = ", ".join(f"{count:,.2f} {name}" for name, count in sorted(path["operationsPerRequest"].items()))
            text = (
                f"{operations} per request; {path['keptPerRequest']:,.2f} cached responses;"
                f" {path['readsPerRequest']:,.2f} reads, {path['directReadsPerRequest']:,.2f} of them past the page cache;"
                f" {path['fixedPerRequest']:,.2f} operations on registered memory;"
                f" {path['registeredByteCount'] / (1 << 20):.0f} MiB registered")
        if case.is_cold:
            text += f"; {figures['residentBytes'] / (1 << 20):.1f} MiB of a file in the page cache afterwards"
        lines.append(f"- {name}: {text}")
    return lines


def goal_table(results):
    lines = ["| goal | measured | must be | |", "| --- | ---: | ---: | --- |"]
    for case, key, name, base, sign, bound in GOALS:
        values = ratios(results[case], name, base, key)
        median = statistics.median(values)
        is_met = median >= bound if sign == "≥" else median <= bound
        lines.append(
            f"| {case.title}: {FIGURE_NAMES[key]}, {name} ÷ {base} | {cell(values, 2)} | {sign} {bound}"
            f" | {'met' if is_met else '**missed**'} |")
    return "\n".join(lines)
