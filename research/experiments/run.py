"""Runs of an experiment as jobs: an arm learns and is tested.

Results hold small files only, and all that the report needs:

    NAME/ARM-seedN/attempts.csv      a row per attempt, as it happens
    NAME/ARM-seedN/summary.json      figures; there when the run has learned, not while it learns
    NAME/ARM-seedN/SCENE.json        tests of the weights at the end

Weights and the learner's state are in the work folder, under the same names.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasp_affordance.affordance.network.checkpoint_parts import differences
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation import runner
from grasp_affordance.evaluation.learning_rows import LearningTable
from grasp_affordance.evaluation.learning_run import (
    LearningRunConfig,
    learn_in_cell,
    pretrain_in_cell,
)
from grasp_affordance.evaluation.learning_store import LearningStore, run_identity
from grasp_affordance.evaluation.make_learner import make_learner
from grasp_affordance.evaluation.sim_pile import clear_simulated_pile
from grasp_affordance.evaluation.store import (
    drop_other_runs,
    file_digest,
    piles_done,
    read_json,
    read_report,
    write_json,
)
from grasp_affordance.folder_lock import FolderLock
from research.experiments.arms import Experiment, learner_options

logger = logging.getLogger(__name__)

OBJECTS = 20  # of a usual pile, to tell progress in attempts


@dataclass(frozen=True)
class LearnJob:
    """One arm with one seed: learns, then clears the piles of its tests.

    What is finished stays as it is; what was interrupted goes on.

    Attributes:
        experiment, arm: names.
        flags: of the learner, as for `grasp-affordance train`.
        config: where is learned, how long, with which seed.
        tests: scene -> piles to clear with the weights at the end.
        results, work: folders of this run.
    """

    experiment: str
    arm: str
    flags: str
    config: LearningRunConfig
    results: Path
    work: Path
    tests: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return its name, unique in the experiment."""
        return f"{self.arm}, seed {self.config.seed}"

    @property
    def weights(self) -> Path:
        """Return the file of the weights at the end."""
        return self.work / "model.safetensors"

    @property
    def table(self) -> Path:
        """Return the file of its attempts."""
        return self.results / "attempts.csv"

    @property
    def summary(self) -> Path:
        """Return the file of its figures."""
        return self.results / "summary.json"

    def run(self) -> None:
        """Learn and test what is left to do.

        Raises:
            ConfigError: the folders hold another run.
            BusyError: another process is at it.
        """
        _one_thread()
        self.results.mkdir(parents=True, exist_ok=True)
        with FolderLock(self.results):
            summary = self._summary()
            if summary is None or (self._untested(summary) and not self._has_weights(summary)):
                summary = self._learn()
            for scene in self._untested(summary):
                self._test(scene)

    def progress(self) -> tuple[float, float]:
        """Return how much is done of how much, in attempts."""
        total = self.config.attempts + OBJECTS * sum(self.tests.values())
        done = min(count_rows(self.table), self.config.attempts)
        piles = sum(
            min(piles_done(self.results / f"{scene}.json"), piles)
            for scene, piles in self.tests.items()
        )
        return done + OBJECTS * piles, total

    def _summary(self) -> dict[str, Any] | None:
        """Return the summary of a run that has learned enough, if there is one.

        Raises:
            ConfigError: it is of another run.
        """
        path = self.summary
        if not path.exists():
            return None
        found = read_json(path)
        wanted = run_identity(self.config, learner_options(self.flags))
        wrong = differences(found["run"], wanted)
        if wrong:
            raise ConfigError(
                f"{path} is of another run (different: {', '.join(wrong)}); remove its folder to "
                "run it anew, or choose another --raw"
            )
        return found if found["learned"] >= self.config.attempts else None

    def _has_weights(self, summary: Mapping[str, Any]) -> bool:
        return self.weights.exists() and file_digest(self.weights) == summary["weights"]

    def _learn(self) -> dict[str, Any]:
        options, seed = learner_options(self.flags), self.config.seed
        with LearningStore(self.work, self.config, options, resume=True) as store:
            policy = make_learner(options, seed, store.weights)
            # Without the work folder it begins anew; with the old summary it would pass for done.
            self.summary.unlink(missing_ok=True)
            table = self._table_of(policy.attempts)
            for _ in pretrain_in_cell(self.config, policy, options.pretrain):
                pass
            learn_in_cell(self.config, policy, table)
            store.finish(table.rows, policy)
        summary = {
            **read_json(self.work / "summary.json"),
            "experiment": self.experiment,
            "arm": self.arm,
            "flags": self.flags,
            "learned": policy.attempts,
            "weights": file_digest(self.weights),
        }
        write_json(self.summary, summary)
        return summary

    def _table_of(self, attempts: int) -> LearningTable:
        """Return the rows of a learner that has made so many attempts."""
        table = LearningTable(self.table, keep=attempts)
        last = table.rows[-1].number if table.rows else -1
        # A kill after a training sample and before its row costs the row, which leaves a gap in the
        # numbers.
        if last < attempts - 2:
            raise ConfigError(
                f"{self.work} has learned from {attempts} attempts, but {table.path} ends "
                f"with number {last}; remove both folders to run it anew"
            )
        return table

    def _untested(self, summary: Mapping[str, Any]) -> list[str]:
        """Return the scenes in which these weights have not cleared all piles."""
        return [
            scene
            for scene, piles in self.tests.items()
            if not _holds(self.results / f"{scene}.json", summary["weights"], piles)
        ]

    def _test(self, scene: str) -> None:
        output = self.results / f"{scene}.json"
        options = learner_options(self.flags)
        config = runner.RunConfig(
            "learned",
            scene,
            self.config.cell,
            self.weights,
            # The paper's robot never abstains.
            min_probability=0.0 if options.preset == "paper" else options.min_probability,
            protocol=self.config.protocol,
            device=options.device,
        )
        for path in drop_other_runs(output, config.identity()):
            logger.info("%s was of weights that have learned since: tested anew", path)
        runner.run(
            config,
            [self.config.seed],
            self.tests[scene],
            output,
            clear_simulated_pile,
            resume=True,
        )


def jobs_of(
    name: str, chosen: Experiment, seeds: Sequence[int], results: Path, work: Path
) -> list[LearnJob]:
    """Return the jobs of an experiment, seed after seed, so that a part of it shows all arms."""
    results, work = results.resolve(), work.resolve()
    jobs: list[LearnJob] = []
    for seed in seeds:
        for arm, each in chosen.arms.items():
            config = LearningRunConfig(chosen.scene, each.cell, chosen.attempts, seed)
            folder = Path(name) / f"{arm}-seed{seed}"
            jobs.append(
                LearnJob(
                    name, arm, each.flags, config, results / folder, work / folder, chosen.tests
                )
            )
    return jobs


def begun(jobs: Sequence[LearnJob]) -> list[Path]:
    """Return the folders in which runs of these jobs were begun or finished before."""
    folders = [folder for j in jobs for folder in (j.results, j.work)]
    return [folder for folder in folders if folder.is_dir() and any(folder.iterdir())]


def count_rows(table: Path) -> int:
    """Return the number of rows of a CSV that may be growing."""
    return max(0, table.read_bytes().count(b"\n") - 1) if table.exists() else 0


def _holds(output: Path, weights: str, piles: int) -> bool:
    if not output.exists():
        return False
    report = read_report(output)
    return report["identity"]["weights"] == weights and len(report["clearances"]) >= piles


def _one_thread() -> None:
    """Leave the other cores to other runs; a network so small gains little from threads."""
    import torch

    torch.set_num_threads(1)
