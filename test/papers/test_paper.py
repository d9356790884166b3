"""The paper's learner trains the decoder, at the executed pixel, towards the outcome."""

import numpy as np
import pytest
import torch

from grasp_affordance.errors import FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.papers.suction.learner import PaperLearner, SuctionPaperConfig
from grasp_affordance.papers.suction.network import NetworkConfig
from grasp_affordance.papers.suction.resnet_model import ResnetModel
from grasp_affordance.rgbd import RgbdFrame

NETWORK = NetworkConfig(backbone="resnet18", weights="random", decoder_channels=(16, 16, 16, 16))


@pytest.fixture(scope="module")
def frame() -> RgbdFrame:
    rng = np.random.default_rng(0)
    color = rng.integers(0, 255, (168, 168, 3), dtype=np.uint8)
    depth = rng.uniform(0.6, 0.8, (168, 168)).astype(np.float32)
    return RgbdFrame(color, depth, Intrinsics(200, 200, 84, 84, 168, 168))


@pytest.mark.parametrize("success", [True, False])
def test_learning_moves_the_prediction_towards_the_outcome(frame: RgbdFrame, success: bool) -> None:
    learner = PaperLearner(SuctionPaperConfig(network=NETWORK, learning_rate=1e-2))
    before = ResnetModel(learner.network).predict(frame)[80, 60]
    for _ in range(3):
        learner.learn(frame, (60, 80), success)
    after = ResnetModel(learner.network).predict(frame)[80, 60]
    assert (after > before) == success


def test_only_the_decoder_learns(frame: RgbdFrame) -> None:
    learner = PaperLearner(SuctionPaperConfig(network=NETWORK))
    before = {k: v.clone() for k, v in learner.network.state_dict().items()}
    learner.learn(frame, (10, 10), True)
    changed = {k for k, v in learner.network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(name.startswith("decoder.") for name in changed)


def test_the_optimiser_is_the_papers() -> None:
    group = PaperLearner(SuctionPaperConfig(network=NETWORK)).optimiser.param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (5e-5, 0.9, 1e-4)


def test_a_pixel_outside_the_region_is_refused(frame: RgbdFrame) -> None:
    region = np.zeros(frame.shape, dtype=np.bool_)
    region[:60, :60] = True
    with pytest.raises(FrameError, match="outside the region"):
        PaperLearner(SuctionPaperConfig(network=NETWORK)).learn(frame, (160, 160), True, region)


@pytest.mark.parametrize("augmentation", [False, True])
def test_features_that_prediction_has_computed_teach_the_same(
    frame: RgbdFrame, augmentation: bool
) -> None:
    config = SuctionPaperConfig(network=NETWORK, learning_rate=1e-2, augmentation=augmentation)
    one, other = PaperLearner(config), PaperLearner(config)
    _, seen = ResnetModel(one.network).look(frame)
    kept = one.learn(frame, (60, 80), True, seen=seen)
    assert kept == pytest.approx(other.learn(frame, (60, 80), True), abs=1e-6)
    theirs = other.network.decoder.state_dict()
    for name, tensor in one.network.decoder.state_dict().items():
        torch.testing.assert_close(tensor, theirs[name], msg=name)
