"""The folder of a learning run.

run.json         what is learned where: nothing of it may change when the run goes on; and the
                 revisions that have worked on it, which may
attempts.csv     a row per attempt; what a kill took of it comes back from log/
weights/         the learner's state and its checkpoints
log/             the attempts with their frames, where they are kept
summary.json     figures, written at the end
model.safetensors  the weights in service at the end
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.learning_report import summarise_learning
from grasp_affordance.evaluation.learning_rows import LearningRow, RunFacts
from grasp_affordance.evaluation.learning_run import LearningRunConfig
from grasp_affordance.evaluation.make_learner import LearnerOptions
from grasp_affordance.evaluation.provenance import provenance, revision
from grasp_affordance.evaluation.store import read_json, refuse_other_run, write_json
from grasp_affordance.files import Closing
from grasp_affordance.folder_lock import FolderLock
from grasp_affordance.learning.log.attempt_log import (
    ATTEMPTS,
    AttemptLog,
    AttemptLogError,
    read_attempt,
    read_facts,
    read_log,
)
from grasp_affordance.learning.log.setup import LogSetup, open_log
from grasp_affordance.learning.online import LearningPolicy

SCHEMA = "grasp_affordance/learning/1"


class LearningStore(Closing):
    """The files of one run; leave it, as a context, to let others write to them.

    Raises:
        ConfigError: the folder holds another run, or one that is not to be resumed.
        BusyError: another process is at it.
    """

    def __init__(
        self, folder: Path, config: LearningRunConfig, learner: LearnerOptions, resume: bool
    ) -> None:
        self.folder = folder
        self.table, self.weights = folder / "attempts.csv", folder / "weights"
        self._log_folder = folder / "log"
        self._config = config
        self._device = learner.device
        self._log: AttemptLog | None = None
        self._identity = run_identity(config, learner)
        path = folder / "run.json"
        if not resume and folder.exists() and any(folder.iterdir()):
            raise ConfigError(
                f"{folder} is not empty: add --resume to go on with its run, or choose another"
            )
        self._lock = FolderLock(folder)
        self._revisions = self._earlier(path) if resume and path.exists() else []
        if (this := revision()) not in self._revisions:
            self._revisions.append(this)
        write_json(path, {**self._identity, "revisions": self._revisions})

    def close(self) -> None:
        """Let others write."""
        if self._log is not None:
            self._log.close()
        self._lock.close()

    def _earlier(self, path: Path) -> list[str]:
        """Return the revisions that have worked on a run, if it is this one.

        Raises:
            ConfigError: it is another.
        """
        found = read_json(path)
        # Who began a run before they were kept, nobody knows any more.
        revisions: list[str] = found.pop("revisions", ["unknown"])
        remedy = "give the same options, or another --output"
        refuse_other_run(path, found, self._identity, remedy)
        return revisions

    def log(self, attempt: GraspAttempt, facts: RunFacts) -> None:
        """Keep an attempt with its frame and what its row needs.

        Raises:
            AttemptLogError: the log is of another setup, or the disk is full.
        """
        if self._log is None:
            if attempt.before is None:
                raise ConfigError("an attempt without a frame cannot begin a log")
            self._log = open_log(
                self._log_folder,
                LogSetup.of(self._config.described),
                attempt.before,
                attempt.T_base_camera,
            )
        self._log.append(attempt, asdict(facts))

    def logged(self, learned: int) -> Iterator[tuple[GraspAttempt, RunFacts]]:
        """Yield the logged attempts among the first `learned`, without frames, and their facts.

        Raises:
            AttemptLogError: the log is damaged, or another program's.
        """
        if not (self._log_folder / ATTEMPTS).exists():
            return
        attempts = read_log(self._log_folder, frames=False)
        for attempt, facts in zip(attempts, self._facts(), strict=True):
            if attempt.index < learned:
                yield attempt, facts

    def _facts(self) -> list[RunFacts]:
        try:
            return [RunFacts(**facts) for facts in read_facts(self._log_folder)]
        except TypeError as error:
            raise AttemptLogError(
                f"{self._log_folder} is not the log of a learning run ({error}); restore it"
            ) from error

    def unlearned(self, learned: int) -> tuple[GraspAttempt, RunFacts] | None:
        """Return the attempt, with its frames, that was logged when a kill came before its training
        sample, and its facts.

        Args:
            learned: number of attempts that were learned from.

        Raises:
            AttemptLogError: the log is damaged.
        """
        if not (self._log_folder / ATTEMPTS).exists() or not (facts := self._facts()):
            return None
        last = read_attempt(self._log_folder, len(facts) - 1)
        return (last, facts[-1]) if last.index == learned else None

    def finish(self, rows: list[LearningRow], policy: LearningPolicy) -> dict[str, Any]:
        """Write summary and weights; return the summary's figures."""
        figures = summarise_learning(rows)
        report = {
            "schema": SCHEMA,
            "run": self._identity,
            "figures": figures,
            "provenance": {**provenance(self._device), "revisions": self._revisions},
        }
        write_json(self.folder / "summary.json", report)
        policy.export(self.folder / "model.safetensors")
        return figures


def run_identity(config: LearningRunConfig, learner: LearnerOptions) -> dict[str, Any]:
    """Return all that must be equal for a run to go on, as it comes back from JSON.

    The number of attempts may grow, and the device may be another: what was learned on a GPU can be
    tested, or go on, where there is none.
    """
    run = {name: value for name, value in asdict(config).items() if name != "attempts"}
    options = {name: value for name, value in asdict(learner).items() if name != "device"}
    return json.loads(json.dumps({**run, "learner": options}, default=str))
