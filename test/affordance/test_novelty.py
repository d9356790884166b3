"""What is unlike all that was tried, and where novelty exploration goes because of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.rendered_scene import Block, camera_at, open_bin, render

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.exploring import novel
from grasp_affordance.affordance.network.checkpoint import (
    Provenance,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.network.compact_checkpoint import familiar_of, to_checkpoint
from grasp_affordance.affordance.network.compact_model import CompactModel
from grasp_affordance.affordance.network.features import CHANNELS
from grasp_affordance.affordance.network.novelty import STRANGE, novelty
from grasp_affordance.affordance.predictor import AffordancePredictor, Prediction
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Rejection, Source

T = camera_at(60, 0.7)
BIN = BinGeometry(centre=(0.0, 0.0), size=(0.40, 0.30, 0.10))
CONFIG = CompactConfig(members=2, width=4, dilations=(1, 2))
STATE = CompactNetwork(CONFIG, torch.Generator().manual_seed(3)).state_dict()
NEAR_SPREAD = 3.0


def model_that_tried(cells: np.ndarray | None) -> CompactModel:
    kept = None if cells is None else torch.from_numpy(cells.astype(np.float16))
    return CompactModel(to_checkpoint(STATE, CONFIG, Provenance(attempts=9), familiar=kept))


@pytest.fixture(scope="module")
def frame() -> RgbdFrame:
    boxes = [
        Block((-0.12, -0.05, 0.0), (-0.02, 0.05, 0.05)),
        Block((0.04, -0.05, 0), (0.14, 0, 0.03)),
    ]
    return render([*open_bin(), *boxes], T, noise=0.0007, holes=0.01)


@pytest.fixture(scope="module")
def prediction(frame: RgbdFrame) -> Prediction:
    return AffordancePredictor().predict(frame, BinView(T_base_camera=T, bin=BIN))


def test_what_was_tried_is_familiar_and_what_is_far_from_it_is_not() -> None:
    rng = np.random.default_rng(0)
    tried = rng.normal(size=(50, 6)).astype(np.float32)
    np.testing.assert_allclose(novelty(tried, tried), 0, atol=2e-3)
    steps = np.array([0.0, 1.0, 5.0, 20.0], np.float32)
    away = tried.max(axis=0) + np.outer(steps, np.ones(6, np.float32))
    assert (np.diff(novelty(away, tried)) > 0).all()


def test_novelty_is_the_distance_to_the_nearest_in_spreads() -> None:
    rng = np.random.default_rng(1)
    tried = rng.normal(size=(20, 4)).astype(np.float32)
    cells = rng.normal(size=(7, 4)).astype(np.float32)
    spread = tried.std(axis=0) + 0.05
    every = np.linalg.norm((cells[:, None] - tried) / spread, axis=-1)
    np.testing.assert_allclose(novelty(cells, tried), every.min(axis=1), rtol=1e-3)


def test_trying_more_makes_no_place_stranger_while_the_spread_stays() -> None:
    rng = np.random.default_rng(2)
    tried = rng.normal(size=(40, 4)).astype(np.float32)
    cells = rng.normal(size=(9, 4)).astype(np.float32)
    assert (novelty(cells, np.tile(tried, (2, 1))) <= novelty(cells, tried) + 1e-3).all()


def test_a_feature_that_never_varied_does_not_decide_alone() -> None:
    tried = np.zeros((5, 2), np.float32)
    tried[:, 0] = np.arange(5)
    assert novelty(np.array([[2.0, 0.1]], np.float32), tried)[0] < NEAR_SPREAD


def test_a_checkpoint_keeps_what_was_tried_beside_the_same_weights(
    tmp_path: Path, frame: RgbdFrame, prediction: Prediction
) -> None:
    tried = np.random.default_rng(3).normal(size=(6, len(CHANNELS))).astype(np.float16)
    path = tmp_path / "model.safetensors"
    written = to_checkpoint(STATE, CONFIG, Provenance(attempts=9), familiar=torch.from_numpy(tried))
    write_checkpoint(path, written)
    found = familiar_of(read_checkpoint(path))
    assert found is not None
    np.testing.assert_array_equal(found, tried.astype(np.float32))
    with_them, without = CompactModel(read_checkpoint(path)), model_that_tried(None)
    assert with_them.version == without.version
    seal = prediction.scene.surface.to_image(prediction.scene.seal.score)
    one, other = (m.predict(frame, prediction.allowed, prior=seal) for m in (with_them, without))
    np.testing.assert_array_equal(one, other)


def test_what_was_tried_in_other_channels_is_not_compared() -> None:
    tried = torch.zeros((2, len(CHANNELS)), dtype=torch.float16)
    written = to_checkpoint(STATE, CONFIG, Provenance(), familiar=tried)
    older = replace(written, config={**written.config, "channels": list(CHANNELS[:-1])})
    assert familiar_of(written) is not None
    assert familiar_of(older) is None


def test_novelty_goes_where_a_cup_would_seal_and_nobody_has_tried(
    frame: RgbdFrame, prediction: Prediction
) -> None:
    odd = np.random.default_rng(4).normal(3.0, 0.1, size=(30, len(CHANNELS)))
    model = model_that_tried(odd)
    limits = replace(prediction.limits, min_probability=0.999)
    found = novel(frame, replace(prediction, limits=limits), model)
    assert found.points
    up = prediction.scene.region.up
    strange = model.novelty(frame, prediction.allowed, up=up)
    seal = prediction.prior
    for point in found.points:
        assert point.source is Source.NOVELTY
        assert strange[point.v, point.u] > STRANGE
        assert seal[point.v, point.u] > 0.2
        assert point.probability == prediction.affordance[point.v, point.u]


def test_who_has_tried_such_places_leaves_them_and_who_knows_nothing_of_it_too(
    frame: RgbdFrame, prediction: Prediction
) -> None:
    scene = prediction.scene
    knowing = model_that_tried(None)
    view = knowing._observe(frame, prediction.allowed, scene.region.up, None)
    inside = view.grid.sample(prediction.allowed) > 0.5
    every = model_that_tried(view.features[:, inside].T)
    assert not novel(frame, prediction, every).points
    assert not novel(frame, prediction, knowing).points
    assert not novel(frame, prediction, object()).points


def test_a_bin_that_something_hides_offers_nothing_new() -> None:
    arm = Block((-0.2, -0.15, 0.40), (0.2, 0.15, 0.45))
    hidden = render([*open_bin(), arm], T, noise=0.0007, holes=0.01)
    seen = AffordancePredictor().predict(hidden, BinView(T_base_camera=T, bin=BIN))
    assert not seen.allowed.any()
    assert seen.selection.rejections[Rejection.OBSTRUCTED] > 1000
    assert Rejection.EMPTY_BIN not in seen.selection.rejections
    tried = np.random.default_rng(3).normal(size=(6, len(CHANNELS)))
    model = model_that_tried(tried)
    assert not novel(hidden, seen, model).points
