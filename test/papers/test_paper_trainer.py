"""The suction paper's learner on disk goes on as if it had never stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from helpers.training_sample_log import BIN, picked

from grasp_affordance.affordance.network.checkpoint import read_checkpoint, write_checkpoint
from grasp_affordance.cell import Cup
from grasp_affordance.errors import CheckpointError
from grasp_affordance.geometry import transform_points
from grasp_affordance.learning.exploration import ExplorationSchedule
from grasp_affordance.papers.suction.learner import SuctionPaperConfig
from grasp_affordance.papers.suction.network import NetworkConfig
from grasp_affordance.papers.suction.policy import PaperPolicy
from grasp_affordance.policies.policy import View
from grasp_affordance.suction import Failures

NETWORK = NetworkConfig(backbone="resnet18", weights="random", decoder_channels=(8, 8, 8, 8))
CONFIG = SuctionPaperConfig(network=NETWORK, learning_rate=1e-2, augmentation=False)


def pick(policy: PaperPolicy) -> None:
    view = View(box_frame(2), T_BASE_CAMERA, BIN, Cup(), np.random.default_rng(0))
    assert policy.choose(view).points
    policy.learn(picked(policy.attempts))


def test_a_paper_learner_that_stops_equals_one_that_does_not(tmp_path: Path) -> None:
    whole = PaperPolicy(CONFIG, tmp_path / "whole")
    for _ in range(3):
        pick(whole)
        parts = PaperPolicy(CONFIG, tmp_path / "parts")  # from the disk before every pick
        pick(parts)
    assert parts.attempts == 3
    theirs = parts.learner.network.state_dict()
    for name, tensor in whole.learner.network.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name


def test_what_failed_elsewhere_does_not_move_the_highest_pixel(tmp_path: Path) -> None:
    policy = PaperPolicy(CONFIG, tmp_path, ExplorationSchedule(start=0.0))
    view = View(box_frame(2), T_BASE_CAMERA, BIN, Cup(), np.random.default_rng(0))
    best = policy.choose(view).points[0]
    beside = transform_points(T_BASE_CAMERA, best.position)[None] + [0.02, 0.0, 0.0]
    failed = replace(view, failures=Failures(beside, beside))
    again = policy.choose(failed).points[0]
    assert (again.u, again.v, again.probability) == (best.u, best.v, best.probability)


def test_a_state_of_another_format_or_configuration_is_refused(tmp_path: Path) -> None:
    pick(PaperPolicy(CONFIG, tmp_path))
    with pytest.raises(CheckpointError, match="another learner or configuration"):
        PaperPolicy(SuctionPaperConfig(network=NETWORK), tmp_path)
    path = tmp_path / "paper.safetensors"
    state = read_checkpoint(path)
    write_checkpoint(path, replace(state, architecture="another-trainer"))
    with pytest.raises(CheckpointError, match="another learner or configuration"):
        PaperPolicy(CONFIG, tmp_path)
