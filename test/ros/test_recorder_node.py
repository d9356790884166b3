"""The recorder node over real DDS: a camera is published, a sequence comes to the disk."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from helpers.annotation_scenes import Block, frame
from helpers.ros_harness import Ros
from helpers.ros_scenes import T_BASE_CAMERA
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp_affordance.cli import main
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.client import CallError
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.common.service_retry import ONCE
from grasp_affordance.ros.recorder.recorder_node import RecorderNode
from grasp_affordance.sequence import Sequence

LOG = Block(160, 120, length=70, width=24, angle=0.4)
OTHER = Block(60, 60, length=40, width=20, angle=1.0, color=(200, 50, 50))
ARM = Block(160, 20, length=60, width=160, height=0.3, color=(90, 90, 90))
ALL = Block(160, 120, length=260, width=200)
PARAMETERS: dict[str, Any] = {"rate": 20.0, "recorder.rest": 0.2}

Change = Callable[[RgbdFrame], RgbdFrame]


class Camera:
    """Shows a scene that the test sets, with noise, at 20 Hz."""

    def __init__(self, ros: Ros) -> None:
        self.blocks: tuple[Block, ...] = ()
        self.change: Change = lambda view: view
        self._node, self._publisher = ros.node, RgbdPublisher(ros.node)
        self._rng = np.random.default_rng(0)
        self._publisher.publish_pose(T_BASE_CAMERA, "base", frame().frame_id)
        self._timer = ros.node.create_timer(0.05, self._expose)

    def _expose(self) -> None:
        began = self._node.get_clock().now().nanoseconds  # what is set later may show, not earlier
        view = self.change(frame(*self.blocks, rng=self._rng, holes=0.02))
        self._publisher.publish(replace(view, stamp_ns=began))


class Recorder:
    """A recorder node and what a user sees of it."""

    def __init__(
        self, ros: Ros, folder: Path, cell: dict[str, Any] | None = None, **changes: Any
    ) -> None:
        self.ros, self.folder = ros, folder
        self.camera = Camera(ros)
        self.states: list[str] = []
        ros.node.create_subscription(
            String, "/recorder_node/state", lambda m: self.states.append(m.data), topics.LATCHED
        )
        path = ros.cell({"camera.max_age": 5.0, **(cell or {})}, "")
        values = {**PARAMETERS, "folder": str(folder), "cell": path, **changes}
        self.node = ros.start(RecorderNode, **{k.replace(".", "__"): v for k, v in values.items()})

    def record(self) -> Trigger.Response:
        return record(self.ros)

    def wait_for(self, text: str) -> None:
        self.ros.wait_until(lambda: any(text in state for state in self.states), f"said {text}")
        self.states.clear()


def record(ros: Ros, timeout: float = 20.0, patience: float = 5.0) -> Trigger.Response:
    service = "/recorder_node/record"
    return ros.client.call(Trigger, service, Trigger.Request(), timeout, patience)


def test_a_frame_is_kept_after_each_removal_and_the_sequence_annotates(
    ros: Ros, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    recorder = Recorder(ros, folder, {"camera.region": [[5, 5], [315, 5], [315, 235], [5, 235]]})
    recorder.camera.blocks = (LOG, OTHER)
    ros.wait_for_log("kept 0000 (first)")
    recorder.camera.blocks = (LOG, OTHER, ARM)
    recorder.wait_for("intruder")
    recorder.camera.blocks = (OTHER,)
    ros.wait_for_log("kept 0001 (changed)")
    recorder.camera.blocks = ()
    ros.wait_for_log("kept 0002 (changed)")
    recorder.wait_for("unchanged")
    sequence = Sequence(folder)
    assert len(sequence) == 3
    assert sequence.facts("0001")["recorded"] == "changed"
    assert sequence.camera.T_base_camera is not None
    np.testing.assert_allclose(sequence.camera.T_base_camera, T_BASE_CAMERA)
    labels = tmp_path / "labels"
    assert main(["annotate", str(folder), "--output", str(labels)]) == 0
    assert len(list(labels.glob("*.mask.png"))) == 2


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileIO]:
    """The keyboard of a terminal that is this process's input."""
    keyboard, screen = os.openpty()
    with open(screen, encoding="utf-8") as terminal, FileIO(keyboard, "w") as keys:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield keys


def test_the_enter_key_of_the_terminal_asks_for_a_frame(
    keys: FileIO, ros: Ros, tmp_path: Path
) -> None:
    Recorder(ros, tmp_path / "kept", by_itself=False)
    ros.wait_until(lambda: record(ros).success, "recorded")  # the camera is there
    before = len(Sequence(tmp_path / "kept"))
    keys.write(b"\n")
    ros.wait_for_log(f"kept {before:04d} (asked)")
    assert len(Sequence(tmp_path / "kept")) == before + 1


def test_a_frame_that_is_asked_for_is_kept_and_refusals_say_why(ros: Ros, tmp_path: Path) -> None:
    recorder = Recorder(ros, tmp_path / "kept", by_itself=False)
    health = ros.listen(DiagnosticArray, "/diagnostics")
    recorder.camera.blocks = (LOG,)
    ros.wait_until(lambda: record(ros).success, "recorded")
    recorder.camera.change = lambda view: replace(
        view, color=np.roll(view.color, 6, axis=1), depth=np.roll(view.depth, 6, axis=1)
    )
    answer = recorder.record()
    assert not answer.success
    assert answer.message.startswith("camera_moved; put the camera back, or begin another folder")
    assert "the view moved 6.0 pixels" in answer.message
    recorder.camera.change = lambda view: view
    recorder.camera.blocks = (ALL,)
    assert recorder.record().message.startswith("too_much_changed; take out one object at a time")
    recorder.camera.blocks = (LOG, ARM)
    assert recorder.record().message.startswith("intruder; take hand or arm out of the view")
    told: list[DiagnosticStatus] = []

    def diagnosed() -> bool:
        while not health.empty():
            told.extend(s for s in health.get().status if s.name.endswith("recorder"))
        return any("intruder" in s.message for s in told)

    ros.wait_until(diagnosed, "told in the diagnostics")
    recorder.camera.blocks = (LOG,)
    assert recorder.record().success
    before = len(Sequence(tmp_path / "kept"))
    recorder.camera.change = lambda view: replace(view, depth=np.full_like(view.depth, np.nan))
    assert recorder.record().message.startswith("no_depth")
    assert len(Sequence(tmp_path / "kept")) == before


def test_depth_that_stands_still_and_depth_that_stops_are_refused(ros: Ros, tmp_path: Path) -> None:
    recorder = Recorder(ros, tmp_path / "kept", {"camera.timeout": 1.0}, by_itself=False)
    recorder.camera.blocks = (LOG,)
    ros.wait_until(lambda: record(ros).success, "recorded")
    frozen: list[np.ndarray] = []

    def freeze(view: RgbdFrame) -> RgbdFrame:
        frozen.append(view.depth)
        color = view.color.copy()
        color[0, 0] = len(frozen) % 256
        return replace(view, color=color, depth=frozen[0])

    recorder.camera.change = freeze
    ros.wait_until(lambda: len(frozen) > 2, "frozen")
    recorder.record()  # the frame before was of another depth
    assert recorder.record().message.startswith("stale_depth; restart the camera's driver")
    recorder.camera._timer.cancel()
    answer = recorder.record()
    assert not answer.success
    assert "StaleFrameError: no frame newer than asked" in answer.message


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "'folder' is not set"), ("file", "cannot be made"), ("damaged", "camera.json")],
)
def test_a_folder_that_cannot_be_used_is_named(
    ros: Ros, tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "0000.color.png").write_bytes(b"")
    node = ros.start(RecorderNode, folder=str(tmp_path / name) if name else "")
    assert reason in ros.wait_for_log(reason)
    assert not node.active


def test_an_inactive_node_says_so_and_makes_nothing(ros: Ros, tmp_path: Path) -> None:
    ros.start(RecorderNode, autostart=False, folder=str(tmp_path / "kept"))
    assert "not active" in record(ros).message
    assert not (tmp_path / "kept").exists()


@pytest.fixture
def hands(ros: Ros) -> Camera:
    camera = Camera(ros)
    camera.blocks = (LOG, OTHER)
    return camera


def test_a_killed_recorder_loses_at_most_the_frame_in_flight_and_goes_on(
    ros: Ros, hands: Camera, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    values = {**PARAMETERS, "folder": str(folder), "by_itself": False}
    del values["recorder.rest"]  # no parameter: a process rests as long as every other
    with Processes(tmp_path / "logs") as processes:
        processes.start(NodeSpec("recorder_node", values))
        ros.client.wait_active("/recorder_node", 60.0)
        ros.wait_until(lambda: record(ros).success, "recorded")
        answered: list[str] = []
        stop = threading.Event()

        def retry_call() -> None:
            with suppress(CallError):  # the last one is killed
                while not stop.is_set():
                    answered.append(record(ros, 5.0, ONCE).message)

        service_retry = threading.Thread(target=retry_call, daemon=True)
        service_retry.start()
        ros.wait_until(lambda: bool(list(folder.glob(".*.unfinished"))), "at work on a frame")
        processes.kill("recorder_node")
        stop.set()
        done = sum(message.startswith("kept") for message in answered)
        names = Sequence(folder).names
        assert len(names) >= done + 1
        for _, view in Sequence(folder):
            assert view.shape == (240, 320)
        processes.start(NodeSpec("recorder_node", {**values, "by_itself": True}))
        hands.blocks = (OTHER,)
        ros.wait_until(lambda: len(Sequence(folder)) == len(names) + 1, "went on", 60.0)
        service_retry.join(30.0)
    last = Sequence(folder).names[-1]
    assert Sequence(folder).facts(last)["recorded"] == "changed"
