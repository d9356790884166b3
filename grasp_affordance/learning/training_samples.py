"""From an attempt to a training sample: the frame before the pick, as the model saw it."""

from dataclasses import dataclass, replace

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.affordance.network.observation import Observation, observe
from grasp_affordance.affordance.predictor import Look, PredictorConfig, look
from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.errors import FrameError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Source

TEACHING = (Outcome.SUCCESS, Outcome.FAILURE)


@dataclass(frozen=True, eq=False)
class TrainingSample:
    """One attempt as the trainer needs it.

    Attributes:
        outcome: only SUCCESS and FAILURE teach.
        probability: that was served with the point.
        view: what the network sees of the frame before the pick; None where that is not known,
            and the attempt then teaches nothing.
        u, v: executed pixel.
        version: of the weights that served the point; empty where there were none.
        promised: whether its outcome says something of what probabilities are worth; not where it
            was picked for being strange.
        exploratory: whether it was picked to learn from, and not for being the best.
    """

    outcome: Outcome
    probability: float
    view: Observation | None
    u: int
    v: int
    version: str = ""
    promised: bool = True
    exploratory: bool = False


def training_sample_of(
    attempt: GraspAttempt, config: PredictorConfig, network: CompactConfig
) -> TrainingSample:
    """Return an attempt as the trainer needs it; without a view where it cannot teach.

    Args:
        config: of the affordance node's predictor.
        network: that is trained.
    """
    frame = attempt.before
    if attempt.outcome not in TEACHING or frame is None:
        return bare_training_sample(attempt)
    try:
        seen = look(frame, config, BinView(attempt.T_base_camera, attempt.bin))
        return evaluated_training_sample(attempt, frame, seen, network)
    except FrameError:  # as unusable as it would have been to the node
        return bare_training_sample(attempt)


def evaluated_training_sample(
    attempt: GraspAttempt, frame: RgbdFrame, seen: Look, network: CompactConfig
) -> TrainingSample:
    """Return what an attempt in a view teaches.

    The region, the vertical and the prior are those that the predictor gives to the model, so that
    the weights are trained on exactly what they are asked about.

    Args:
        frame: the view.
        seen: of it.
        network: that is trained.

    Raises:
        FrameError: the view holds no object.
    """
    up = seen.scene.region.up
    view = observe(frame, seen.allowed, up, network, seen.prior)
    return replace(bare_training_sample(attempt), view=view)


def bare_training_sample(attempt: GraspAttempt) -> TrainingSample:
    """Return an attempt without its view: it counts, and teaches nothing."""
    point = attempt.point
    return TrainingSample(
        attempt.outcome,
        point.probability,
        None,
        point.u,
        point.v,
        version=attempt.model_version,
        promised=point.source is not Source.NOVELTY,
        exploratory=point.source.explores,
    )
