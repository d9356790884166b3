"""`grasp-affordance attempts` shows and exports what a log holds, and says what is wrong."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.training_sample_log import log_of, picked
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.annotation.pick_labels import read_labels
from grasp_affordance.annotation.removal_check import DepthRemovalCheck
from grasp_affordance.cell_file import read_cell
from grasp_affordance.cli import main
from grasp_affordance.execution.pick import pick
from grasp_affordance.learning.log.attempt_bag import write_bag
from grasp_affordance.learning.log.setup import LogSetup, open_log
from grasp_affordance.lens import Lens
from grasp_affordance.messages.bag import BagRecording, BagTopics
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import Hardness, SimCell, SimConfig


def test_the_list_has_every_attempt_and_the_size_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_of(tmp_path, 3)
    assert main(["attempts", str(tmp_path)]) == 0
    text = " ".join(capsys.readouterr().out.split())  # a long folder's name wraps the title
    assert "3 attempts" in text
    assert "2 successes" in text
    assert "kB per attempt" in text


def test_one_attempt_is_shown_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_of(tmp_path, 2)
    assert main(["attempts", str(tmp_path), "show", "1"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["outcome"] == "failure"
    assert shown["cause"] == "no_seal"
    assert shown["after"] == "not kept"


@pytest.mark.parametrize("storage", ["mcap", "rosbag2"])
def test_an_exported_bag_plays_back_the_frames_and_the_attempts(
    tmp_path: Path, storage: str
) -> None:
    log_of(tmp_path / "log", 2)
    bag = tmp_path / "bag"
    arguments = ["attempts", str(tmp_path / "log"), "export", "--output", str(bag)]
    assert main([*arguments, "--format", storage]) == 0
    recording = BagRecording(bag, BagTopics())
    before = picked(0).before
    assert before is not None
    first, second = recording.frames()
    np.testing.assert_array_equal(first.color, before.color)
    np.testing.assert_allclose(first.depth, before.depth, atol=1e-4)
    assert first.intrinsics == before.intrinsics
    assert first.stamp_ns < second.stamp_ns
    pose = recording.T_base_camera("base")
    assert pose is not None
    np.testing.assert_allclose(pose, picked(0).T_base_camera, atol=1e-9)
    with AnyReader([bag], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
        connections = [c for c in reader.connections if c.topic == "/attempt"]
        texts = [
            json.loads(reader.deserialize(raw, connection.msgtype).data)  # type: ignore[attr-defined]
            for connection, _, raw in reader.messages(connections)
        ]
    assert [text["outcome"] for text in texts] == ["success", "failure"]


@pytest.mark.parametrize("storage", ["mcap", "rosbag2"])
def test_an_exported_bag_has_every_frame_of_a_camera_without_a_clock(
    tmp_path: Path, storage: str
) -> None:
    attempts = [replace(picked(n), before=_unstamped(n)) for n in range(5)]
    assert write_bag(attempts, tmp_path / "bag", storage) == 5
    frames = list(BagRecording(tmp_path / "bag", BagTopics()).frames())
    assert len(frames) == 5
    for number, frame in enumerate(frames):
        expected = _unstamped(number)
        np.testing.assert_array_equal(frame.color, expected.color)
        np.testing.assert_array_equal(frame.depth, expected.depth)


def _unstamped(number: int) -> RgbdFrame:
    before = picked(number).before
    assert before is not None
    color = np.full_like(before.color, number)
    return replace(before, color=color, depth=before.depth + np.float32(number), stamp_ns=0)


def test_an_exported_bag_keeps_the_lens(tmp_path: Path) -> None:
    attempt = picked(0)
    assert attempt.before is not None
    lens = Lens.of("rational_polynomial", (0.1, -0.2, 0.001, 0.002, 0.05, 0.01, 0.02, 0.0))
    wide = replace(attempt.before.intrinsics, lens=lens)
    before = replace(attempt.before, intrinsics=wide)
    write_bag([replace(attempt, before=before, after=None)], tmp_path / "bag", "mcap")
    (frame,) = BagRecording(tmp_path / "bag", BagTopics()).frames()
    assert frame.intrinsics == wide


def test_mistakes_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_of(tmp_path / "log", 1)
    log = str(tmp_path / "log")
    for arguments, reason in (
        ([str(tmp_path)], "no attempt log here"),
        ([log, "show"], "needs the number"),
        ([log, "show", "7"], "attempt 7 is not there (it has 1)"),
        ([log, "export"], "needs --output"),
        ([log, "export", "--output", log], "cannot be written"),
    ):
        assert main(["attempts", *arguments]) == 1
        assert reason in capsys.readouterr().err


def test_picks_of_a_log_are_labelled_once_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SimCell(SimConfig(scene="rows", hardness=Hardness.IDEAL, objects=2)) as sim:
        cell = sim.as_cell()
        frame, T = sim.camera.read(), sim.camera.pose()
        log = open_log(tmp_path, LogSetup.of(read_cell("sim")), frame, T)
        predictor = AffordancePredictor(PredictorConfig(cup=cell.cup))
        best = predictor.predict(frame, BinView(T, cell.bin)).selection.points[0]
        log.append(pick(cell, best, T, before=frame, check_removal=DepthRemovalCheck()))
        log.append(pick(cell, best, T, before=sim.camera.read(), check_removal=DepthRemovalCheck()))
    assert main(["attempts", str(tmp_path), "label"]) == 0
    told = capsys.readouterr().out
    assert "2 attempts labelled" in told
    assert "1 masks, 1 of them with rectangles" in told
    assert "no success" in told
    labels = read_labels(tmp_path / "labels", "0000")
    assert labels.mask is not None
    assert labels.mask[best.v, best.u]
    assert main(["attempts", str(tmp_path), "label"]) == 0
    assert "0 attempts labelled" in capsys.readouterr().out
    assert main(["attempts", str(tmp_path)]) == 0
    assert "1 removed" in capsys.readouterr().out
