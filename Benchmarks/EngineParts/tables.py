"""What was measured, as Markdown."""

import statistics

CPU = "processorSecondsPerGigabyte"
RATE = "megabytesPerSecond"


def size_name(byte_count):
    return f"{byte_count >> 20} MiB" if byte_count >= 1 << 20 else f"{byte_count >> 10} KiB"


def values(rounds, name, key):
    return [figures[name][key] for figures in rounds]


def cell(numbers, digits):
    return f"{statistics.median(numbers):,.{digits}f} ({min(numbers):,.{digits}f}–{max(numbers):,.{digits}f})"


def ratio(rounds, name, base):
    """Within each round: what slows the machine down slows both."""
    return cell([figures[name][CPU] / figures[base][CPU] for figures in rounds], 2)


def engine_table(rows):
    """`rows`: a size, and its rounds when hot and when cold."""
    count = len(rows[0][1]["hot"])
    lines = [
        f"**Engines**, median (lowest–highest) of {count} round{'s' * (count > 1)}",
        "",
        "| files | | buffered: CPU s per GB | direct: CPU s per GB | direct ÷ buffered | buffered: MB/s | direct: MB/s"
        " | auto reads past the page cache |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for size, states in rows:
        for state, rounds in states.items():
            lines.append(
                f"| {size_name(size)} | {state} | {cell(values(rounds, 'buffered', CPU), 3)}"
                f" | {cell(values(rounds, 'direct', CPU), 3)} | {ratio(rounds, 'direct', 'buffered')}"
                f" | {cell(values(rounds, 'buffered', RATE), 0)} | {cell(values(rounds, 'direct', RATE), 0)}"
                f" | {100 * statistics.median(values(rounds, 'auto', 'directShare')):.0f} % |")
    lines += ["", "When part of a file is resident, a buffered read costs between hot and cold. It costs less than a direct read when"
              " more than this share is resident: " + ", ".join(break_even(size, states) for size, states in rows) + "."]
    return "\n".join(lines)


def break_even(size, states):
    hot = statistics.median(values(states["hot"], "buffered", CPU))
    cold = statistics.median(values(states["cold"], "buffered", CPU))
    direct = statistics.median(values(states["cold"], "direct", CPU))
    if direct >= cold:
        share = "none"
    elif direct <= hot:
        share = "all"
    else:
        share = f"{100 * (cold - direct) / (cold - hot):.0f} %"
    return f"{size_name(size)} {share}"


def block_table(engine, state, size, rounds):
    lines = [
        f"**Blocks**, {engine}, {size_name(size)}, {state}",
        "",
        "| block | CPU s per GB | MB/s |",
        "| --- | ---: | ---: |",
    ]
    lines += [
        f"| {size_name(name)} | {cell(values(rounds, name, CPU), 3)} | {cell(values(rounds, name, RATE), 0)} |"
        for name in rounds[0]]
    return "\n".join(lines)
