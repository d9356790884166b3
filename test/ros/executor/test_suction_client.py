"""The executor keeps the frame that was evaluated, however fast the camera runs."""

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from grasp_affordance_interfaces.srv import GetSuctionPoints
from helpers.ros_harness import TIMEOUT, Ros
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup

from grasp_affordance.errors import StoppedError, TransformError
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.geometry import Array
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.common.client import Client
from grasp_affordance.ros.common.conversions import (
    from_time_msg,
    to_header_msg,
    to_suction_point_msg,
    to_transform_msg,
)
from grasp_affordance.ros.common.frame_source import FrameSource, FrameSourceConfig
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.common.transforms import CameraPose, CameraPoseConfig
from grasp_affordance.ros.executor.suction_client import SuctionClient
from grasp_affordance.ros.executor.topic_camera import TopicCamera
from grasp_affordance.suction import Failures, Source, SuctionPoint

RATE = 30.0  # Hz, as realsense2_camera
UNLIMITED = FrameSourceConfig(max_age=0.0, timeout=TIMEOUT)  # a busy machine is no failure
POINT = SuctionPoint(160, 120, T_BASE_CAMERA[:3, 3], T_BASE_CAMERA[:3, 2], 0.5, Source.PRIOR)
NOTHING_LEARNED = "an attempt on it teaches nothing"

Evaluate = Callable[[GetSuctionPoints.Request], tuple[int, bool]]


class Cell:
    """A camera that runs by itself, the executor's side of it, and an evaluator of the test."""

    def __init__(self, ros: Ros) -> None:
        self.ros = ros
        node, together = ros.node, ReentrantCallbackGroup()
        self._publisher = RgbdPublisher(node)
        self._publisher.publish_pose(T_BASE_CAMERA, "base", box_frame().frame_id)
        node.create_timer(1 / RATE, self._publish, callback_group=MutuallyExclusiveCallbackGroup())
        self.frames = FrameSource(node, UNLIMITED)
        pose = CameraPose(node, CameraPoseConfig(), callback_group=together)
        camera = TopicCamera(self.frames, pose)
        cell = cast(Any, SimpleNamespace(camera=camera, now_ns=self.now_ns))
        client = Client(node, callback_group=together)
        self.ask = SuctionClient(client, cell, camera, "evaluate", "base", 5, TIMEOUT)
        self.evaluate: Evaluate | None = None
        self.evaluated_from: tuple[str, Array] = ("base", T_BASE_CAMERA)
        node.create_service(
            GetSuctionPoints, "evaluate/get_suction_points", self._answer, callback_group=together
        )

    def now_ns(self) -> int:
        return int(self.ros.node.get_clock().now().nanoseconds)

    def propose(self, evaluate: Evaluate) -> Proposal:
        """Ask; `evaluate` says which stamp was evaluated and whether there is a point in it."""
        self.evaluate = evaluate
        return self.ask(Failures(), 0.0)

    def close(self) -> None:
        self.ask.close()
        self.frames.close()

    def _publish(self) -> None:
        self._publisher.publish(box_frame(stamp_ns=self.now_ns()))

    def _answer(
        self, request: GetSuctionPoints.Request, response: GetSuctionPoints.Response
    ) -> GetSuctionPoints.Response:
        assert self.evaluate is not None
        stamp, found = self.evaluate(request)
        header = response.header = to_header_msg(stamp, box_frame().frame_id)
        response.points = [to_suction_point_msg(POINT, header)] if found else []
        response.base_frame_id, pose = self.evaluated_from
        response.base_camera = to_transform_msg(pose)
        return response


@pytest.fixture
def cell(ros: Ros) -> Iterator[Cell]:
    made = Cell(ros)
    yield made
    made.close()


def test_the_evaluated_frame_is_known_though_the_camera_went_on_while_it_was_evaluated(
    cell: Cell,
) -> None:
    evaluated, seen = [], []

    def evaluate(request: GetSuctionPoints.Request) -> tuple[int, bool]:
        seen.append(from_time_msg(request.newer_than) + 1)
        stamp = cell.frames.read(newer_than_ns=seen[-1]).stamp_ns
        cell.frames.read(newer_than_ns=stamp + 3 * 10**8)  # evaluating takes that long
        evaluated.append(stamp)
        return stamp, True

    for _ in range(3):
        proposal = cell.propose(evaluate)
        assert proposal.frame is not None
        assert proposal.frame.stamp_ns == evaluated[-1] > seen[-1]


def test_an_attempt_that_will_teach_nothing_says_so_and_why(cell: Cell) -> None:
    proposal = cell.propose(lambda _: (10**9, True))
    assert proposal.points
    assert proposal.frame is None
    assert "not kept" in cell.ros.wait_for_log(NOTHING_LEARNED)


def test_a_view_is_evaluated_while_who_asked_goes_on(cell: Cell) -> None:
    going_on, asked = threading.Event(), []

    def evaluate(request: GetSuctionPoints.Request) -> tuple[int, bool]:
        asked.append(from_time_msg(request.newer_than) + 1)
        assert going_on.wait(TIMEOUT)
        return asked[-1], True

    cell.evaluate = evaluate
    seen = cell.frames.read()
    wait = cell.ask.ahead(seen, Failures(), 0.0)
    going_on.set()
    proposal = wait()
    assert proposal.points
    assert proposal.frame is seen
    assert asked == [seen.stamp_ns]


def test_an_answer_without_points_needs_no_frame(cell: Cell) -> None:
    assert cell.propose(lambda _: (0, False)).frame is None
    never = cell.now_ns() + 3600 * 10**9
    assert cell.propose(lambda _: (never, True)).frame is None
    assert "not come within 0.5 s" in cell.ros.wait_for_log(NOTHING_LEARNED), (
        "the first one warns already"
    )


def test_a_point_is_reached_with_the_pose_with_which_it_was_evaluated(cell: Cell) -> None:
    moved = T_BASE_CAMERA.copy()
    moved[:3, 3] += [0.01, 0.02, 0.0]  # not what the executor itself hears of the camera
    cell.evaluated_from = ("base", moved)
    proposal = cell.propose(lambda _: (10**9, True))
    assert proposal.T_base_camera is not None
    np.testing.assert_allclose(proposal.T_base_camera, moved, atol=1e-9)


def test_without_a_pose_in_the_answer_there_is_none_and_another_base_frame_is_refused(
    cell: Cell,
) -> None:
    cell.evaluated_from = ("", T_BASE_CAMERA)
    assert cell.propose(lambda _: (10**9, True)).T_base_camera is None
    cell.evaluated_from = ("world", T_BASE_CAMERA)
    with pytest.raises(TransformError, match=r"'world'.*'base'.*base_frame_id"):
        cell.propose(lambda _: (10**9, True))


def test_a_node_that_is_still_starting_is_named_with_its_state(ros: Ros) -> None:
    together = ReentrantCallbackGroup()
    cell = cast(Any, SimpleNamespace())
    client = Client(ros.node, callback_group=together)
    ask = SuctionClient(client, cell, cast(Any, None), "affordance_node", "base", 5, 1.0)
    assert "nobody offers the service affordance_node/get_state" in ask.why_not_ready(0.3)
    node: Any = ros.start(AffordanceNode, False)
    assert ask.why_not_ready(0.3) == "affordance_node is unconfigured, not active"

    def stop() -> None:
        raise StoppedError("the camera is lost")

    stopping = Client(ros.node, stop, callback_group=together)
    asked = SuctionClient(stopping, cell, cast(Any, None), "nobody", "base", 5, 1.0)
    assert asked.why_not_ready(0.3) == "the camera is lost", "it is asked in a timer's callback"
    node.trigger_configure()
    node.trigger_activate()
    assert ask.why_not_ready(0.3) == ""
