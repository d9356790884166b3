"""`grasp-affordance train`: a robot in the simulated cell teaches itself to pick."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    track,
)

from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.cell_file import read_cell
from grasp_affordance.console import ReportTable
from grasp_affordance.evaluation.learning_report import plot_runs
from grasp_affordance.evaluation.learning_rows import LearningRow, LearningTable
from grasp_affordance.evaluation.learning_run import (
    LearningRunConfig,
    OnAttempt,
    learn_in_cell,
    pretrain_in_cell,
)
from grasp_affordance.evaluation.learning_store import LearningStore
from grasp_affordance.evaluation.make_learner import LearnerOptions, make_learner
from grasp_affordance.evaluation.sim_pile import check_cell, stacks_of
from grasp_affordance.learning.online import LearningPolicy
from grasp_affordance.learning.trainer import TrainingReport
from grasp_affordance.papers.suction.pretraining import PretrainConfig


def run(
    output: Path,
    scene: str = "train",
    hardness: str = "realistic",
    cell: str = "sim",
    attempts: int = 500,
    seed: int = 0,
    log: bool = False,
    resume: bool = False,
    learner: Annotated[
        LearnerOptions, tyro.conf.arg(name=""), tyro.conf.EnumChoicesFromValues
    ] = LearnerOptions(),  # noqa: B008
) -> None:
    """Learn to pick in the simulated cell, from scratch or from given weights, without ROS.

    Writes attempts.csv (a row per attempt, as it happens), summary.json, learning_curve.png
    (equation 5 of the suction paper), model.safetensors (for `evaluate --policy learned --weights`
    and the affordance node), and in weights/ all that is needed to go on.

    Args:
        output: folder of the run; a new one, unless it is resumed.
        scene: as in `evaluate`.
        hardness: of the simulated cell: ideal, realistic or adverse.
        cell: file of the cell that is simulated, or sim, ur5, ur5e, gazebo: its bin, cup and place
            area.
        attempts: of the run, those before a --resume included.
        seed: of cell, piles, initial weights and every draw.
        log: also keep every attempt with its frame in log/, before anything is learned from it (see
            `grasp-affordance attempts`).
        resume: go on with an interrupted run, or extend a finished one.
        learner: who learns, and how.
    """
    stacks_of(scene)
    check_cell(hardness)
    config = LearningRunConfig(scene, hardness, attempts, seed, described=read_cell(cell))
    with LearningStore(output, config, learner, resume) as store:
        _run(
            store, config, learner, log, f"{learner.preset} preset, scene {scene}, {hardness} cell"
        )


def _run(
    store: LearningStore, config: LearningRunConfig, learner: LearnerOptions, log: bool, title: str
) -> None:
    """Learn, and write what came of it; the rest is as for `run`."""
    policy = make_learner(learner, config.seed, store.weights)
    table = LearningTable(store.table, keep=policy.attempts)
    table.complete(store.logged(policy.attempts), policy.version)
    console = Console()
    _pretrain(console, config, policy, learner.pretrain)
    keep = store.log if log else None
    unlearned = store.unlearned(policy.attempts)
    with _progress(console, config.attempts, table) as show:
        learn_in_cell(config, policy, table, show, keep, unlearned)
    summary = store.finish(table.rows, policy)
    plot_runs({f"seed {config.seed}": table.rows}, store.folder / "learning_curve.png", title)
    console.print(_summary_table(summary))
    console.print(
        f"run: {store.folder}; weights: {store.folder / 'model.safetensors'}", highlight=False
    )


def _pretrain(
    console: Console, config: LearningRunConfig, policy: LearningPolicy, pretraining: PretrainConfig
) -> None:
    total = pretraining.images * pretraining.epochs
    losses = pretrain_in_cell(config, policy, pretraining)
    seen = list(track(losses, "coarsely labelled views", total, console=console)) if total else []
    if seen:
        last = sum(seen[-pretraining.images :]) / pretraining.images
        console.print(f"pretrained: loss {seen[0]:.3f} at first, {last:.3f} in the last epoch")


@contextmanager
def _progress(console: Console, total: int, table: LearningTable) -> Iterator[OnAttempt]:
    """Show a bar of attempts with the rolling success; yield what is to be called after each."""
    columns = (
        MofNCompleteColumn(),
        TextColumn("attempts"),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total, completed=len(table.rows))

        def show(row: LearningRow, _: GraspAttempt, report: TrainingReport) -> None:
            text = f"rolling success {row.rolling_success:.1%}, {row.version or report.event}"
            progress.update(task, advance=1, description=text)

        yield show


def _summary_table(summary: dict[str, Any]) -> ReportTable:
    table = ReportTable(title="Learning run", title_justify="left", show_header=False)
    for name, value in summary.items():
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        table.add_row(name.replace("_", " "), "–" if value is None else text)
    return table
