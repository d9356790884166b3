"""`grasp-affordance record`: one frame after each removal, from a recorded stream."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from grasp_affordance.annotation.recording.from_recording import record_stream
from grasp_affordance.annotation.recording.recorder import RecorderConfig
from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import SequenceError
from grasp_affordance.files import read_json
from grasp_affordance.messages.bag import BagRecording, BagTopics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import CAMERA_FILE, Sequence, SequenceCamera

_FRAME_INTERVAL = 1 / 30  # seconds between frames of a folder that has no stamps


def run(
    source: tyro.conf.Positional[Path],
    output: Path,
    camera: Path | None = None,
    cell: str = "",
    topics: BagTopics = BagTopics(),  # noqa: B008
    config: Annotated[RecorderConfig, tyro.conf.arg(name="")] = RecorderConfig(),  # noqa: B008
) -> int:
    """Keep one frame after each removal: scene at rest, no hand in view, something changed.

    Args:
        source: a rosbag2 (folder, or .mcap), or a folder of frames with camera.json.
        output: sequence to write; frames are appended to one of the same camera.
        camera: a camera.json whose region and T_base_camera the sequence takes.
        cell: file of the cell, or sim, ur5, ur5e, gazebo: the sequence takes its bin; a bag whose
            /tf_static knows its base frame tells the camera's pose.
        topics: of a bag.
        config: of the recorder.
    """
    known_cell = read_cell(cell)
    frames, described = _stream(source, topics, known_cell.base_frame_id)
    if known_cell.bin is not None:
        described = replace(described, bin=known_cell.bin)
    if known_cell.camera.region:
        described = replace(described, region=np.array(known_cell.camera.region))
    if camera is not None:
        known = _read_camera(camera)
        described = replace(described, region=known.region, T_base_camera=known.T_base_camera)
    recording = record_stream(frames, output, described, config)
    counts = ", ".join(f"{reason} {count}" for reason, count in recording.reasons.items())
    print(f"{len(recording.names)} frames in {output} ({counts})")
    return 0


def _stream(
    source: Path, topics: BagTopics, base_frame: str
) -> tuple[Iterator[RgbdFrame], SequenceCamera]:
    if (source / CAMERA_FILE).exists():
        sequence = Sequence(source)
        return _with_stamps(sequence), sequence.camera
    if not source.exists():
        raise SequenceError(f"{source} does not exist; give a rosbag2 or a folder of frames")
    bag = BagRecording(source, topics)
    frames, pose = bag.frames(), bag.T_base_camera(base_frame)
    first = next(frames)
    described = SequenceCamera(first.intrinsics, T_base_camera=pose, frame_id=first.frame_id)
    return chain([first], frames), described


def _with_stamps(sequence: Sequence) -> Iterator[RgbdFrame]:
    for number, (name, frame) in enumerate(sequence):
        stamped = "stamp_ns" in sequence.facts(name)
        yield frame if stamped else replace(frame, stamp_ns=round(number * _FRAME_INTERVAL * 1e9))


def _read_camera(path: Path) -> SequenceCamera:
    try:
        return SequenceCamera.from_dict(read_json(path))
    except SequenceError as error:
        raise SequenceError(f"{path}: {error}") from error
