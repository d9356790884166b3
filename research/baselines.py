"""Reports of `grasp-affordance evaluate` as one table: a row per policy and scene."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.provenance import machine_text
from grasp_affordance.evaluation.store import read_report
from grasp_affordance.evaluation.tables import causes_text, with_interval
from research.tables import Table

POLICIES = {
    "highest": "the highest point",
    "prior": "the seal prior",
    "prior_abstaining": "the seal prior, not below 0.3",
    "learned": "the shipped weights, not below 0.3",
    "oracle": "an oracle that knows the scene",
}
PLACES = (
    ("realistic", "train"),
    ("realistic", "test1"),
    ("realistic", "test2"),
    ("realistic", "test3"),
    ("realistic", "heldout"),
    ("adverse", "train"),
)
COMMAND = "make results"

Report = Mapping[str, Any]


def read_reports(folder: Path) -> list[Report]:
    """Return the reports in a folder in the order of the table.

    Raises:
        ConfigError: there is none.
    """
    found: dict[tuple[str, ...], Report] = {
        (report["cell"], report["scene"], report["policy"]): report
        for report in map(read_report, sorted(folder.glob("*.json")))
    }
    ordered = [
        found[(*place, policy)]
        for place in PLACES
        for policy in POLICIES
        if (*place, policy) in found
    ]
    if not ordered:
        raise ConfigError(f"{folder} holds no report; `make results` makes them")
    return ordered


def in_short(reports: Sequence[Report]) -> Table:
    """Return `success / objects picked` in percent: a row per policy, a column per place."""
    found = {(r["cell"], r["scene"], r["policy"]): r["total"] for r in reports}
    columns = [scene if cell == "realistic" else f"{scene}, {cell}" for cell, scene in PLACES]
    rows = [
        [label, *(_short(found.get((*place, policy))) for place in PLACES)]
        for policy, label in POLICIES.items()
        if any((*place, policy) in found for place in PLACES)
    ]
    note = "Success of the attempts / share of the objects picked, in percent. Compare both."
    return _table("Baselines in short", ["picks by", *columns], rows, reports, note)


def in_full(reports: Sequence[Report]) -> Table:
    """Return a row per place and policy with intervals, spread over seeds and causes."""
    columns = ["cell", "scene", "policy", "piles", "attempts", "success", "over seeds"]
    columns += ["objects picked", "ECE", "causes of failure"]
    note = "Success with its 95 % interval over piles; *over seeds* is the standard deviation."
    rows = [_row(report) for report in reports]
    error = columns.index("ECE")
    if all(row[error] == "–" for row in rows):  # the attempts were not kept
        columns = [name for name in columns if name != "ECE"]
        rows = [[*row[:error], *row[error + 1 :]] for row in rows]
    return _table("Baselines", columns, rows, reports, note)


def _row(report: Report) -> list[str]:
    total, spread = report["total"], report["spread_over_seeds"]["success_rate"]["std"]
    error = (report.get("calibration") or {}).get("expected_calibration_error")
    return [
        report["cell"],
        report["scene"],
        report["policy"],
        str(total["piles"]),
        str(total["attempts"]),
        with_interval(total["success_rate"], total["success_rate_interval"]),
        "–" if spread is None else f"± {100 * spread:.1f}",
        with_interval(total["completion"], total["completion_interval"]),
        "–" if error is None else f"{error:.3f}",
        causes_text(total),
    ]


def _short(figures: Mapping[str, Any] | None) -> str:
    if figures is None or figures["success_rate"] is None:
        return "–"
    return f"{100 * figures['success_rate']:.1f} / {100 * figures['completion']:.0f}"


def _table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    reports: Sequence[Report],
    note: str,
) -> Table:
    seeds = sorted({int(seed) for report in reports for seed in report["per_seed"]})
    revisions = sorted({each for report in reports for each in report["provenance"]["revisions"]})
    machines = sorted({machine_text(report["provenance"]["machine"]) for report in reports})
    return Table(
        title,
        COMMAND,
        f"{seeds[0]}:{seeds[-1] + 1}",
        ", ".join(revisions),
        "; ".join(machines),
        columns,
        rows,
        note,
    )
