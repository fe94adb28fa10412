"""Figures with their bounds, as a table, and the verdict over all of them."""
import math
import sys


def say(text):
    """Progress, on standard error; standard output has the table alone."""
    print(text, file=sys.stderr, flush=True)


def percentile(values, share):
    """The smallest value that at least `share` of the values do not exceed; NaN for none."""
    if not values:
        return float("nan")
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


def milliseconds(seconds):
    return f"{seconds * 1000:.2f} ms"


def mebibytes(count):
    return f"{count / (1 << 20):.1f} MiB"


class Table:
    def __init__(self, title):
        self.title, self.rows, self.failed = title, [], False

    def add(self, name, figure, bound="", holds=None):
        """A row; `holds` is None for a figure without a bound."""
        verdict = "" if holds is None else "holds" if holds else "FAILS"
        self.failed = self.failed or holds is False
        self.rows.append((name, figure, bound, verdict))

    def latencies(self, name, values, p99=None, maximum=None):
        """A row of p50, p99 and the maximum, each in milliseconds; the bounds are in seconds. No value at all fails a bound."""
        bounds = ([f"p99 < {p99 * 1000:.0f} ms"] if p99 else []) + ([f"max < {maximum * 1000:.0f} ms"] if maximum else [])
        holds = None
        if bounds:
            holds = bool(values) and (not p99 or percentile(values, 0.99) < p99) and (not maximum or max(values) < maximum)
        figure = "none" if not values else (
            f"{len(values):7d} ×  p50 {milliseconds(percentile(values, 0.5))}  p99 {milliseconds(percentile(values, 0.99))}"
            f"  max {milliseconds(max(values))}")
        self.add(name, figure, ", ".join(bounds), holds)

    def complete(self, work):
        """Does `work()`, which adds rows, and prints the table with whatever came of it. Returns the exit code."""
        try:
            work()
        except OSError as fault:
            self.add("ended early: the service did not answer", str(fault) or type(fault).__name__, "always", False)
        return self.finish()

    def finish(self):
        """Prints the table. Returns the exit code: 1 when a bound is broken."""
        widths = [max([len(row[column]) for row in self.rows] + [0]) for column in range(4)]
        print(self.title)
        for row in self.rows:
            print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
        print("a bound is broken" if self.failed else "every bound holds", flush=True)
        return 1 if self.failed else 0
