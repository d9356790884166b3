"""`python -m research experiment`: ways to learn against each other, over seeds."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from grasp_affordance.affordance.network.device import usable_device
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.parallel import Backend, run_all
from grasp_affordance.evaluation.runner import parse_seeds
from grasp_affordance.evaluation.store import read_json
from grasp_affordance.evaluation.tables import percent
from research.experiments.arms import EXPERIMENTS, Experiment, experiment
from research.experiments.results import read_experiments
from research.experiments.run import LearnJob, begun, jobs_of
from research.experiments.table import table_of
from research.tables import write_table


def run(
    name: tyro.conf.Positional[str] = "",
    attempts: int | None = None,
    seeds: str = "0:5",
    arms: tuple[str, ...] = (),
    tests: bool = True,
    clearances: int | None = None,
    workers: int = 1,
    backend: Backend = "local",
    device: str = "cpu",
    resume: bool = False,
    raw: Path = Path("output/experiments"),
    work: Path = Path("output/learning"),
    tables: Path = Path("results"),
) -> int:
    """Run a named experiment: every arm learns with every seed, and its weights are tested.

    Without a name, lists the experiments. What is finished is kept, whatever kills the rest;
    --resume goes on. The end is a table, which `python -m research report` writes into pages.

    Args:
        name: of the experiment.
        attempts: of each run; by default those of the experiment.
        seeds: A:B, from A up to B - 1; each is a cell, its piles and all draws.
        arms: only these.
        tests: clear the piles of the experiment's tests with the weights at the end.
        clearances: piles per test and seed; by default those of the experiment.
        workers: runs at a time, each in a process of its own.
        backend: local processes, or Ray (on the cluster that RAY_ADDRESS names, whose machines
            share these folders, or on this machine).
        device: on which all arms learn and predict, as torch names it: cpu, cuda.
        resume: keep finished runs and go on with interrupted ones.
        raw: every attempt and test: a folder per experiment, arm and seed.
        work: weights and the learners' states.
        tables: folder of published tables; the experiment's is `learning_NAME.json`.
    """
    console = Console()
    if not name:
        console.print(_list())
        return 0
    usable_device(device)
    chosen = _chosen(experiment(name).on(device), arms, attempts, tests, clearances)
    jobs = jobs_of(name, chosen, parse_seeds(seeds), raw, work)
    before = begun(jobs)
    if before and not resume:
        raise ConfigError(
            f"{before[0]} holds a run: add --resume to keep what is finished and go on with the "
            "rest, or choose other --raw and --work"
        )
    failed = _run(console, jobs, workers, backend)
    names = {job for job, _ in failed}
    console.print(_summary(name, [job for job in jobs if job.name not in names]))
    for job, problem in failed:
        console.print(f"[red]failed[/red] {job}: {problem}", highlight=False)
    found = next((each for each in read_experiments(raw) if each.name == name), None)
    if found is not None:
        path = tables / f"learning_{name}.json"
        write_table(path, table_of(found))
        console.print(f"table: {path}; every attempt: {raw / name}")
    return 1 if failed else 0


def _chosen(
    whole: Experiment,
    arms: Sequence[str],
    attempts: int | None,
    tests: bool,
    clearances: int | None,
) -> Experiment:
    unknown = sorted(set(arms) - whole.arms.keys())
    if unknown:
        raise ConfigError(f"no arms {', '.join(unknown)}: choose from {', '.join(whole.arms)}")
    if clearances is not None and clearances < 1:
        raise ConfigError(f"{clearances} clearances: leave tests out with --no-tests")
    return replace(
        whole,
        arms={name: arm for name, arm in whole.arms.items() if not arms or name in arms},
        attempts=whole.attempts if attempts is None else attempts,
        tests={s: clearances or n for s, n in whole.tests.items()} if tests else {},
    )


def _run(
    console: Console, jobs: Sequence[LearnJob], workers: int, backend: Backend
) -> list[tuple[str, str]]:
    """Run all jobs with a bar for each that is at work; return those that failed."""
    failed: list[tuple[str, str]] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars = _Bars(progress, jobs)
        for ended in run_all(jobs, workers, backend):
            if ended is not None:
                job, problem = ended
                bars.end(job.name)
                console.print(f"{'failed' if problem else 'done'}: {job.name}", highlight=False)
                if problem:
                    failed.append((job.name, problem))
            bars.show()
    return failed


class _Bars:
    """A bar for the whole, and one for each job that has begun and not ended."""

    def __init__(self, progress: Progress, jobs: Sequence[LearnJob]) -> None:
        self._progress = progress
        self._left = {job.name: job for job in jobs}
        self._at_first = {name: job.progress()[0] for name, job in self._left.items()}
        total = sum(job.progress()[1] for job in jobs)
        self._ended = 0.0
        self._whole = progress.add_task("all", total=total)
        self._bars: dict[str, TaskID] = {}
        self.show()

    def end(self, name: str) -> None:
        """Count a job as done."""
        self._ended += self._left.pop(name).progress()[1]
        if name in self._bars:
            self._progress.remove_task(self._bars.pop(name))

    def show(self) -> None:
        """Look at what the jobs have left on the disk."""
        done = self._ended
        for name, job in self._left.items():
            job_done, total = job.progress()
            done += job_done
            if name not in self._bars and job_done > self._at_first[name]:
                self._bars[name] = self._progress.add_task(name, total=total)
            if name in self._bars:
                self._progress.update(self._bars[name], completed=job_done)
        self._progress.update(self._whole, completed=done)


def _summary(name: str, jobs: Sequence[LearnJob]) -> Table:
    table = Table(title=f"Experiment {name}", title_justify="left")
    for column in ("arm", "seed", "attempts", "first 100", "last 100", "≥ 90 % after", "ECE"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for job in jobs:
        path = job.results / "summary.json"
        if not path.exists():
            continue
        figures = read_json(path)["figures"]
        soon, error = figures["attempts_to_90"], figures["calibration_error"]
        table.add_row(
            job.arm,
            str(job.config.seed),
            str(figures["attempts"]),
            percent(figures["success_first"]),
            percent(figures["success_last"]),
            "–" if soon is None else str(soon),
            "–" if error is None else f"{error:.3f}",
        )
    return table


def _list() -> Table:
    table = Table(title="Experiments", title_justify="left")
    for column in ("name", "attempts", "arms", "tests", "question"):
        table.add_column(column, no_wrap=column in ("name", "attempts"))
    for name, each in EXPERIMENTS.items():
        tests = ", ".join(each.tests)
        table.add_row(name, str(each.attempts), ", ".join(each.arms), tests, each.question)
    return table
