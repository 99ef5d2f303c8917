"""What a part of Benchmarks/reliability found."""


class Failure(Exception):
    """What must hold does not: a sentence."""


class Skipped(Exception):
    """This machine lacks what the part needs: a sentence."""


class Result:
    """Rows of a table: what was measured, the figure, what it must be, and whether it is."""

    def __init__(self):
        self.rows = []
        self.failures = []

    def note(self, what, figure):
        """A figure that nothing is demanded of."""
        self.rows.append((what, figure, "", ""))

    def demand(self, what, figure, bound, holds):
        self.rows.append((what, figure, bound, "yes" if holds else "**no**"))
        if not holds:
            self.failures.append(f"{what}: {figure}, not {bound}")

    def demand_equal(self, what, figure, wanted):
        self.demand(what, f"{figure:,}", f"{wanted:,}", figure == wanted)

    def markdown(self):
        lines = ["| | measured | must be | holds |", "| --- | ---: | ---: | --- |"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines)


def mebibytes(count):
    return f"{count / (1 << 20):.1f} MiB"
