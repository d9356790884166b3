"""The suction paper's learner on disk, and its way to choose: Algorithm 1."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    damage_as_checkpoint_error,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.affordance.network.checkpoint_parts import (
    load_optimiser,
    optimiser_tensors,
    part,
    prefixed,
)
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.errors import CheckpointError
from grasp_affordance.learning.decision import (
    Decision,
    DecisionConfig,
    History,
    Rule,
    decide_in,
)
from grasp_affordance.learning.exploration import ExplorationSchedule
from grasp_affordance.learning.probabilities import brier_score, expected_calibration_error
from grasp_affordance.learning.trainer import TrainingReport
from grasp_affordance.learning.training_samples import TEACHING
from grasp_affordance.papers.suction.cells import Window
from grasp_affordance.papers.suction.learner import PaperLearner, SuctionPaperConfig
from grasp_affordance.papers.suction.pretraining import CoarseView, PretrainConfig, pretrain
from grasp_affordance.papers.suction.resnet_checkpoint import to_checkpoint
from grasp_affordance.papers.suction.resnet_model import Features, InferenceConfig, ResnetModel
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Selection, Source

_ARCHITECTURE = "paper-trainer"
_PREDICTOR = PredictorConfig(source=Source.LEARNED)
_STATE_FILE = "paper.safetensors"
_WINDOW = 100  # equation 5


@dataclass
class _State:
    """Counters of attempts and of coarse views, and (probability, success) of every label."""

    consumed: int = 0
    quarantined: int = 0
    pretrained: int = 0
    history: list[tuple[float, bool]] = field(default_factory=list)


class _Looking:
    """A model that remembers the encoder's features: they never change, so learning uses them."""

    def __init__(self, model: ResnetModel) -> None:
        self._model = model
        self.version = model.version
        self.seen: Mapping[Window, Features] = {}

    def predict(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,
        *,
        up: NDArray[np.float64] | None = None,  # noqa: ARG002
        prior: NDArray[np.float32] | None = None,  # noqa: ARG002
    ) -> NDArray[np.float32]:
        """See `ResnetModel`."""
        cells, self.seen = self._model.look(frame, region)
        return cells


class PaperPolicy:
    """Algorithm 1: the highest pixel of all patches, or with probability p a random one; learn.

    The whole state is on the disk after every attempt; a policy that was in the folder before goes
    on from there.

    Raises:
        CheckpointError: the state on disk is damaged or of another configuration, or the encoder's
            weights cannot be had.
    """

    name = "paper"

    def __init__(
        self,
        config: SuctionPaperConfig,
        folder: Path,
        schedule: ExplorationSchedule | None = None,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        """Keep the state in `folder`; explore by equation 4 unless another schedule is given."""
        self.learner = PaperLearner(config, device)
        self.folder = folder
        self._schedule = schedule or ExplorationSchedule()
        self._seed = seed
        self._config = DecisionConfig(Rule.EPSILON_GREEDY, seed=seed)
        self._decided: tuple[RgbdFrame, Decision, Mapping[Window, Features]] | None = None
        self._state = _State()
        if (folder / _STATE_FILE).exists():
            self._resume()
        self._model = self._snapshot()

    @property
    def version(self) -> str:
        """See `LearningPolicy`."""
        return self._model.version

    @property
    def attempts(self) -> int:
        """See `LearningPolicy`."""
        return self._state.consumed

    @property
    def exploration(self) -> float:
        """See `LearningPolicy`."""
        return self._schedule.probability(len(self._state.history))

    @property
    def pretrained(self) -> int:
        """Return the number of coarsely labelled views that were learned before."""
        return self._state.pretrained

    def pretrain(self, views: Sequence[CoarseView], config: PretrainConfig) -> Iterator[float]:
        """Learn from coarsely labelled views; yield the loss of each, as often as it is seen.

        What is learned is on the disk when the last one has been; before, it is not.
        """
        yield from pretrain(self.learner, views, config, self._seed)
        self._state.pretrained = len(views)
        self._model = self._snapshot()
        self._save()

    def choose(self, view: View) -> Selection:
        """See `LearningPolicy`."""
        successes = sum(success for _, success in self._state.history)
        history = History(self.attempts, successes, self.exploration)
        looking = _Looking(self._model)
        selection, decision = decide_in(view, _PREDICTOR, looking, self._config, history)
        self._decided = None if decision is None else (view.frame, decision, looking.seen)
        return selection

    def learn(self, attempt: GraspAttempt) -> TrainingReport:
        """See `LearningPolicy`."""
        state, point, loss = self._state, attempt.point, math.nan
        state.consumed += 1
        state.quarantined += attempt.outcome is Outcome.UNCERTAIN
        if attempt.outcome in TEACHING and self._decided is not None:
            frame, decision, seen = self._decided
            success = attempt.outcome is Outcome.SUCCESS
            allowed = decision.prediction.allowed
            loss = self.learner.learn(frame, (point.u, point.v), success, allowed, seen)
            state.history.append((point.probability, success))
            self._model = self._snapshot()
        self._save()
        return self._report(loss)

    def export(self, path: Path) -> None:
        """See `LearningPolicy`."""
        provenance = Provenance.of_this_process(len(self._state.history))
        write_checkpoint(path, to_checkpoint(self.learner.network, provenance))

    def _snapshot(self) -> ResnetModel:
        return ResnetModel(self.learner.network, InferenceConfig(device=self.learner.device))

    def _report(self, loss: float) -> TrainingReport:
        history = self._state.history
        recent = history[-_WINDOW:]
        predicted, success = [p for p, _ in recent], [s for _, s in recent]
        return TrainingReport(
            consumed=self._state.consumed,
            attempts=len(history),
            successes=sum(s for _, s in history),
            quarantined=self._state.quarantined,
            rolling_success=float(np.mean(success)) if success else math.nan,
            loss=loss,
            steps=len(history),
            brier=brier_score(predicted, success),
            calibration_error=expected_calibration_error(predicted, success),
            version=self._model.version,
            checkpoint=str(self.folder / _STATE_FILE),
            event="",
        )

    def _save(self) -> None:
        tensors = {
            **prefixed("decoder", self.learner.network.decoder.state_dict()),
            **optimiser_tensors(self.learner.optimiser),
        }
        config = {"paper": asdict(self.learner.config), **asdict(self._state)}
        provenance = Provenance.of_this_process(len(self._state.history))
        write_checkpoint(
            self.folder / _STATE_FILE, Checkpoint(_ARCHITECTURE, config, tensors, provenance)
        )

    def _resume(self) -> None:
        path = self.folder / _STATE_FILE
        checkpoint = read_checkpoint(path)
        with damage_as_checkpoint_error(f"'{path}' is no state of this learner"):
            wanted = _as_json(self.learner.config)
            if checkpoint.architecture != _ARCHITECTURE or checkpoint.config["paper"] != wanted:
                raise CheckpointError(
                    f"'{path}' is of another learner or configuration; restore it, or choose "
                    "another folder"
                )
            self.learner.network.decoder.load_state_dict(part("decoder", checkpoint.tensors))
            load_optimiser(self.learner.optimiser, checkpoint.tensors)
            self._state = _State(
                checkpoint.config["consumed"],
                checkpoint.config["quarantined"],
                checkpoint.config["pretrained"],
                [(float(p), bool(s)) for p, s in checkpoint.config["history"]],
            )


def _as_json(config: SuctionPaperConfig) -> object:
    """Return a configuration as it comes back from a checkpoint."""
    return json.loads(json.dumps(asdict(config)))
