"""Coarse labels teach whole maps: towards what was marked, the decoder alone, both kinds alike."""

import numpy as np
import pytest
import torch

from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.papers.suction.learner import PaperLearner, SuctionPaperConfig
from grasp_affordance.papers.suction.loss import coarse_loss
from grasp_affordance.papers.suction.network import NetworkConfig
from grasp_affordance.papers.suction.pretraining import CoarseView, PretrainConfig, pretrain
from grasp_affordance.papers.suction.resnet_model import ResnetModel
from grasp_affordance.rgbd import RgbdFrame

NETWORK = NetworkConfig(backbone="resnet18", weights="random", decoder_channels=(16, 16, 16, 16))


def view() -> CoarseView:
    """The left half is red, near and good; the right half blue, far and bad; the top not known."""
    left = np.arange(200)[None, :] < 100
    left = np.repeat(left, 180, axis=0)
    color = np.where(left[..., None], (200, 40, 40), (40, 40, 200)).astype(np.uint8)
    depth = np.where(left, 0.6, 0.8).astype(np.float32)
    region = np.zeros_like(left)
    region[30:] = True
    return CoarseView(
        RgbdFrame(color, depth, Intrinsics(200, 200, 100, 90, 200, 180)), left, region
    )


def test_the_loss_of_coarse_labels_has_no_gradient_where_nothing_is_known() -> None:
    logits = torch.randn(2, 2, 5, 5, requires_grad=True)
    labels = torch.full((2, 5, 5), torch.nan)
    labels[0, 1, 2], labels[1, 3, 3] = 1.0, 0.0
    coarse_loss(logits, labels).backward()
    assert logits.grad is not None
    touched = logits.grad.abs().sum(dim=1) > 0
    assert torch.equal(touched, ~torch.isnan(labels))
    unlabelled = torch.randn(2, 2, 5, 5, requires_grad=True)
    coarse_loss(unlabelled, torch.full((2, 5, 5), torch.nan)).backward()
    assert unlabelled.grad is not None
    assert not unlabelled.grad.any()


def test_a_few_good_cells_weigh_as_much_as_many_bad_ones() -> None:
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 0] = 2.0
    few, half = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
    few[0, 0, 0], half[0, :2] = 1.0, 1.0
    assert coarse_loss(logits, few) == pytest.approx(float(coarse_loss(logits, half)), rel=1e-6)


def test_what_was_marked_is_told_from_the_rest_afterwards_and_the_encoder_stays() -> None:
    torch.manual_seed(0)
    learner, coarse = PaperLearner(SuctionPaperConfig(network=NETWORK)), view()
    before = {k: v.clone() for k, v in learner.network.state_dict().items()}
    config = PretrainConfig(images=1, epochs=10, learning_rate=0.02)
    losses = list(pretrain(learner, [coarse], config, seed=0))
    assert len(losses) == 10
    assert losses[-1] < 0.8 * losses[0]
    seen = ResnetModel(learner.network).predict(coarse.frame, coarse.region)
    assert seen[60:150, 20:80].mean() > seen[60:150, 120:180].mean() + 0.1
    changed = {k for k, v in learner.network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(name.startswith("decoder.") for name in changed)
    assert not learner.optimiser.state_dict()["state"]


def test_the_same_seed_teaches_the_same() -> None:
    runs = []
    for _ in range(2):
        learner = PaperLearner(SuctionPaperConfig(network=NETWORK))
        views, config = [view(), view()], PretrainConfig(images=2, epochs=1)
        runs.append(list(pretrain(learner, views, config, seed=3)))
    assert runs[0] == runs[1]


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="epochs >= 1"):
        PretrainConfig(epochs=0)
    coarse = view()
    with pytest.raises(FrameError, match="good is"):
        CoarseView(coarse.frame, coarse.good[:10])
