"""What experiments have left on disk, and the figures of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.evaluation.learning_rows import LearningRow, read_learning_rows
from grasp_affordance.evaluation.store import read_json, read_report
from grasp_affordance.learning.curve import WINDOW
from research.experiments.arms import EXPERIMENTS, Arm, Experiment

Report = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ArmRun:
    """One arm with one seed, finished.

    Attributes:
        rows: every attempt.
        summary: as the run wrote it.
        tests: scene -> report of its weights at the end.
    """

    seed: int
    rows: Sequence[LearningRow]
    summary: Report
    tests: Mapping[str, Report]

    @property
    def success(self) -> Array:
        """Return (N,) 1 for each attempt that truly succeeded, else 0."""
        return np.array([row.succeeded for row in self.rows], dtype=np.float64)

    def attempts_to(self, level: float) -> int | None:
        """Return after how many attempts the success over a full window first was at least this."""
        reached = np.flatnonzero(rolling(self.success)[WINDOW - 1 :] >= level - 1e-9)
        return int(reached[0]) + WINDOW if reached.size else None

    def share(self, part: slice) -> float:
        """Return the success of a part of the attempts; NaN where it is not a full window."""
        chosen = self.success[part]
        return float(chosen.mean()) if len(chosen) == WINDOW else float("nan")


FIRST, LAST = slice(None, WINDOW), slice(-WINDOW, None)


@dataclass(frozen=True, eq=False)
class ExperimentResults:
    """The finished runs of one experiment.

    Attributes:
        name: of the experiment; definition: what it compares.
        runs: arm -> its runs by seed; arms without a finished run are missing.
    """

    name: str
    definition: Experiment
    runs: Mapping[str, Sequence[ArmRun]]

    def arm(self, name: str) -> Arm:
        """Return what an arm is; one that is no longer defined is described by its flags."""
        run = self.runs[name][0].summary
        flags, cell = run["flags"], run["run"]["cell"]
        return self.definition.arms.get(name) or Arm("no longer defined", flags, cell)


def read_experiments(folder: Path) -> list[ExperimentResults]:
    """Return the experiments that have finished runs, in the order in which they are defined."""
    found = [_read(name, each, folder) for name, each in EXPERIMENTS.items()]
    return [results for results in found if results.runs]


def rolling(success: Array, window: int = WINDOW) -> Array:
    """Return (N,) the success over the last `window` attempts, over all while there are fewer."""
    total = np.concatenate([[0.0], np.cumsum(success)])
    ends = np.arange(1, len(success) + 1)
    starts = np.maximum(ends - window, 0)
    return np.asarray((total[ends] - total[starts]) / (ends - starts))


def _read(name: str, definition: Experiment, folder: Path) -> ExperimentResults:
    runs: dict[str, list[ArmRun]] = {arm: [] for arm in definition.arms}
    for path in (folder / name).glob("*-seed*/summary.json"):
        arm, _, seed = path.parent.name.rpartition("-seed")
        runs.setdefault(arm, []).append(_read_run(path.parent, int(seed)))
    sorted_runs = {arm: sorted(found, key=lambda run: run.seed) for arm, found in runs.items()}
    finished = {arm: found for arm, found in sorted_runs.items() if found}
    return ExperimentResults(name, definition, finished)


def _read_run(folder: Path, seed: int) -> ArmRun:
    summary = read_json(folder / "summary.json")
    # What an extension of the run has added since is not finished.
    rows = read_learning_rows(folder / "attempts.csv")[: summary["figures"]["attempts"]]
    tests = {
        path.stem: report
        for path in sorted(folder.glob("*.json"))
        if path.name != "summary.json"
        and (report := read_report(path))["identity"]["weights"] == summary["weights"]
    }
    return ArmRun(seed, rows, summary, tests)
