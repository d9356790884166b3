"""All that a trainer must know to go on as if it had never stopped, in one atomic file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    damage_as_checkpoint_error,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.affordance.network.checkpoint_parts import (
    differences,
    load_optimiser,
    optimiser_tensors,
    part,
    prefixed,
)
from grasp_affordance.affordance.network.compact_checkpoint import require_channels
from grasp_affordance.affordance.network.features import CHANNELS
from grasp_affordance.errors import CheckpointError
from grasp_affordance.learning.learner import LearnerConfig, OnlineLearner
from grasp_affordance.learning.served import Served

ARCHITECTURE = "compact-trainer"


@dataclass
class TrainerState:
    """Counters, history, and the best weights besides those in service, which are being trained.

    Attributes:
        consumed: attempts of the log looked at; the next one to look at has this number.
        attempts, successes, quarantined: of these, labelled, successful, set aside.
        version, checkpoint: in service, and its file name.
        learned_from: attempts that the weights in service have learned from.
        best, best_success, best_learned_from: weights that had the highest live success over a full
            window, and it (0 where it has not been measured since they were put back).
        watched_from: number of labelled attempts at which the present live window began.
        initial_scale, initial_shift: correction of the probabilities that the first weights came
            with (see `calibration.Platt`).
        lifts: version -> shift of its logits that makes up for what comes between the map and a
            served point, of the newest versions.
        history: newest labelled attempts, oldest first.
    """

    consumed: int = 0
    attempts: int = 0
    successes: int = 0
    quarantined: int = 0
    version: str = ""
    checkpoint: str = ""
    best: dict[str, Tensor] = field(default_factory=dict)
    learned_from: int = 0
    best_success: float = 0.0
    best_learned_from: int = 0
    watched_from: int = 0
    initial_scale: float = 1.0
    initial_shift: float = 0.0
    lifts: dict[str, float] = field(default_factory=dict)
    history: list[Served] = field(default_factory=list)

    def live(self) -> list[bool]:
        """Return the outcomes since the live window began, oldest first.

        Who explores on purpose is not worse for it: exploratory attempts are left out.
        """
        count = self.attempts - self.watched_from
        recent = self.history[-count:] if count > 0 else []
        return [served.success for served in recent if not served.exploratory]


_COUNTERS = (
    "consumed",
    "attempts",
    "successes",
    "quarantined",
    "version",
    "checkpoint",
    "learned_from",
    "best_success",
    "best_learned_from",
    "watched_from",
    "initial_scale",
    "initial_shift",
)


def write_state(path: Path, state: TrainerState, learner: OnlineLearner) -> None:
    """Write everything but the examples, which are on the disk already.

    Raises:
        CheckpointError: the disk is full; the state before is untouched.
    """
    tensors = {
        **prefixed("network", learner.network.state_dict()),
        **prefixed("best", state.best),
        **optimiser_tensors(learner.optimiser),
    }
    config = {
        "learner": asdict(learner.config),
        "channels": list(CHANNELS),
        "steps": learner.steps,
        "counters": {name: getattr(state, name) for name in _COUNTERS},
        "lifts": state.lifts,
        "history": [asdict(served) for served in state.history],
    }
    write_checkpoint(
        path, Checkpoint(ARCHITECTURE, config, tensors, Provenance.of_this_process(state.attempts))
    )


def read_state(path: Path, learner: OnlineLearner) -> TrainerState:
    """Return the state, and bring network and optimiser back to it.

    Raises:
        CheckpointError: damaged, or of another learner's configuration.
    """
    checkpoint = read_checkpoint(path)
    config = checkpoint.config
    if checkpoint.architecture != ARCHITECTURE:
        raise CheckpointError(f"'{path}' holds '{checkpoint.architecture}', not a trainer's state")
    require_channels(checkpoint)
    with damage_as_checkpoint_error(f"'{path}' is no state of this trainer"):
        _check_same(path, config["learner"], learner.config)
        tensors = checkpoint.tensors
        learner.network.load_state_dict(part("network", tensors))
        load_optimiser(learner.optimiser, tensors)
        learner.steps = int(config["steps"])
        return TrainerState(
            **config["counters"],
            best=part("best", tensors),
            lifts=config["lifts"],
            history=[Served(**served) for served in config["history"]],
        )


def _check_same(path: Path, present: Mapping[str, Any], config: LearnerConfig) -> None:
    wanted = asdict(config)
    wanted["network"]["dilations"] = list(wanted["network"]["dilations"])  # as JSON has it
    if different := differences(present, wanted):
        raise CheckpointError(
            f"'{path}' is of another learner ({', '.join(different)} differ); restore the "
            "configuration, or move the folder away: a trainer node learns again from its "
            "attempt log"
        )
