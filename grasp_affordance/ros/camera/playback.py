"""Recorded RGB-D frames to play back: a sequence folder, or a rosbag2."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from grasp_affordance.arrays import Array
from grasp_affordance.errors import SequenceError
from grasp_affordance.messages.bag import BagRecording, BagTopics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import CAMERA_FILE, Sequence


class Recording(Protocol):
    """Frames in the order in which they were taken."""

    def frames(self) -> Iterator[RgbdFrame]:
        """Yield every frame; raises SequenceError where one cannot be read."""

    def T_base_camera(self, base_frame_id: str) -> Array | None:
        """Return the pose (4, 4) of the camera; None where it was not recorded."""


class FolderRecording:
    """A sequence folder, or one frame of it.

    Raises:
        SequenceError: see `Sequence`; or there is no frame of that name.
    """

    def __init__(self, folder: Path, only: str = "") -> None:
        self._sequence = Sequence(folder)
        self._names = (only,) if only else self._sequence.names
        if only and only not in self._sequence.names:
            raise SequenceError(f"{folder} has no frame {only}; it has {self._sequence.names}")

    def frames(self) -> Iterator[RgbdFrame]:
        """Yield every frame of the folder; after an error `next` goes on with the frame after."""
        return map(self._sequence.read, self._names)  # a generator would end

    def T_base_camera(self, base_frame_id: str) -> Array | None:  # noqa: ARG002
        """Return the pose in `camera.json`, whatever its base frame is called."""
        return self._sequence.camera.T_base_camera


def open_recording(path: Path, bag_topics: BagTopics, only: str = "") -> Recording:
    """Open a sequence folder (with `camera.json`) or a rosbag2 (its folder, `.db3` or `.mcap`).

    Args:
        only: name of the one frame of a folder to play; empty for all.

    Raises:
        SequenceError: it is missing, incomplete, or neither of these.
    """
    if not path.exists():
        raise SequenceError(f"{path} does not exist; give a sequence folder or a rosbag2")
    if (path / CAMERA_FILE).exists():
        return FolderRecording(path, only)
    folder = path.parent if path.suffix in (".db3", ".mcap") else path
    if (folder / "metadata.yaml").exists():
        return BagRecording(folder, bag_topics)
    raise SequenceError(f"{path} holds neither {CAMERA_FILE} nor a rosbag2's metadata.yaml")
