"""The trainer: attempts in, weights in service out; stops and goes on without losing a step."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.affordance.network.checkpoint import (
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
from grasp_affordance.learning.deployed import (
    DeploymentConfig,
    State,
    promotes,
    replay_losses,
    rolls_back,
)
from grasp_affordance.learning.example_file import ExampleFile
from grasp_affordance.learning.learner import LearnerConfig, OnlineLearner
from grasp_affordance.learning.probabilities import Platt, brier_score, expected_calibration_error
from grasp_affordance.learning.replay import Example
from grasp_affordance.learning.served import Served, correction
from grasp_affordance.learning.trainer_state import TrainerState, read_state, write_state
from grasp_affordance.learning.training_samples import TrainingSample

STATE_FILE = "trainer.safetensors"
_EXAMPLES_FILE = "examples.bin"
_ALIKE_FILE = "alike.bin"


@dataclass(frozen=True)
class TrainerConfig:
    """How a robot learns while it works.

    Attributes:
        learner: the network and how it is trained.
        deployed model: when new weights may serve.
        window: attempts over which success is reported (equation 5 of the suction paper).
        calibration_window: newest attempts from which the correction of probabilities is fitted.
        keep_versions: checkpoints kept on disk.
    """

    learner: LearnerConfig = field(default_factory=LearnerConfig)
    deployed: DeploymentConfig = field(default_factory=DeploymentConfig)
    window: int = 100
    calibration_window: int = 300
    keep_versions: int = 20

    def __post_init__(self) -> None:
        if min(self.window, self.calibration_window, self.keep_versions) < 1:
            raise ConfigError("trainer: window, calibration_window, keep_versions at least 1")

    @property
    def remembered(self) -> int:
        """Attempts whose predictions must be kept."""
        return max(self.window, self.calibration_window, self.deployed.live_window)


@dataclass(frozen=True)
class TrainingReport:
    """What the trainer knows after an attempt; TrainerStatus.msg says what the fields mean."""

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
        # Losses of the weights in service on replayed examples, by number: they do not change.
        self._known_losses: dict[int, float] = {}
        self.state = TrainerState()
        if initial is not None:
            self._begin_with(initial)
        resumed = (self.folder / STATE_FILE).exists()
        if resumed:  # before the examples are opened: those of another learner would be cut
            self.state = read_state(self.folder / STATE_FILE, self.learner)
        size = 2 * config.learner.example_reach + 1
        self._examples = ExampleFile(self.folder / _EXAMPLES_FILE, len(CHANNELS), size)
        self._alike = ExampleFile(self.folder / _ALIKE_FILE, len(CHANNELS), size)
        self._remember()
        if not resumed:
            self._serve(self.learner.weights(), learned_from=0)
            self._save()

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
                event = "quarantined: the removal check of the attempt disagree"
            case Outcome.ABORTED:
                event = "no training sample: the attempt was aborted"
        self._save()
        return self.report(loss, event)

    def report(self, loss: float = math.nan, event: str = "") -> TrainingReport:
        """Return what is known now."""
        recent = self.state.history[-self.config.window :]
        predicted, success = [s.probability for s in recent], [s.success for s in recent]
        return TrainingReport(
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
        self._serve(self.learner.weights(), self.state.best_learned_from)
        self._known_losses = {}
        self._save()
        return True

    def keep(self) -> Path:
        """Keep the weights in service beyond `keep_versions`; return where.

        Raises:
            CheckpointError: they cannot be written.
        """
        path = self.folder / "saved" / self.state.checkpoint
        write_checkpoint(path, read_checkpoint(self.folder / self.state.checkpoint))
        return path

    def _learn(self, training_sample: TrainingSample, view: Observation) -> tuple[float, str]:
        success = training_sample.outcome is Outcome.SUCCESS
        example = self.learner.example(view, training_sample.u, training_sample.v, float(success))
        raw = self.learner.probability_of(example, self.state.deployed)
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
        alike = self._alike_of(training_sample, view, example.label)
        self._alike.append(*alike)
        self._examples.append(example)
        loss = self.learner.learn(example, alike)
        live = self._watch()
        if rolls_back(live, self.state.best_success, self.config.deployed) and self.roll_back():
            return loss, f"rolled back to the best weights: live success fell to {live:.0%}"
        return loss, self._challenge()

    def _alike_of(
        self, training_sample: TrainingSample, view: Observation, label: float
    ) -> list[Example]:
        """Return the examples beside that of the present attempt."""
        weight, parent = self.config.learner.alike.weight, len(self.learner.replay)
        found = [self.learner.example(view, u, v, label) for u, v in training_sample.alike]
        return [replace(each, weight=weight, parent=parent) for each in found]

    def _watch(self) -> float:
        """Return the live success over a full window (NaN before), and keep the best weights."""
        window = self.config.deployed.live_window
        outcomes = self.state.live()[-window:]
        if len(outcomes) < window:
            return math.nan
        live = float(np.mean(outcomes))
        if live >= self.state.best_success:
            self.state.best, self.state.best_success = dict(self.state.deployed), live
            self.state.best_learned_from = self.state.learned_from
        return live

    def _challenge(self) -> str:
        count = len(self.learner.replay)
        recent = range(max(0, count - self.config.deployed.examples), count)
        challenger = self._losses(self.learner.weights(), recent)
        missing = [i for i in recent if i not in self._known_losses]
        self._known_losses |= zip(
            missing, self._losses(self.state.deployed, missing) if missing else (), strict=True
        )
        deployed = np.array([self._known_losses[i] for i in recent])
        if not promotes(challenger, deployed, self.config.deployed.penalty):
            was, would = float(np.nanmean(deployed)), float(np.nanmean(challenger))
            kept = self.state.version
            # Its probabilities come true all the same.
            self._serve(self.state.deployed, self.state.learned_from)
            return f"kept {kept}: {was:.3f} against {would:.3f} on replay"
        self._serve(self.learner.weights(), self.state.attempts)
        self._known_losses = dict(zip(recent, challenger, strict=True))
        return f"promoted {self.state.version}"

    def _losses(self, weights: State, indices: Sequence[int]) -> NDArray[np.float64]:
        """Return the losses of weights on replayed examples."""
        examples = [self.learner.replay.examples[i] for i in indices]
        network, seen = self.config.learner.network, self.learner.seen(indices)
        return replay_losses(weights, network, examples, seen, self.learner.device)

    def _serve(self, weights: dict[str, Tensor], learned_from: int) -> None:
        """Put weights into service, with what is known now about their probabilities.

        Args:
            learned_from: attempts that they have learned from.
        """
        recent = self.state.history[-self.config.calibration_window :]
        first = Platt(self.state.initial_scale, self.state.initial_shift)
        platt, lift = correction(recent, first)
        self.state.deployed, self.state.learned_from = weights, learned_from
        self.state.version = version(weights, self.state.attempts)
        self.state.checkpoint = f"{self.state.version}.safetensors"
        self.state.lifts[self.state.version] = lift
        for name in list(self.state.lifts)[: -self.config.keep_versions]:
            del self.state.lifts[name]
        write_checkpoint(
            self.folder / self.state.checkpoint,
            to_checkpoint(
                weights,
                self.config.learner.network,
                Provenance.of_this_process(self.state.attempts, learned_from),
                platt.scale,
                platt.shift,
                self.learner.familiar(),
            ),
        )

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
        """Fill the memory up to the last saved attempt; what a kill left of a later one is cut.

        Raises:
            CheckpointError: examples are missing.
        """
        if len(self._examples) < self.state.attempts:
            raise CheckpointError(
                f"'{self._examples.path}' holds {len(self._examples)} of {self.state.attempts} "
                "examples; restore it, or move the folder away: a trainer node learns again from "
                "its attempt log"
            )
        self._examples.truncate(self.state.attempts)
        for example in self._examples.read():
            self.learner.replay.add(example)
        self.learner.alike = [e for e in self._alike.read() if e.parent < self.state.attempts]
        self._alike.truncate(len(self.learner.alike))
