"""Medians, spreads and ratios, and how they are written."""

import statistics


def quantile(values, fraction):
    """The smallest value that at least that fraction of the values do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * fraction // 1)
    return ordered[max(0, int(rank) - 1)]


def digits(value):
    """A figure of three digits, or all there are before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(nanoseconds):
    for unit, factor in [("ns", 1), ("µs", 1e3), ("ms", 1e6)]:
        if nanoseconds < 1000 * factor:
            break
    return f"{digits(nanoseconds / factor)} {unit}"


def duration_cell(values):
    """The median, and the range of the middle eight tenths in the same unit."""
    median = duration(statistics.median(values))
    factor = {"ns": 1, "µs": 1e3, "ms": 1e6}[median.split()[1]]
    return f"{median} ({digits(quantile(values, 0.1) / factor)}–{digits(quantile(values, 0.9) / factor)})"


def ratio_cell(values):
    return f"{digits(statistics.median(values))} ({digits(quantile(values, 0.1))}–{digits(quantile(values, 0.9))})"


def ratios(numerator, denominator):
    """Of two series, taken within each round."""
    return [above / below for above, below in zip(numerator.nanoseconds, denominator.nanoseconds)]


def best(all_series, contenders):
    """The one of the contenders with the lowest median; only those that were measured count."""
    return min((contender for contender in contenders if contender in all_series), key=lambda c: all_series[c].median)
