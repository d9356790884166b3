"""The trainer: attempts in, weights in service out; stops and goes on without losing a step."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.affordance.network.compact_checkpoint import (
    from_checkpoint,
    to_checkpoint,
    version,
)
from grasp_affordance.affordance.network.features import CHANNELS
from grasp_affordance.affordance.network.observation import Observation
from grasp_affordance.attempt import Outcome
from grasp_affordance.errors import CheckpointError, ConfigError
from grasp_affordance.learning.example_file import ExampleFile
from grasp_affordance.learning.learner import LearnerConfig, OnlineLearner
from grasp_affordance.learning.probabilities import Platt, brier_score, expected_calibration_error
from grasp_affordance.learning.rollback import RollbackConfig, rolls_back
from grasp_affordance.learning.served import Served, correction
from grasp_affordance.learning.trainer_state import TrainerState, read_state, write_state
from grasp_affordance.learning.training_samples import TrainingSample

STATE_FILE = "trainer.safetensors"
_EXAMPLES_FILE = "examples.bin"


@dataclass(frozen=True)
class TrainerConfig:
    """How a robot learns while it works.

    Attributes:
        learner: the network and how it is trained.
        rollback: when the best weights are put back.
        window: attempts over which success is reported (equation 5 of the suction paper).
        calibration_window: newest attempts from which the correction of probabilities is fitted.
        keep_versions: checkpoints kept on disk.
    """

    learner: LearnerConfig = field(default_factory=LearnerConfig)
    rollback: RollbackConfig = field(default_factory=RollbackConfig)
    window: int = 100
    calibration_window: int = 300
    keep_versions: int = 20

    def __post_init__(self) -> None:
        if min(self.window, self.calibration_window, self.keep_versions) < 1:
            raise ConfigError("trainer: window, calibration_window, keep_versions at least 1")

    @property
    def remembered(self) -> int:
        """Attempts whose predictions must be kept."""
        return max(self.window, self.calibration_window, self.rollback.window)


@dataclass(frozen=True)
class TrainingReport:
    """What the trainer knows after an attempt; TrainerStatus.msg says what the fields mean."""

    consumed: int
    attempts: int
    successes: int
    quarantined: int
    rolling_success: float
    loss: float
    steps: int
    brier: float
    calibration_error: float
    version: str
    checkpoint: str
    event: str


class Trainer:
    """Learns from attempts in their order; its state after N of them depends on nothing else.

    Args:
        folder: of weights and state; a trainer that was here before goes on from there.
        initial: checkpoint of a compact network to begin with, instead of random weights; the same
            is needed to go on, because it holds the first training samples back.
        device: on which it learns, as torch names it.

    Raises:
        CheckpointError: the state on disk is damaged, or of another configuration; or the initial
            weights cannot be had, or are of another network.
        ConfigError: torch has no such device.
    """

    def __init__(
        self,
        config: TrainerConfig,
        folder: str | Path,
        initial: str | Path | None = None,
        device: str = "cpu",
    ) -> None:
        self.config = config
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.learner = OnlineLearner(config.learner, device)
        self._deployed: Checkpoint | None = None
        self.state = TrainerState()
        if initial is not None:
            self._begin_with(initial)
        resumed = (self.folder / STATE_FILE).exists()
        if resumed:  # before the examples are opened: those of another learner would be cut
            self.state = read_state(self.folder / STATE_FILE, self.learner)
        size = 2 * config.learner.network.reach + 1
        self._examples = ExampleFile(self.folder / _EXAMPLES_FILE, len(CHANNELS), size)
        self._remember()
        if not resumed:
            self._deploy(learned_from=0)
            self._save()

    @property
    def deployed(self) -> Checkpoint:
        """Return the weights in service, with what is known about their probabilities.

        Raises:
            CheckpointError: they are not on the disk any more.
        """
        if self._deployed is None:
            self._deployed = read_checkpoint(self.folder / self.state.checkpoint)
        return self._deployed

    def consume(self, training_sample: TrainingSample) -> TrainingReport:
        """Learn from the next attempt of the log; on return all of it is on the disk."""
        self.state.consumed += 1
        loss, event = math.nan, ""
        match training_sample.outcome:
            case Outcome.SUCCESS | Outcome.FAILURE:
                if training_sample.view is None:
                    event = "no training sample: the frame before the pick is not known"
                else:
                    loss, event = self._learn(training_sample, training_sample.view)
            case Outcome.UNCERTAIN:
                self.state.quarantined += 1
                event = "quarantined: the removal checks of the attempt disagree"
            case Outcome.ABORTED:
                event = "no training sample: the attempt was aborted"
        self._save()
        return self.report(loss, event)

    def report(self, loss: float = math.nan, event: str = "") -> TrainingReport:
        """Return what is known now."""
        recent = self.state.history[-self.config.window :]
        predicted, success = [s.probability for s in recent], [s.success for s in recent]
        return TrainingReport(
            consumed=self.state.consumed,
            attempts=self.state.attempts,
            successes=self.state.successes,
            quarantined=self.state.quarantined,
            rolling_success=float(np.mean(success)) if success else math.nan,
            loss=loss,
            steps=self.learner.steps,
            brier=brier_score(predicted, success),
            calibration_error=expected_calibration_error(predicted, success),
            version=self.state.version,
            checkpoint=str(self.folder / self.state.checkpoint),
            event=event,
        )

    def roll_back(self) -> bool:
        """Serve, and train on from, the best weights so far; return whether there were any."""
        if not self.state.best:
            return False
        self.learner.go_back_to(self.state.best)
        # What can be had is measured anew: the scene, not the weights, may have become harder.
        self.state.best_success = 0.0
        self.state.watched_from = self.state.attempts
        self._deploy(self.state.best_learned_from)
        self._save()
        return True

    def keep(self) -> Path:
        """Keep the weights in service beyond `keep_versions`; return where.

        Raises:
            CheckpointError: they cannot be written.
        """
        path = self.folder / "saved" / self.state.checkpoint
        write_checkpoint(path, self.deployed)
        return path

    def _learn(self, training_sample: TrainingSample, view: Observation) -> tuple[float, str]:
        success = training_sample.outcome is Outcome.SUCCESS
        example = self.learner.example(view, training_sample.u, training_sample.v, float(success))
        raw = self.learner.probability_of(example)
        self.state.attempts += 1
        self.state.successes += success
        lift = self.state.lifts.get(training_sample.version)
        self.state.history.append(
            Served(
                training_sample.probability,
                raw,
                success,
                lift,
                training_sample.promised,
                training_sample.exploratory,
            )
        )
        del self.state.history[: -self.config.remembered]
        live = self._watch()
        self._examples.write(self.state.attempts - 1, example)
        loss = self.learner.learn(example)
        if rolls_back(live, self.state.best_success, self.config.rollback) and self.roll_back():
            return loss, f"rolled back to the best weights: live success fell to {live:.0%}"
        self._deploy(self.state.attempts)
        return loss, f"deployed {self.state.version}"

    def _watch(self) -> float:
        """Return the live success over a full window (NaN before), and keep the best weights."""
        window = self.config.rollback.window
        outcomes = self.state.live()[-window:]
        if len(outcomes) < window:
            return math.nan
        live = float(np.mean(outcomes))
        if live >= self.state.best_success:
            self.state.best, self.state.best_success = self.learner.weights(), live
            self.state.best_learned_from = self.state.learned_from
        return live

    def _deploy(self, learned_from: int) -> None:
        """Put the learner's weights into service, with what is known about their probabilities.

        Args:
            learned_from: attempts that they have learned from.
        """
        recent = self.state.history[-self.config.calibration_window :]
        first = Platt(self.state.initial_scale, self.state.initial_shift)
        platt, lift = correction(recent, first)
        weights = self.learner.weights()
        self.state.learned_from = learned_from
        self.state.version = version(weights, self.state.attempts)
        self.state.checkpoint = f"{self.state.version}.safetensors"
        self.state.lifts[self.state.version] = lift
        for name in list(self.state.lifts)[: -self.config.keep_versions]:
            del self.state.lifts[name]
        self._deployed = to_checkpoint(
            weights,
            self.config.learner.network,
            Provenance.of_this_process(self.state.attempts, learned_from),
            platt.scale,
            platt.shift,
            self.learner.familiar(),
        )
        write_checkpoint(self.folder / self.state.checkpoint, self._deployed)

    def _begin_with(self, path: str | Path) -> None:
        network, scale, shift = from_checkpoint(read_checkpoint(path))
        if network.config.seeing(self.config.learner.network) != self.config.learner.network:
            raise CheckpointError(
                f"'{path}' is a compact network of another shape ({network.config}); configure "
                "that one, or start from scratch"
            )
        self.learner.begin_with(network.state_dict())
        self.state.initial_scale, self.state.initial_shift = scale, shift

    def _save(self) -> None:
        write_state(self.folder / STATE_FILE, self.state, self.learner)
        # Only now: a kill before would leave a state whose checkpoint is gone.
        versions = sorted(self.folder.glob("compact-*.safetensors"))
        for old in versions[: -self.config.keep_versions]:
            if old.name != self.state.checkpoint:
                old.unlink()

    def _remember(self) -> None:
        """Fill the memory up to the last saved attempt.

        Raises:
            CheckpointError: examples are missing.
        """
        state = self.state
        examples = self._examples.read(state.attempts)
        self.learner.replay.go_on(examples, state.attempts, state.attempts - state.successes)
