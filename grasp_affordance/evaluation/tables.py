"""The figures of a run as a table on the terminal, and in words and numbers for any table."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

COLUMNS = (
    "piles",
    "attempts",
    "success rate",
    "cleared / attempt",
    "completion",
    "picks / h",
    "lifted",
    "placed",
    "sensed wrongly",
    "causes of failure",
)


def percent(value: float | None) -> str:
    """Return a share with one decimal of a percent; a dash where it is unknown."""
    return "–" if value is None else f"{100 * value:.1f} %"


def with_interval(value: float | None, interval: list[float] | None) -> str:
    """Return a share with its 95 % interval: `96.6 % (94.1–98.0)`."""
    if value is None or interval is None:
        return percent(value)
    low, high = (100 * end for end in interval)
    return f"{percent(value)} ({low:.1f}–{high:.1f})"


def causes_text(figures: Mapping[str, Any], count: int = 3) -> str:
    """Return the most frequent true causes of failure with their numbers."""
    listed = [f"{cause} {number}" for cause, number in list(figures["causes"].items())[:count]]
    more = sum(figures["causes"].values()) - sum(list(figures["causes"].values())[:count])
    return ", ".join([*listed, *([f"other {more}"] if more else [])])


def figures_row(figures: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the cells of `COLUMNS` for one group of clearances."""
    per_hour = figures["picks_per_hour"]
    return (
        f"{figures['piles_cleared']}/{figures['piles']}",
        str(figures["attempts"]),
        with_interval(figures["success_rate"], figures["success_rate_interval"]),
        percent(figures["objects_cleared_per_attempt"]),
        with_interval(figures["completion"], figures["completion_interval"]),
        "–" if per_hour is None else f"{per_hour:.0f}",
        str(figures["lifted"]),
        str(figures["placed"]),
        percent(figures["disagreement_rate"]),
        causes_text(figures),
    )


def run_table(report: Mapping[str, Any]) -> Table:
    """Return the terminal's table of one report: total, seeds, stack types."""
    table = Table(title=f"{report['policy']} · {report['scene']} · {report['cell']} cell")
    table.add_column("")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name.startswith("causes") else "right")
    groups = [("total", report["total"])]
    if len(report["per_seed"]) > 1:
        groups += [(f"seed {name}", figures) for name, figures in report["per_seed"].items()]
    if len(report["per_stack"]) > 1:
        groups += list(report["per_stack"].items())
    for name, figures in groups:
        table.add_row(name, *figures_row(figures), end_section=name == "total")
    return table
