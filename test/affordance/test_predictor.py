"""The facade: sources, bad frames, and repeatability."""

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.rendered_scene import (
    INTRINSICS,
    Block,
    camera_at,
    floor,
    interior_polygon,
    open_bin,
    render,
)

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import (
    AffordancePredictor,
    PredictorConfig,
)
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import CheckpointError, ConfigError, FrameError
from grasp_affordance.geometry import box_corners, invert, transform_points
from grasp_affordance.lens import Lens
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Rejection, Source

T = camera_at(60, 0.7)
BOX = Block((-0.06, -0.05, 0.0), (0.06, 0.05, 0.05))
BIN = BinGeometry(centre=(0.0, 0.0), size=(0.40, 0.30, 0.10))
VIEW = BinView(T_base_camera=T, bin=BIN)


class LeftHalf:
    """A model that believes in the left half of the image."""

    def __init__(self, shape: tuple[int, int] = (240, 320)) -> None:
        self.map = np.full(shape, 0.1, np.float32)
        self.map[:, : shape[1] // 2 - 8] = 0.9
        self.map[0, 0] = np.nan
        self.calls = 0

    def predict(
        self, frame: RgbdFrame, region: np.ndarray | None = None, **given: np.ndarray | None
    ) -> np.ndarray:
        """Return the map, whatever the frame."""
        self.calls += 1
        assert region is not None
        assert region.shape == frame.shape
        return self.map


@pytest.fixture(scope="module")
def frame() -> RgbdFrame:
    return render([*open_bin(), BOX], T, noise=0.0007, holes=0.01)


def test_the_prior_finds_the_box(frame: RgbdFrame) -> None:
    prediction = AffordancePredictor().predict(frame, VIEW)
    points = transform_points(T, [p.position for p in prediction.selection.points])
    assert len(points) >= 3
    np.testing.assert_allclose(points[:, 2], 0.05, atol=0.003)
    assert prediction.affordance.shape == frame.shape
    assert prediction.affordance.dtype == np.float32
    assert prediction.affordance[~prediction.allowed].max() == 0
    best = prediction.selection.points[0]
    assert best.source is Source.PRIOR
    assert best.probability > 0.7


def test_a_learned_map_decides_where_it_is_the_source(frame: RgbdFrame) -> None:
    config = PredictorConfig(source=Source.LEARNED)
    points = AffordancePredictor(config, LeftHalf()).predict(frame, VIEW).selection.points
    assert points[0].u < 160
    assert points[0].probability == pytest.approx(0.9, abs=0.02)
    assert points[0].source is Source.LEARNED


def test_an_empty_bin_has_no_points_and_says_so_without_asking_the_model() -> None:
    model = LeftHalf()
    empty = render(open_bin(), T, noise=0.0007)
    config = PredictorConfig(source=Source.LEARNED)
    selection = AffordancePredictor(config, model).predict(empty, VIEW).selection
    assert selection.points == ()
    assert selection.rejections[Rejection.EMPTY_BIN] == 1
    assert selection.rejections[Rejection.BACKGROUND] > 1000
    assert model.calls == 0


def test_no_point_of_a_full_bin_lies_on_its_floor_or_walls() -> None:
    layer = [
        Block((-0.2 + 0.1 * i + 0.001, -0.149, 0.0), (-0.101 + 0.1 * i, 0.05, 0.06))
        for i in range(4)
    ]
    for elevation in (90, 60, 45):
        pose = camera_at(elevation, 0.7)
        full = render([*open_bin(), *layer], pose, noise=0.0007, holes=0.01)
        for view in (
            BinView(polygon=interior_polygon(pose)),
            BinView(T_base_camera=pose, bin=BIN),
            BinView(),
        ):
            selection = AffordancePredictor().predict(full, view).selection
            points = transform_points(pose, [p.position for p in selection.points])
            assert len(points) >= 5
            np.testing.assert_allclose(points[:, 2], 0.06, atol=0.003)


@pytest.mark.parametrize("elevation", [90, 60, 45])
def test_only_the_bin_and_its_surroundings_are_looked_at(elevation: float) -> None:
    pose = camera_at(elevation, 1.2)
    far = render([*open_bin(), BOX], pose, noise=0.0007)
    view = BinView(T_base_camera=pose, bin=BIN)
    prediction = AffordancePredictor().predict(far, view)
    rows, columns = prediction.scene.surface.window
    corners = far.intrinsics.project(
        transform_points(invert(pose), box_corners([-0.2, -0.15, 0.0], [0.2, 0.15, 0.10]))
    )
    assert columns.start < corners[:, 0].min()
    assert corners[:, 0].max() < columns.stop
    assert rows.start < corners[:, 1].min()
    assert corners[:, 1].max() < rows.stop
    looked_at = (rows.stop - rows.start) * (columns.stop - columns.start)
    assert looked_at < 0.6 * far.depth.size
    assert sum(prediction.selection.rejections.values()) + len(prediction.selection.points) >= (
        0.99 * far.depth.size
    )
    for point in prediction.selection.points:
        np.testing.assert_allclose(far.point(point.u, point.v), point.position, atol=0.004)
        assert prediction.affordance[point.v, point.u] > 0


def test_the_same_frame_yields_the_same_points(frame: RgbdFrame) -> None:
    predictor = AffordancePredictor()
    first, second = (predictor.predict(frame).selection for _ in range(2))
    assert [(p.u, p.v, p.probability) for p in first.points] == [
        (p.u, p.v, p.probability) for p in second.points
    ]
    assert first.rejections == second.rejections


def test_a_frame_without_depth_is_refused_by_name(frame: RgbdFrame) -> None:
    blind = RgbdFrame(frame.color, np.full((240, 320), np.nan, np.float32), INTRINSICS)
    with pytest.raises(FrameError, match="depth pixels are known"):
        AffordancePredictor().predict(blind)


def test_depth_outside_the_region_only_is_no_crash(frame: RgbdFrame) -> None:
    depth = frame.depth.copy()
    depth[60:180, 80:240] = np.nan
    holed = RgbdFrame(frame.color, depth, INTRINSICS)
    polygon = np.array([[100.0, 80.0], [220.0, 80.0], [220.0, 160.0], [100.0, 160.0]])
    selection = AffordancePredictor().predict(holed, BinView(polygon=polygon)).selection
    assert selection.points == ()
    assert selection.rejections[Rejection.NO_DEPTH] == 121 * 81


def test_sources_that_cannot_serve_are_refused(frame: RgbdFrame) -> None:
    with pytest.raises(CheckpointError, match="checkpoint"):
        AffordancePredictor(PredictorConfig(source=Source.LEARNED))
    with pytest.raises(ConfigError, match="no map"):
        PredictorConfig(source=Source.MANUAL)
    with pytest.raises(ConfigError, match="minimum_depth"):
        PredictorConfig(minimum_depth=2.0)
    config = PredictorConfig(source=Source.LEARNED)
    with pytest.raises(ConfigError, match="one value per pixel"):
        AffordancePredictor(config, LeftHalf((60, 80))).predict(frame, VIEW)


def test_a_point_at_the_edge_of_a_wide_lens_is_where_its_pixel_shows_it() -> None:
    lens = Lens.of("plumb_bob", (-0.30, 0.12, 0.0012, -0.0008))
    camera = dataclasses.replace(INTRINSICS, fx=240.0, fy=242.0, lens=lens)
    pose, top = camera_at(90, 0.8), 0.05

    def seen_on_top(u: float, v: float) -> np.ndarray:
        """Where the box is hit by the ray of a pixel, by OpenCV; base frame."""
        precise = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-10)
        undistort: Any = getattr(cv2, "undistortPointsIter", cv2.undistortPoints)
        d, one = np.array(camera.distortion[1]), np.eye(3)
        x, y = undistort(
            np.array([[[u, v]]], np.float64), camera.matrix, d, R=one, P=one, criteria=precise
        ).ravel()
        return transform_points(pose, np.array([x, y, 1.0]) * (0.8 - top))

    for u, v in ((45.0, 40.0), (280.0, 120.0), (250.0, 205.0)):
        x, y, _ = seen_on_top(u, v)
        box = Block((x - 0.04, y - 0.04, 0.0), (x + 0.04, y + 0.04, top))
        frame = render([floor(), box], pose, noise=0.0002, intrinsics=camera)
        best = AffordancePredictor().predict(frame, BinView(T_base_camera=pose)).selection.points[0]
        found = transform_points(pose, best.position)
        expected = seen_on_top(best.u, best.v)
        assert np.abs(expected[:2] - (x, y)).max() < 0.04, "the pixel is on the box"
        assert np.linalg.norm(found - expected) < 1e-3
        pinhole = dataclasses.replace(camera, lens=None)
        wrong = transform_points(pose, pinhole.deproject(best.u, best.v, best.position[2]))
        assert np.linalg.norm(wrong - expected) > 9e-3  # what the lens is worth here
