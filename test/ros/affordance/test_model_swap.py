"""Weights are swapped while the node serves, and the old ones stay when the new ones are bad."""

from pathlib import Path

import pytest
import torch
from grasp_affordance_interfaces.msg import ModelAnnouncement, SuctionPoint
from grasp_affordance_interfaces.srv import GetSuctionPoints, LoadModel
from helpers.ros_harness import TIMEOUT, Ros

from grasp_affordance.affordance.network.checkpoint import Provenance, write_checkpoint
from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.network.compact_checkpoint import to_checkpoint
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.common import topics


def weights(folder: Path, seed: int) -> Path:
    config = CompactConfig()
    network = CompactNetwork(config, torch.Generator().manual_seed(seed))
    path = folder / f"{seed}.safetensors"
    write_checkpoint(path, to_checkpoint(network.state_dict(), config, Provenance(attempts=seed)))
    return path


def ask(ros: Ros, **fields: object) -> GetSuctionPoints.Response:
    service = "/affordance_node/get_suction_points"
    return ros.client.call(GetSuctionPoints, service, GetSuctionPoints.Request(**fields), TIMEOUT)


def load(ros: Ros, path: object) -> LoadModel.Response:
    request = LoadModel.Request(path=str(path))
    return ros.client.call(LoadModel, "/affordance_node/load_model", request, TIMEOUT)


@pytest.fixture
def serving(ros: Ros, sequence: Path) -> Ros:
    ros.start(CameraNode, recording=str(sequence), rate=20.0)
    ros.start(AffordanceNode)
    ros.wait_until(lambda: ask(ros).success, "answered")
    return ros


def test_weights_are_loaded_survive_a_bad_successor_and_go_on_demand(
    serving: Ros, tmp_path: Path
) -> None:
    assert ask(serving).model_version == ""
    good = load(serving, weights(tmp_path, 7))
    assert good.success, good.message
    assert good.version.startswith("compact-000007-")
    answer = ask(serving, minimum_probability=0.001)
    assert answer.success, answer.message
    assert answer.model_version == good.version
    assert {p.source for p in answer.points} <= {SuctionPoint.SOURCE_LEARNED}
    bad = load(serving, tmp_path / "absent")
    assert not bad.success
    assert f"{good.version} stays" in bad.message
    assert bad.version == good.version == ask(serving).model_version
    assert load(serving, "").version == ""
    assert ask(serving).model_version == ""


def test_an_announced_model_serves_without_a_restart_also_a_late_node(
    serving: Ros, tmp_path: Path
) -> None:
    trainer = serving.node.create_publisher(ModelAnnouncement, "model", topics.LATCHED)
    for seed in (1, 2):
        trainer.publish(ModelAnnouncement(path=str(weights(tmp_path, seed)), reason="promoted"))
        name = f"compact-{seed:06d}-"
        serving.wait_until(
            lambda name=name: ask(serving).model_version.startswith(name),  # type: ignore[misc]
            f"served {name}",
        )


def test_one_request_may_ask_for_the_prior_beside_a_model(serving: Ros, tmp_path: Path) -> None:
    load(serving, weights(tmp_path, 3))
    answer = ask(serving, source=SuctionPoint.SOURCE_PRIOR)
    assert answer.model_version == ""
    assert {p.source for p in answer.points} == {SuctionPoint.SOURCE_PRIOR}
