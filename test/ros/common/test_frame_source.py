"""Frames are found by their stamps for a while, and memory stays bounded."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.ros_harness import TIMEOUT, Ros

from grasp_affordance.errors import CameraError, ConfigError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.messages import images
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import frame_source, topics
from grasp_affordance.ros.common.conversions import to_header_msg
from grasp_affordance.ros.common.frame_source import FrameSource, FrameSourceConfig, Keep
from grasp_affordance.ros.common.images import to_rgbd_msgs
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher

SECOND = 10**9
LONG = 4 * TIMEOUT  # seconds; nobody waits for so long in a test that passes
FRAME = RgbdFrame(
    np.zeros((3, 4, 3), np.uint8), np.ones((3, 4), np.float32), Intrinsics(4.0, 4.0, 2, 1.5, 4, 3)
)


class Camera:
    """Publishes frames one by one; what listens to it ends with the test."""

    def __init__(self, ros: Ros, stack: ExitStack) -> None:
        self._ros, self._stack = ros, stack
        self._publisher = RgbdPublisher(ros.node)

    def source(self, keep: Keep) -> FrameSource:
        """Return a source that has had its first frame, that of second 1."""
        source = FrameSource(self._ros.node, FrameSourceConfig(max_age=0.0, timeout=TIMEOUT))
        source.remember(keep)
        self._stack.callback(source.close)

        def arrived() -> bool:
            self.publish(1)
            return source.newest() is not None

        self._ros.wait_until(arrived, "had a frame")
        return source

    def publish(self, second: int) -> None:
        self._publisher.publish(replace(FRAME, stamp_ns=second * SECOND))

    def show(self, source: FrameSource, *seconds: int) -> None:
        """Publish frames; return when the source has had all of them."""
        for second in seconds:
            self.publish(second)
            source.read(newer_than_ns=second * SECOND - 1)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        self._ros.wait_until(condition, what)


@pytest.fixture
def camera(ros: Ros) -> Iterator[Camera]:
    with ExitStack() as stack:
        yield Camera(ros, stack)


def knows(source: FrameSource, second: int) -> bool:
    try:
        return source.at(second * SECOND).stamp_ns == second * SECOND
    except CameraError:
        return False


def test_a_frame_is_found_after_newer_ones_have_come(camera: Camera) -> None:
    source = camera.source(Keep(10, LONG))
    camera.show(source, 2, 3, 4, 5, 6)
    assert source.at(3 * SECOND).stamp_ns == 3 * SECOND
    newest = source.newest()
    assert newest is not None
    assert newest.stamp_ns == 6 * SECOND


def test_a_frame_that_comes_late_is_waited_for(camera: Camera) -> None:
    source = camera.source(Keep(10, LONG))
    threading.Timer(0.3, camera.publish, (2,)).start()
    assert source.at(2 * SECOND, timeout=TIMEOUT).stamp_ns == 2 * SECOND


def test_a_frame_that_does_not_come_is_waited_for_so_long_and_no_longer(camera: Camera) -> None:
    source = camera.source(Keep(10, LONG))
    began = time.monotonic()
    with pytest.raises(CameraError, match=r"has not come within 0\.2 s"):
        source.at(2 * SECOND, timeout=0.2)
    assert 0.2 <= time.monotonic() - began < LONG


def test_a_frame_that_was_lost_is_not_waited_for(camera: Camera) -> None:
    source = camera.source(Keep(10, LONG))
    camera.show(source, 2, 4)
    began = time.monotonic()
    with pytest.raises(CameraError, match="lost on the way"):
        source.at(3 * SECOND, timeout=LONG)
    assert time.monotonic() - began < LONG / 2


def test_so_many_are_kept_and_no_more(camera: Camera) -> None:
    source = camera.source(Keep(3, LONG))
    camera.show(source, 2, 3, 4, 5)
    assert [knows(source, second) for second in (1, 2, 3, 4, 5)] == [False, False, True, True, True]
    with pytest.raises(CameraError, match=r"not kept any more.* 3 "):
        source.at(2 * SECOND)


def test_none_but_the_newest_is_kept_unless_more_are_asked_for(camera: Camera) -> None:
    source = camera.source(Keep())
    camera.show(source, 2, 3)
    assert [knows(source, second) for second in (2, 3)] == [False, True]


def test_what_came_long_ago_goes_when_the_next_one_comes(camera: Camera) -> None:
    source = camera.source(Keep(10**6, age=0.2))
    camera.show(source, 2)
    seconds = iter(range(3, 10**6))

    def gone() -> bool:
        camera.show(source, next(seconds))
        return not knows(source, 2)

    camera.wait_until(gone, "forgot a frame of long ago")
    assert knows(source, next(seconds) - 1), "the newest stays"


def test_nothing_is_converted_before_somebody_asks_and_then_once(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = camera.source(Keep(10, LONG))
    converted = []

    def convert(
        color: object, depth: object, info: object, rectified: bool, **reading: Any
    ) -> RgbdFrame:
        frame = images.from_rgbd_msgs(color, depth, info, rectified, **reading)
        converted.append(frame.stamp_ns // SECOND)
        return frame

    monkeypatch.setattr(frame_source, "from_rgbd_msgs", convert)
    for second in (2, 3, 4, 5):
        camera.publish(second)
    source.read(newer_than_ns=5 * SECOND - 1)
    found = source.at(3 * SECOND)
    assert source.at(3 * SECOND) is found
    assert source.newest() is source.at(5 * SECOND)
    assert converted == [5, 3]


def test_a_closed_source_waits_for_nothing(camera: Camera) -> None:
    source = camera.source(Keep(10, LONG))
    threading.Timer(0.1, source.close).start()
    began = time.monotonic()
    with pytest.raises(CameraError):
        source.at(2 * SECOND, timeout=LONG)
    assert time.monotonic() - began < LONG / 2


def test_depth_of_another_unit_and_header_is_read_where_the_config_says_so(ros: Ros) -> None:
    config = FrameSourceConfig(max_age=0.0, depth_unit=0.0001, trust_depth_frame=True)
    source = FrameSource(ros.node, config)
    color, depth, info = to_rgbd_msgs(replace(FRAME, stamp_ns=SECOND), "16UC1")
    depth.header = to_header_msg(SECOND, "camera_depth_optical_frame")
    camera = config.camera
    publishers = [
        ros.node.create_publisher(type(message), f"{camera}/{name}", topics.IMAGE_PUBLISHER)
        for message, name in (
            (color, topics.COLOR),
            (depth, topics.ALIGNED_DEPTH),
            (info, topics.COLOR_INFO),
        )
    ]

    def seen() -> bool:
        for publisher, message in zip(publishers, (color, depth, info), strict=True):
            publisher.publish(message)
        return source.newest() is not None

    ros.wait_until(seen, "seen")
    np.testing.assert_allclose(source.read().depth, 0.1 * FRAME.depth, rtol=1e-4)
    source.close()
    with pytest.raises(ConfigError, match="metre per count"):
        FrameSourceConfig(depth_unit=-0.001)


@pytest.mark.parametrize(("count", "age"), [(0, 1.0), (1, -1.0), (1, float("nan"))])
def test_to_keep_nothing_is_refused(count: int, age: float) -> None:
    with pytest.raises(ConfigError, match="keep"):
        Keep(count, age)
