"""From an attempt to a training sample: the frame before the pick, as the model in service saw it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.affordance.network.observation import Observation, observe
from grasp_affordance.affordance.predictor import AffordancePredictor, Prediction, PredictorConfig
from grasp_affordance.annotation.bin_polygon import bin_polygon
from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.errors import FrameError
from grasp_affordance.learning.alike import Pixel, places_alike
from grasp_affordance.learning.learner import LearnerConfig
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
        alike: further pixels (u, v) that deserve the same label.
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
    alike: tuple[Pixel, ...] = ()
    version: str = ""
    promised: bool = True
    exploratory: bool = False


def observation_of(frame: RgbdFrame, prediction: Prediction, network: CompactConfig) -> Observation:
    """Return what the compact network saw of a frame that was evaluated.

    The region, the vertical and the prior are those that the predictor gave to the model, so that
    the weights are trained on exactly what they are asked about.

    Args:
        prediction: of this frame, whatever its source.
        network: of the weights that are trained.

    Raises:
        FrameError: the view holds no object.
    """
    scene = prediction.scene
    return observe(frame, prediction.allowed, scene.region.up, network, seal_of(prediction))


def seal_of(prediction: Prediction) -> NDArray[np.float32]:
    """Return the score (H, W) of the seal prior in a view that was evaluated."""
    scene = prediction.scene
    return scene.surface.to_image(scene.seal.score)


def alike_in(
    attempt: GraspAttempt, prediction: Prediction, view: BinView, config: LearnerConfig, number: int
) -> tuple[Pixel, ...]:
    """Return the pixels that share the label of a pick, as many as the learner wants.

    Args:
        attempt: with its views before and after.
        prediction: of the view before.
        view: with the bin; what happens beside it is not looked at.
        number: of the attempt; the draw follows from it and the learner's seed.
    """
    if not config.alike.places or attempt.before is None or attempt.after is None:
        return ()
    polygon = None
    if view.bin is not None:
        polygon = bin_polygon(view.bin, attempt.before.intrinsics, attempt.T_base_camera)
    rng = np.random.default_rng([config.seed, 0xA11C, number])
    return places_alike(attempt, seal_of(prediction), polygon, config.alike.places, rng)


def training_sample_of(
    attempt: GraspAttempt,
    view: BinView,
    config: PredictorConfig,
    learner: LearnerConfig,
    number: int,
) -> TrainingSample:
    """Return an attempt as the trainer needs it; without a view where it cannot teach.

    Args:
        view: what the affordance node knew about the bin; the camera's pose is the attempt's own.
        config: of the affordance node's predictor.
        learner: whose network is trained.
        number: of the attempt.
    """
    frame = attempt.before
    if attempt.outcome not in TEACHING or frame is None:
        return bare_training_sample(attempt)
    # What the model was given does not depend on its weights: the prior's own map is enough.
    predictor = AffordancePredictor(replace(config, source=Source.PRIOR))
    try:
        prediction = predictor.predict(frame, replace(view, T_base_camera=attempt.T_base_camera))
        return evaluated_training_sample(attempt, frame, prediction, view, learner, number)
    except FrameError:  # as unusable as it would have been to the node
        return bare_training_sample(attempt)


def evaluated_training_sample(
    attempt: GraspAttempt,
    frame: RgbdFrame,
    prediction: Prediction,
    view: BinView,
    learner: LearnerConfig,
    number: int,
) -> TrainingSample:
    """Return what an attempt in a view teaches; see `training_sample_of`.

    Args:
        frame: the view.
        prediction: of it.

    Raises:
        FrameError: the view holds no object.
    """
    return replace(
        bare_training_sample(attempt),
        view=observation_of(frame, prediction, learner.network),
        alike=alike_in(attempt, prediction, view, learner, number),
    )


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
