"""Where the floor is not known, what may be the floor promises less than what stands on it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers.rendered_scene import (
    Block,
    base_points,
    camera_at,
    interior_polygon,
    open_bin,
    render,
)
from numpy.typing import NDArray

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.doubt import doubt, may_be_floor
from grasp_affordance.affordance.predictor import AffordancePredictor, Prediction, PredictorConfig
from grasp_affordance.arrays import Image
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Source

BOX = Block((-0.025, -0.02, 0.0), (0.025, 0.02, 0.05))
T = camera_at(80)
POLYGON = interior_polygon(T)
BIN = BinGeometry(centre=(0.0, 0.0), floor=0.0, size=(0.40, 0.30, 0.10))


class Sure:
    """A model that promises everything everywhere."""

    def predict(
        self,
        frame: RgbdFrame,
        region: NDArray[np.bool_] | None = None,
        *,
        up: NDArray[np.float64] | None = None,
        prior: Image | None = None,
    ) -> Image:
        return np.ones(frame.shape, np.float32)


def glossy(frame: RgbdFrame, seed: int = 0) -> RgbdFrame:
    """Return the frame with a floor in which the camera sees mirror images, 4 cm beneath it."""
    noise = np.random.default_rng(seed).normal(size=frame.shape)
    blots = cv2.GaussianBlur(noise, (0, 0), 4)
    mirrored = (np.abs(base_points(frame, T)[..., 2]) < 0.003) & (blots > np.quantile(blots, 0.9))
    return replace(frame, depth=np.where(mirrored, frame.depth + np.float32(0.04), frame.depth))


def predict(frame: RgbdFrame, view: BinView) -> Prediction:
    return AffordancePredictor(PredictorConfig(source=Source.LEARNED), Sure()).predict(frame, view)


@pytest.fixture(scope="module")
def frame() -> RgbdFrame:
    return render([*open_bin(), BOX], T, noise=0.0005)


def test_a_floor_that_is_not_known_is_doubted_and_the_object_on_it_is_not(frame: RgbdFrame) -> None:
    prediction = predict(glossy(frame), BinView(T, polygon=POLYGON))
    scene = prediction.scene
    assert not scene.region.floor_known
    height = scene.surface.points @ T[2, :3] + T[2, 3]
    doubted = may_be_floor(scene.surface, scene.region)
    foreground = scene.region.foreground
    assert doubted[foreground & (height < 0.005)].all()
    assert not doubted[height > 0.02].any()


def test_the_object_comes_before_the_floor_that_is_not_known(frame: RgbdFrame) -> None:
    points = predict(glossy(frame), BinView(T, polygon=POLYGON)).selection.points
    heights = [float(T[2, :3] @ point.position + T[2, 3]) for point in points]
    on_box = np.array(heights) > 0.04
    assert on_box[:3].all()
    assert not on_box[-1]
    assert [p.probability > 0.9 for p in points] == on_box.tolist()


@pytest.mark.parametrize("view", [BinView(T, BIN), BinView(T, polygon=POLYGON)])
def test_a_known_floor_takes_nothing_off_any_probability(frame: RgbdFrame, view: BinView) -> None:
    prediction = predict(frame, view)
    assert prediction.scene.region.floor_known
    assert (doubt(prediction.scene.surface, prediction.scene.region) == 1).all()
    assert (prediction.affordance[prediction.allowed] == 1).all()


def test_a_packed_layer_that_hides_the_floor_promises_half(frame: RgbdFrame) -> None:
    """Something lower is seen in its narrow gaps: it may be a floor with mirror images in it."""
    half = 0.0485
    parts = [
        Block((x - half, y - half, 0.0), (x + half, y + half, 0.06))
        for x in (-0.15, -0.05, 0.05, 0.15)
        for y in (-0.1, 0.0, 0.1)
    ]
    prediction = predict(render([*open_bin(), *parts], T), BinView(T, polygon=POLYGON))
    assert not prediction.scene.region.floor_known
    assert prediction.selection.points
    assert all(0.45 < point.probability < 0.55 for point in prediction.selection.points)
