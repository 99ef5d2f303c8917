"""The plot: what a get and return costs by size, untouched and, for each page, touched; all axes logarithmic."""

import math
import statistics
from dataclasses import dataclass
from html import escape

from . import figures
from .contenders import (
    ARRAY, BYTE_BUFFER, GLIBC, GLIBC_HUGE, HANDLE, JEMALLOC, LOOP_ALONE, MIMALLOC, MUTEX_POOL, THREAD_CACHE)
from .workloads import size_title

# Line colours that both themes can bear, and the shape of the marks: who cannot tell the colours can tell these.
LOOKS = {
    THREAD_CACHE: ("#2f7de1", "circle", ""),
    HANDLE: ("#2f7de1", "square", "2 2"),
    GLIBC: ("#d9480f", "square", ""),
    GLIBC_HUGE: ("#d9480f", "square", "5 3"),
    MIMALLOC: ("#c2255c", "triangle", ""),
    JEMALLOC: ("#9c6fe4", "diamond", ""),
    MUTEX_POOL: ("#2b9348", "circle", "5 3"),
    BYTE_BUFFER: ("#1098ad", "triangle", "5 3"),
    ARRAY: ("#b58105", "diamond", "5 3"),
    LOOP_ALONE: ("#868e96", "", "2 3"),
}
WIDTH, HEIGHT = 960, 510
TOP, BOTTOM = 64, 400
PANELS = [(72, 462), (552, 942)]

STYLE = """
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #24292f }
.title { font-size: 14px; font-weight: 600 }
.back { fill: #ffffff }
.grid { stroke: #d8dee4; stroke-width: 1 }
.axis { stroke: #57606a; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.back { fill: #0d1117 }
.grid { stroke: #30363d }
.axis { stroke: #8b949e }
}
"""


@dataclass
class Scale:
    """From values to places, logarithmically."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value):
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return round(self.start + share * (self.end - self.start), 1)


def write(path, plan, results):
    panels = [
        ("Untouched", "time of a get and return", plan.untouched, lambda workload: 1),
        ("A byte written into each page", "time of a get and return, for each page", plan.touched, pages)]
    shapes = [f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>']
    for (left, right), panel in zip(PANELS, panels):
        shapes += _panel(left, right, *panel, results)
    shapes += _legend(results, plan)
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-label="Time of a get and return by buffer size, for ZeroPool and other allocators">\n'
            f"<style>{STYLE}</style>\n" + "\n".join(shapes) + "\n</svg>\n")


def pages(workload):
    return workload.byte_count / 4096


def _panel(left, right, title, quantity, workloads, divisor, results):
    """Of the quantity divided by what the divisor says of each workload."""
    medians = [
        series.median / divisor(workload)
        for workload in workloads for contender, series in results[workload].items() if contender in LOOKS]
    sizes = [workload.byte_count for workload in workloads]
    # Whole powers of ten, and some room for a panel of a single size.
    y = Scale(10 ** math.floor(math.log10(min(medians))), 10 ** math.ceil(math.log10(max(medians))), BOTTOM, TOP)
    x = Scale(min(sizes) / 1.6, max(sizes) * 1.6, left, right)
    shapes = [f'<text class="title" x="{left}" y="{TOP - 16}">{title}</text>']
    for exponent in range(round(math.log10(y.low)), round(math.log10(y.high)) + 1):
        place = y(10 ** exponent)
        shapes += [
            f'<line class="grid" x1="{left}" x2="{right}" y1="{place}" y2="{place}"/>',
            f'<text x="{left - 6}" y="{place + 4}" text-anchor="end">{_tick(10 ** exponent)}</text>']
    for size in sizes:
        place = x(size)
        shapes += [
            f'<line class="grid" x1="{place}" x2="{place}" y1="{TOP}" y2="{BOTTOM}"/>',
            f'<text x="{place}" y="{BOTTOM + 14}" text-anchor="end" transform="rotate(-35 {place} {BOTTOM + 14})">'
            f"{size_title(size)}</text>"]
    shapes += [
        f'<path class="axis" fill="none" d="M{left} {TOP}V{BOTTOM}H{right}"/>',
        f'<text x="{(left + right) / 2}" y="{BOTTOM + 58}" text-anchor="middle">buffer size (logarithmic)</text>',
        f'<text x="{left - 54}" y="{(TOP + BOTTOM) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 {left - 54} {(TOP + BOTTOM) / 2})">{quantity} (logarithmic)</text>']
    # Ours last, so that it lies on top.
    for contender in reversed(LOOKS):
        points = [
            (x(workload.byte_count), [nanoseconds / divisor(workload) for nanoseconds in series.nanoseconds])
            for workload in workloads if (series := results[workload].get(contender))]
        shapes += _line(contender, points, y)
    return shapes


def _line(contender, points, y):
    if not points:
        return []
    color, shape, dashes = LOOKS[contender]
    width = 3 if contender is THREAD_CACHE else 1.6
    path = "M" + "L".join(f"{x} {y(statistics.median(values))}" for x, values in points)
    shapes = [
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-dasharray="{dashes}"/>']
    for x, values in points:
        low, high = (min(max(figures.quantile(values, part), y.low), y.high) for part in (0.1, 0.9))
        shapes.append(f'<path d="M{x} {y(low)}V{y(high)}" stroke="{color}" stroke-width="1" opacity="0.6"/>')
        shapes.append(_mark(shape, x, y(statistics.median(values)), color))
    return shapes


def _mark(shape, x, y, color):
    match shape:
        case "circle":
            return f'<circle cx="{x}" cy="{y}" r="3.5" fill="{color}"/>'
        case "square":
            return f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{color}"/>'
        case "triangle":
            return f'<path d="M{x} {y - 4:.1f}l4 7h-8z" fill="{color}"/>'
        case "diamond":
            return f'<path d="M{x} {y - 4.5:.1f}l4 4.5-4 4.5-4-4.5z" fill="{color}"/>'
    return ""


def _legend(results, plan):
    measured = {contender for workload in plan.untouched for contender in results[workload]}
    shapes = []
    for index, contender in enumerate(contender for contender in LOOKS if contender in measured):
        color, shape, dashes = LOOKS[contender]
        x, y = 72 + index % 5 * 176, HEIGHT - 34 + index // 5 * 20
        width = 3 if contender is THREAD_CACHE else 1.6
        shapes += [
            f'<path d="M{x} {y}h28" stroke="{color}" stroke-width="{width}" stroke-dasharray="{dashes}"/>',
            _mark(shape, x + 14, y, color), f'<text x="{x + 34}" y="{y + 4}">{escape(contender.title)}</text>']
    return shapes


def _tick(nanoseconds):
    for unit, factor in [("s", 1e9), ("ms", 1e6), ("µs", 1e3)]:
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.0f} {unit}"
    return f"{nanoseconds:g} ns"
