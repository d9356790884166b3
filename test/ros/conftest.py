"""Fixtures of the nodes' tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.ros_harness import Ros, running_ros
from helpers.ros_scenes import T_BASE_CAMERA, box_frame

from grasp_affordance.ros.affordance import affordance_config
from grasp_affordance.ros.common.share import transport_environment
from grasp_affordance.ros.trainer import trainer_config
from grasp_affordance.sequence import SequenceCamera, SequenceWriter

# As in every process that tests start: images between them get lost on a busy machine otherwise.
os.environ.update(transport_environment())


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nodes in this process do must not depend on the weights that this version ships."""
    for config in (affordance_config, trainer_config):
        monkeypatch.setattr(config, "shipped_weights", lambda: None)


@pytest.fixture
def ros() -> Iterator[Ros]:
    """Nodes of one test."""
    with running_ros() as running:
        yield running


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    """Return a recorded sequence of two frames, with pose and depth to 0.1 mm."""
    folder = tmp_path / "sequence"
    camera = SequenceCamera(box_frame().intrinsics, 0.0001, T_base_camera=T_BASE_CAMERA)
    writer = SequenceWriter(folder, camera)
    writer.append(box_frame(2, stamp_ns=10**9))
    writer.append(box_frame(1, stamp_ns=2 * 10**9))
    return folder
