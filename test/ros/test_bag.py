"""The camera node plays rosbag2 recordings, and says what is wrong with one."""

from pathlib import Path

import pytest
from helpers.bags import TOPICS, write_bag
from helpers.ros_harness import Ros
from helpers.ros_scenes import box_frame
from rosbags.rosbag2 import StoragePlugin

from grasp_affordance.errors import SequenceError
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.camera.playback import open_recording


def record(folder: Path, plugin: StoragePlugin = StoragePlugin.SQLITE3) -> Path:
    return write_bag(folder, [box_frame(stamp_ns=i * 10**9) for i in (1, 2, 3)], plugin)


def test_the_camera_node_plays_a_bag(ros: Ros, tmp_path: Path) -> None:
    node = ros.start(CameraNode, recording=str(record(tmp_path / "bag")), rate=50.0, loop=False)
    ros.wait_for_log("is at its end")
    assert node.active


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_a_truncated_bag_keeps_the_camera_node_from_starting(
    ros: Ros, tmp_path: Path, plugin: StoragePlugin
) -> None:
    folder = record(tmp_path / "bag", plugin)
    (data,) = [path for path in folder.iterdir() if path.suffix in (".db3", ".mcap")]
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 3])
    node = ros.start(CameraNode, recording=str(folder))
    ros.wait_for_log("SequenceError: ")
    assert not node.active


def test_a_bag_without_its_metadata_is_a_named_error(tmp_path: Path) -> None:
    folder = record(tmp_path / "bag")
    (folder / "metadata.yaml").write_text("nonsense: [")
    with pytest.raises(SequenceError, match="cannot be read"):
        open_recording(folder, TOPICS)
    (folder / "metadata.yaml").unlink()
    with pytest.raises(SequenceError, match=r"neither camera\.json nor"):
        open_recording(folder, TOPICS)
