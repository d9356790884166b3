"""Where depth is specks, a smooth surface is laid through them; all else is left alone."""

import numpy as np
import pytest
from helpers.rendered_scene import INTRINSICS, Block, camera_at, floor, render

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.affordance.surface.sparse_depth import bridge_specks
from grasp_affordance.affordance.surface.surface import observe_surface
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import SimCell, SimConfig
from grasp_affordance.suction import Rejection

CAMERA = Intrinsics(640.0, 640.0, 119.5, 89.5, 240, 180)
BLOCK = (slice(40, 120), slice(60, 180))  # 5 x 7.5 cm at 0.4 m
INNER = (slice(48, 112), slice(68, 172))


def specks(share: float, seed: int = 0) -> np.ndarray:
    """Return which pixels of the whole image are seen, in specks of 2 x 2."""
    rng = np.random.default_rng(seed)
    return np.kron(rng.random((90, 120)) < share, np.ones((2, 2))) > 0


def scene(share: float, height: float = 0.04, slope: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the true and the measured depth of a dark block on a floor 0.4 m away."""
    true = np.full((180, 240), 0.40, np.float32)
    true[BLOCK] -= height + slope * np.arange(120, dtype=np.float32) * 0.4 / 640
    seen = specks(share)
    measured = true.copy()
    measured[BLOCK] = np.where(seen[BLOCK], true[BLOCK], np.nan)
    return true, measured


@pytest.mark.parametrize("share", [0.05, 0.10, 0.20])
@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_a_surface_seen_in_specks_is_known_between_them(share: float, slope: float) -> None:
    true, measured = scene(share, slope=slope)
    filled, bridged = bridge_specks(measured, CAMERA)
    assert bridged[INNER].mean() > 0.9
    error = np.abs(filled - true)[INNER]
    assert np.nanmedian(error) < 0.001 + 0.004 * slope
    assert np.nanmax(error) < 0.004


def test_beside_the_specks_everything_is_as_it_was_measured() -> None:
    _, measured = scene(0.08)
    filled, bridged = bridge_specks(measured, CAMERA)
    np.testing.assert_array_equal(filled[~bridged], measured[~bridged])
    beyond = np.ones_like(bridged)
    beyond[BLOCK] = False
    assert bridged[beyond].mean() < 0.005


def test_the_floor_beside_a_dark_object_does_not_pull_it_down() -> None:
    true, measured = scene(0.08, height=0.08)
    filled, bridged = bridge_specks(measured, CAMERA)
    here = bridged.copy()
    here[:40] = here[120:] = False
    here[:, :60] = here[:, 180:] = False
    assert np.abs(filled - true)[here].max() < 0.001


def test_a_hole_stays_a_hole() -> None:
    true, _ = scene(1.0)
    true[BLOCK] = np.nan
    filled, bridged = bridge_specks(true, CAMERA)
    assert not bridged.any()
    assert filled is true


def test_the_narrow_shadow_of_an_edge_is_not_bridged() -> None:
    true, _ = scene(1.0)
    shadow = (slice(0, 180), slice(100, 112))  # 7.5 mm
    true[shadow] = np.where(specks(0.1)[shadow], true[shadow], np.nan)
    assert not bridge_specks(true, CAMERA)[1].any()


def test_single_pixels_without_depth_are_left_to_others() -> None:
    true, _ = scene(1.0)
    true[np.random.default_rng(1).random(true.shape) < 0.3] = np.nan
    filled, bridged = bridge_specks(true, CAMERA)
    assert not bridged.any()
    np.testing.assert_array_equal(filled, true)


def test_specks_that_do_not_agree_are_no_surface() -> None:
    _, measured = scene(0.10)
    known = np.isfinite(measured)
    known[INNER] &= specks(0.10)[INNER]
    wild = np.random.default_rng(2).uniform(0.2, 0.6, measured.shape).astype(np.float32)
    measured[INNER] = np.where(known[INNER], wild[INNER], np.nan)
    _, bridged = bridge_specks(measured, CAMERA)
    assert bridged[INNER].mean() < 0.1


def test_stray_pixels_far_from_each_other_are_no_surface() -> None:
    depth = np.full((180, 240), np.nan, np.float32)
    depth[::60, ::60] = 0.4  # 38 mm
    assert not bridge_specks(depth, CAMERA)[1].any()


@pytest.mark.parametrize("depth", [0.5, np.nan])
def test_nothing_missing_and_nothing_known_stay_as_they_are(depth: float) -> None:
    image = np.full((180, 240), depth, np.float32)
    filled, bridged = bridge_specks(image, CAMERA)
    assert filled is image
    assert not bridged.any()


def test_what_was_guessed_is_reported_as_missing() -> None:
    true, measured = scene(0.08)
    color = np.zeros((*true.shape, 3), np.uint8)
    surface = observe_surface(RgbdFrame(color, measured, CAMERA), radius=0.010)
    assert surface.invented[INNER].mean() > 0.9
    assert surface.to_image(surface.missing_share)[INNER].mean() > 0.7
    dense = observe_surface(RgbdFrame(color, true, CAMERA), radius=0.010)
    assert not dense.invented.any()


def test_a_dark_object_is_offered_after_a_bright_one_of_the_same_shape() -> None:
    T = camera_at(90)
    blocks = [
        Block((-0.11, -0.03, 0.0), (-0.03, 0.03, 0.05)),
        Block((0.03, -0.03, 0.0), (0.11, 0.03, 0.05)),
    ]
    frame = render([floor(), *blocks], T)
    near = frame.depth < np.median(frame.depth) - 0.02
    dark = near.copy()
    dark[: INTRINSICS.height // 2] = False
    seen = np.random.default_rng(0).random((120, 160)) < 0.08
    depth = frame.depth.copy()
    depth[dark & ~np.kron(seen, np.ones((2, 2), np.bool_))] = np.nan
    speckled = RgbdFrame(frame.color, depth, frame.intrinsics)
    points = AffordancePredictor().predict(speckled, BinView(T_base_camera=T)).selection.points
    met = [bool(dark[point.v, point.u]) for point in points if near[point.v, point.u]]
    assert not met[0]
    assert any(met)


def test_a_bin_of_dark_and_shiny_objects_is_not_empty() -> None:
    with SimCell(SimConfig(scene="dark_shiny", seed=1)) as cell:
        frame, T = cell.camera.read(), cell.camera.pose()
        view = BinView(T_base_camera=T, bin=cell.bin)
        # The prior gives specks little; here it says that they are seen at all.
        config = PredictorConfig(candidates=CandidateConfig(min_probability=0.02))
        selection = AffordancePredictor(config).predict(frame, view).selection
        owners = cell.oracle.true_masks()
    assert Rejection.EMPTY_BIN not in selection.rejections
    met = [int(owners[point.v, point.u]) for point in selection.points]
    assert len({owner for owner in met if owner >= 0}) >= 5
