"""`python -m research report`: the generated parts of docs/results.md from reports on disk."""

from collections.abc import Sequence
from pathlib import Path

import tyro
from rich.console import Console

from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.store import read_report
from research.experiments.markdown import learning as learning_part
from research.experiments.markdown import picture_name
from research.experiments.plots import plot_experiment
from research.experiments.results import read_experiments
from research.report.markdown import CELLS, Report, details, in_short, overview, per_stack, sources
from research.report.plots import plot_causes, plot_success_rates
from research.report.results_page import update_page


def run(
    reports: tyro.conf.Positional[Path] = Path("results/baselines"),
    output: Path = Path("docs/results.md"),
    learning: Path = Path("results/learning"),
    readme: Path | None = Path("README.md"),
) -> None:
    """Write tables and pictures of baselines and experiments into the results page and README.

    Args:
        reports: folder of reports that `grasp-affordance evaluate` wrote.
        output: the page; its parts between `generated` markers are replaced, pictures go to
            `images/` beside it.
        learning: folder of what `python -m research experiment` wrote; experiments without a
            finished run are not shown.
        readme: page whose part `in short` gets the baselines' smallest table; None for none.
    """
    found = [read_report(path) for path in sorted(reports.glob("*.json"))]
    experiments = read_experiments(learning)
    parts = {}
    if found:
        parts["baselines"] = baselines(found)
    if experiments:
        parts["learning"] = learning_part(experiments)
    if not parts:
        raise ConfigError(
            f"{reports} holds no report, {learning} no finished run: run `make results` or "
            "`python -m research experiment` first"
        )
    update_page(output, parts)
    if found and readme is not None:
        update_page(readme, {"in short": in_short(found)})
    images = output.parent / "images"
    if found:
        plot_success_rates(found, images / "baselines.png")
        plot_causes(found, "prior", images / "baseline_causes.png")
    for results in experiments:
        plot_experiment(results, images / picture_name(results.name))
    Console().print(
        f"{len(found)} reports, {len(experiments)} experiments -> {output}", highlight=False
    )


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
