"""`grasp-affordance evaluate`: how well a policy clears bins in the simulated cell."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from grasp_affordance.affordance.shipped import SHIPPED, weights_file
from grasp_affordance.cell_file import read_cell
from grasp_affordance.evaluation import runner
from grasp_affordance.evaluation.make_policy import check_policy
from grasp_affordance.evaluation.protocol import ProtocolConfig
from grasp_affordance.evaluation.records import Clearance
from grasp_affordance.evaluation.reliability import plot_reliability
from grasp_affordance.evaluation.sim_pile import check_cell, clear_simulated_pile, stacks_of
from grasp_affordance.evaluation.tables import run_tables


def run(
    policy: str,
    output: Path,
    scene: str = "train",
    hardness: str = "realistic",
    cell: str = "sim",
    seeds: str = "0:3",
    clearances: int = 8,
    weights: Path | None = None,
    min_probability: float | None = None,
    device: str = "cpu",
    workers: int = 1,
    resume: bool = False,
    rows: bool = False,
    protocol: ProtocolConfig = ProtocolConfig(),  # noqa: B008
) -> None:
    """Clear simulated bins by one policy and report success rates with 95 % intervals.

    docs/results.md describes the protocol. The report is written when all is done; until then every
    finished clearance is kept beside it, so that --resume continues a killed run.

    Args:
        policy: highest, prior, prior_abstaining, learned or oracle.
        output: the report, JSON.
        scene: train (its four stack types in turn), test1, test2, test3, heldout (nine families of
            other shapes in turn), all (both in turn), or a single stack type.
        hardness: of the simulated cell: ideal, realistic or adverse.
        cell: file of the cell that is simulated, or sim, ur5, ur5e, gazebo: its bin, cup and place
            area.
        seeds: A:B, from A up to B - 1; each is a cell of its own, with its own calibration error.
        clearances: piles per seed.
        weights: of a learned policy: a file, or `shipped`, the default.
        min_probability: expected success rate below which a policy hands a bin back; by default 0
            for the prior, and 0.3, as the affordance node has it, for prior_abstaining and learned.
        device: on which a learned policy predicts, as torch names it: cpu, cuda.
        workers: parallel processes.
        resume: continue or extend what the output holds.
        rows: also write every attempt to a CSV beside the output.
        protocol: rules of a clearance.
    """
    check_policy(policy, weights)
    if policy == "learned":
        weights = weights_file(weights or SHIPPED)  # the report names them by their digest
    stacks_of(scene)
    check_cell(hardness)
    config = runner.RunConfig(
        policy,
        scene,
        hardness,
        weights,
        min_probability,
        protocol,
        device,
        described=read_cell(cell),
    )
    chosen = runner.parse_seeds(seeds)
    console = Console()
    with _progress(console, len(chosen) * clearances) as show:
        report = runner.run(
            config,
            chosen,
            clearances,
            output,
            clear_simulated_pile,
            workers=workers,
            resume=resume,
            rows=rows,
            on_cleared=show,
        )
    for table in run_tables(report):
        console.print(table)
    if calibration := report.get("calibration"):
        picture = output.with_suffix(".reliability.png")
        plot_reliability(calibration, picture, f"{policy}, {scene}, {hardness} cell")
        console.print(
            f"predicted probabilities: Brier score {calibration['brier']:.3f}, expected calibration"
            f" error {calibration['expected_calibration_error']:.3f}; diagram: {picture}",
            highlight=False,
        )
    console.print(f"report: {output}", highlight=False)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[runner.OnCleared]:
    """Show a bar of piles; yield what is to be called after each."""
    columns = (
        MofNCompleteColumn(),
        TextColumn("piles"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total)
        successes = attempts = 0

        def show(clearance: Clearance) -> None:
            nonlocal successes, attempts
            successes += clearance.successes
            attempts += clearance.attempts
            text = f"{successes} of {attempts} attempts succeeded"
            progress.update(task, advance=1, description=text)

        yield show
