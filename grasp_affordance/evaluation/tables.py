"""The figures of a run as tables on the terminal, and in words and numbers for any table."""

from collections.abc import Iterator, Mapping
from typing import Any

from grasp_affordance.console import ReportTable


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


def seconds_text(figures: Mapping[str, Any]) -> str:
    """Return the mean seconds of an attempt, in total and by phase."""
    spent = figures["phase_seconds"]
    if not figures["attempts"]:
        return "–"
    listed = ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in spent.items())
    return f"{sum(spent.values()):.2f} ({listed})"


def run_tables(report: Mapping[str, Any]) -> Iterator[ReportTable]:
    """Yield the terminal's tables of one report: all its figures; then seeds and stack types."""
    total = report["total"]
    title = f"{report['policy']} · {report['scene']} · {report['cell']} cell"
    table = ReportTable(title=title, title_justify="left", show_header=False)
    for name, value in (
        ("piles cleared", f"{total['piles_cleared']} of {total['piles']}"),
        ("attempts", str(total["attempts"])),
        ("success rate", _rate(total, "success_rate")),
        ("objects cleared per attempt", percent(total["objects_cleared_per_attempt"])),
        ("completion", _rate(total, "completion")),
        ("picks per hour", _per_hour(total)),
        ("seconds of a pick", seconds_text(total)),
        ("picks between two interventions", _per_intervention(total)),
        ("lifted, placed", f"{total['lifted']}, {total['placed']}"),
        ("sensed wrongly", percent(total["disagreement_rate"])),
        ("causes of failure", causes_text(total)),
    ):
        table.add_row(name, value)
    yield table
    groups: list[tuple[str, Mapping[str, Any]]] = []
    if len(report["per_seed"]) > 1:
        groups += [(f"seed {name}", figures) for name, figures in report["per_seed"].items()]
    if len(report["per_stack"]) > 1:
        groups += list(report["per_stack"].items())
    if groups:
        table = ReportTable("")
        for name in ("cleared", "attempts", "success rate", "completion", "picks / h"):
            table.add_column(name, justify="right")
        for name, figures in groups:
            table.add_row(
                name,
                f"{figures['piles_cleared']}/{figures['piles']}",
                str(figures["attempts"]),
                _rate(figures, "success_rate"),
                percent(figures["completion"]),
                _per_hour(figures),
            )
        yield table


def _rate(figures: Mapping[str, Any], name: str) -> str:
    return with_interval(figures[name], figures[f"{name}_interval"])


def _per_hour(figures: Mapping[str, Any]) -> str:
    per_hour = figures["picks_per_hour"]
    return "–" if per_hour is None else f"{per_hour:.0f}"


def _per_intervention(figures: Mapping[str, Any]) -> str:
    count = figures["interventions"]
    if not count:
        return f"none in {figures['placed']}"
    return f"{figures['picks_per_intervention']:.0f} ({count} interventions)"
