"""From an attempt to a lesson: the frame before the pick, as the model in service saw it."""

from dataclasses import replace

from grasp_affordance.affordance.compact import CompactConfig
from grasp_affordance.affordance.observation import Observation, observe
from grasp_affordance.affordance.predictor import AffordancePredictor, Prediction, PredictorConfig
from grasp_affordance.affordance.region import BinView
from grasp_affordance.errors import FrameError
from grasp_affordance.grasp import GraspAttempt, Outcome, Source
from grasp_affordance.learning.trainer import Lesson
from grasp_affordance.rgbd import RgbdFrame

TEACHING = (Outcome.SUCCESS, Outcome.FAILURE)


def observation_of(frame: RgbdFrame, prediction: Prediction, network: CompactConfig) -> Observation:
    """Return what the compact network saw of a frame that was judged.

    The region, the vertical and the prior are those that the predictor gave to the model, so that
    the weights are trained on exactly what they are asked about.

    Args:
        prediction: of this frame, whatever its source.
        network: of the weights that are trained.

    Raises:
        FrameError: the view holds no object.
    """
    scene = prediction.scene
    prior = scene.surface.to_image(scene.seal.score)
    return observe(frame, prediction.allowed, scene.region.up, network, prior)


def lesson_of(
    attempt: GraspAttempt, view: BinView, config: PredictorConfig, network: CompactConfig
) -> Lesson:
    """Return an attempt as the trainer needs it; without a view where it cannot teach.

    Args:
        view: what the affordance node knew about the bin; the camera's pose is the attempt's own.
        config: of the affordance node's predictor.
        network: of the weights that are trained.
    """
    point, frame = attempt.point, attempt.before
    lesson = Lesson(attempt.outcome, point.probability, None, point.u, point.v)
    if attempt.outcome not in TEACHING or frame is None:
        return lesson
    # What the model was given does not depend on its weights: the prior's own map is enough.
    predictor = AffordancePredictor(replace(config, source=Source.PRIOR))
    try:
        prediction = predictor.predict(frame, replace(view, T_base_camera=attempt.T_base_camera))
        return replace(lesson, view=observation_of(frame, prediction, network))
    except FrameError:  # as unusable as it would have been to the node
        return lesson
