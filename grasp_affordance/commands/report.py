"""`grasp-affordance report`: the generated parts of docs/results.md from reports on disk."""

from collections.abc import Sequence
from pathlib import Path

import tyro
from rich.console import Console

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.markdown import (
    CELLS,
    Report,
    details,
    overview,
    per_stack,
    sources,
)
from grasp_affordance.evaluation.plots import plot_causes, plot_success_rates
from grasp_affordance.evaluation.results_page import update_page
from grasp_affordance.evaluation.store import read_report


def run(
    reports: tyro.conf.Positional[Path] = Path("results/baselines"),
    output: Path = Path("docs/results.md"),
) -> None:
    """Write tables and pictures of the baselines into the results page.

    Args:
        reports: folder of reports that `grasp-affordance evaluate` wrote.
        output: the page; its parts between `generated` markers are replaced, pictures go to
            `images/` beside it.
    """
    found = [read_report(path) for path in sorted(reports.glob("*.json"))]
    if not found:
        raise ConfigError(f"{reports} holds no report: run `make results` first")
    update_page(output, {"baselines": baselines(found)})
    plot_success_rates(found, output.parent / "images" / "baselines.png")
    plot_causes(found, "prior", output.parent / "images" / "baseline_causes.png")
    Console().print(f"{len(found)} reports -> {output}", highlight=False)


def baselines(reports: Sequence[Report]) -> str:
    """Return the part on the baselines: overview, stack types and details of every cell."""
    parts = [sources(reports)]
    for cell in CELLS:
        if not any(report["cell"] == cell for report in reports):
            continue
        parts += [f"### The {cell} cell", overview(reports, cell)]
        for scene in ("train", "heldout"):
            if any((r["cell"], r["scene"]) == (cell, scene) for r in reports):
                parts += [f"`{scene}` by stack type:", per_stack(reports, cell, scene)]
        parts += ["All figures:", details(reports, cell)]
    return "\n\n".join(parts)
