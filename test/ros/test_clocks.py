"""Old pictures and poses are refused whatever the clocks say: ahead, silent, dead, set back."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import pytest
from geometry_msgs.msg import PoseStamped
from grasp_affordance_interfaces.srv import GetSuctionPoints
from helpers.ros_harness import TIMEOUT, Ros
from helpers.ros_scenes import box_frame
from rclpy.node import Node
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from grasp_affordance.errors import CameraError, StaleFrameError, TransformError
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.calibration.tool_pose import ToolPose, ToolPoseConfig
from grasp_affordance.ros.common.conversions import to_header_msg, to_time_msg
from grasp_affordance.ros.common.frame_source import FrameSource, FrameSourceConfig
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.common.spin import spinning
from grasp_affordance.ros.executor.executor_node import ExecutorNode

SECOND = 10**9
FRAME = box_frame()


class Camera:
    """A camera whose clock the test sets, and one that listens to it in a time of the test's."""

    def __init__(self, ros: Ros, stack: ExitStack) -> None:
        self.ros, self._stack = ros, stack
        self._publisher = RgbdPublisher(ros.node)
        self._clock = ros.node.create_publisher(Clock, "/clock", 1)
        self.listener = ros.node

    def simulated(self) -> Node:
        """Return a node that takes its time from /clock."""
        simulated = Parameter("use_sim_time", value=True)
        node = Node("simulated", context=self.ros.context, parameter_overrides=[simulated])
        self._stack.callback(node.destroy_node)
        self._stack.enter_context(spinning(node))
        return node

    def source(self, node: Node, max_age: float = 1.0) -> FrameSource:
        source = FrameSource(node, FrameSourceConfig(max_age=max_age, timeout=0.5))
        self._stack.callback(source.close)
        return source

    def now_ns(self) -> int:
        return int(self.ros.node.get_clock().now().nanoseconds)

    def publish(self, stamp_ns: int) -> None:
        self._publisher.publish(replace(FRAME, stamp_ns=stamp_ns))

    def publish_ahead(self, seconds: float) -> None:
        self.publish(self.now_ns() + round(seconds * SECOND))

    def tick(self, seconds: float) -> None:
        self._clock.publish(Clock(clock=to_time_msg(round(seconds * SECOND))))

    def until_heard(self, source: FrameSource, ahead: float) -> None:
        """Publish with this offset until a frame is there, and no other is on the way."""
        self._until_heard(source, lambda: self.now_ns() + round(ahead * SECOND))

    def until_seen(self, source: FrameSource, seconds: float) -> None:
        """Publish a frame of a simulated time until it is there, and no other is on the way."""
        self._until_heard(source, lambda: round(seconds * SECOND))

    def _until_heard(self, source: FrameSource, stamp: Callable[[], int]) -> None:
        def heard() -> bool:
            stamp_ns = stamp()
            self.publish(stamp_ns)
            with suppress(CameraError):
                source.at(stamp_ns, timeout=0.5)
                return True
            return False

        self.ros.wait_until(heard, "heard")

    def until_time(self, node: Node, seconds: float) -> None:
        """Say the time until the node has it."""

        def told() -> bool:
            self.tick(seconds)
            return int(node.get_clock().now().nanoseconds) == round(seconds * SECOND)

        self.ros.wait_until(told, f"told {seconds} s")


@pytest.fixture
def camera(ros: Ros) -> Iterator[Camera]:
    with ExitStack() as stack:
        yield Camera(ros, stack)


def test_a_camera_far_ahead_is_refused_with_its_offset_alive_or_dead(camera: Camera) -> None:
    source = camera.source(camera.listener)
    camera.until_heard(source, 20.0)
    with pytest.raises(StaleFrameError, match=r"stamped (19\.9|20\.0) s ahead .* synchronise"):
        source.read()
    assert "s ahead of the clock" in source.problem()
    time.sleep(1.5)
    assert re.search(r"silent for [12]\.\d s", source.problem())
    assert "is the camera running" in source.problem()


def test_a_frame_refused_as_ahead_is_not_accepted_when_the_clock_has_caught_up(
    camera: Camera,
) -> None:
    source = camera.source(camera.listener, max_age=30.0)
    camera.until_heard(source, 1.0)
    time.sleep(1.2)
    with pytest.raises(StaleFrameError, match=r"1\.0 s ahead"):
        source.read(timeout=0.0)


@pytest.mark.parametrize("ahead", [0.25, 1.0])
def test_a_view_of_before_the_question_is_not_newer_though_its_stamp_is(
    camera: Camera, ahead: float
) -> None:
    source = camera.source(camera.listener)
    camera.until_heard(source, ahead)
    question = camera.now_ns()
    newest = source.newest()
    assert newest is not None
    assert newest.stamp_ns > question
    with pytest.raises(StaleFrameError, match="no frame newer than asked"):
        source.read(newer_than_ns=question)


def test_a_stamp_a_little_ahead_is_waited_for(camera: Camera) -> None:
    source = camera.source(camera.listener)
    camera.until_heard(source, 0.2)
    camera.publish_ahead(0.2)
    frame = source.read()
    assert camera.now_ns() >= frame.stamp_ns
    assert not source.problem()


def test_a_camera_whose_clock_is_behind_is_named(camera: Camera) -> None:
    source = camera.source(camera.listener)
    camera.until_heard(source, -20.0)
    assert source.problem().startswith(("20.0 s old", "20.1 s old"))


def test_without_a_clock_frames_are_not_evaluated_and_the_reason_is_named(camera: Camera) -> None:
    node = camera.simulated()
    source, limitless = camera.source(node), camera.source(node, max_age=0.0)
    for _ in range(20):
        camera.publish_ahead(0.0)
        time.sleep(0.02)
    for each in (source, limitless):
        assert each.newest() is None
        assert "nothing came on /clock" in each.problem()
        with pytest.raises(CameraError, match="use_sim_time is true, but nothing came on /clock"):
            each.read()


def test_a_clock_that_has_died_is_named_and_its_frames_do_not_stay_young(camera: Camera) -> None:
    node = camera.simulated()
    source = camera.source(node)
    camera.until_time(node, 5.0)

    camera.until_seen(source, 5.0)
    assert not source.problem()
    camera.until_time(node, 5.5)
    assert not source.problem(), "half a second of simulated time, however long it took"
    camera.ros.wait_until(lambda: "/clock has stood still for" in source.problem(), "named")
    with pytest.raises(StaleFrameError, match="/clock has stood still"):
        source.read()


def test_silence_is_measured_in_simulated_time(camera: Camera) -> None:
    node = camera.simulated()
    source = camera.source(node)
    camera.until_time(node, 5.0)
    camera.until_seen(source, 5.0)
    camera.until_time(node, 9.0)
    assert "silent for 4.0 s" in source.problem()


def test_what_came_before_the_clock_went_back_is_forgotten(camera: Camera) -> None:
    node = camera.simulated()
    source = camera.source(node)
    camera.until_time(node, 50.0)
    camera.until_seen(source, 50.0)
    camera.until_time(node, 49.9)
    assert source.newest() is None
    assert "/clock went back by 0.1 s" in source.problem()
    camera.until_seen(source, 49.9)
    assert not source.problem()
    assert source.read().stamp_ns < 50 * SECOND


def test_no_points_of_a_camera_that_is_ahead_and_dead(camera: Camera) -> None:
    camera.ros.start(AffordanceNode)
    client = camera.ros.node.create_client(GetSuctionPoints, "/affordance_node/get_suction_points")
    assert client.wait_for_service(TIMEOUT)
    ahead = "s ahead of the clock"

    def answer() -> Any:
        return camera.ros.client.call(
            GetSuctionPoints,
            "/affordance_node/get_suction_points",
            GetSuctionPoints.Request(),
        )

    def refused() -> bool:
        camera.publish_ahead(20.0)
        return ahead in answer().message

    camera.ros.wait_until(refused, "refused as ahead")
    time.sleep(1.5)
    late = answer()
    assert not late.success
    assert not late.points
    assert ahead in late.message
    assert "silent for" in late.message


def test_without_a_clock_the_executor_moves_nothing_and_says_why(ros: Ros) -> None:
    ros.start(ExecutorNode, use_sim_time=True, cell="sim")
    answer = ros.client.call(Trigger, "/executor_node/start", Trigger.Request())
    assert not answer.success
    assert "use_sim_time is true, but nothing came on /clock" in answer.message
    assert ros.wait_for_log("camera: use_sim_time is true"), "diagnostics go on without a clock"


@pytest.mark.parametrize(
    ("ahead", "said"), [(20.0, "stamped 20.0 s ahead|stamped 19.9 s ahead"), (-3.0, r"3\.\d s old")]
)
def test_a_pose_of_the_tool_that_is_not_of_now_is_refused(
    camera: Camera, ahead: float, said: str
) -> None:
    tool = ToolPose(camera.ros.node, ToolPoseConfig(base_frame_id="base"))
    publisher = camera.ros.node.create_publisher(PoseStamped, tool.config.topic, 10)

    def read(offset: float) -> str:
        pose = PoseStamped(header=to_header_msg(camera.now_ns() + round(offset * SECOND), "base"))
        pose.pose.orientation.w = 1.0
        publisher.publish(pose)
        try:
            tool.read()
        except TransformError as error:
            return str(error)
        return ""

    camera.ros.wait_until(lambda: not read(0.0), "read")
    camera.ros.wait_until(lambda: bool(read(ahead)), "refused")
    with pytest.raises(TransformError, match=said):
        tool.read()
    tool.close()


def test_a_pose_of_the_tool_from_before_the_question_is_not_taken(camera: Camera) -> None:
    node = camera.ros.node
    tool = ToolPose(node, ToolPoseConfig(base_frame_id="base", max_age=2.0))
    publisher = node.create_publisher(PoseStamped, tool.config.topic, 10)
    started = camera.now_ns()

    def publish() -> None:
        now = camera.now_ns()
        pose = PoseStamped(header=to_header_msg(now, "base"))
        pose.pose.position.x = (now - started) * 1e-9
        pose.pose.orientation.w = 1.0
        publisher.publish(pose)

    def known() -> bool:
        try:
            tool.read()
        except TransformError:
            return False
        return True

    timer = node.create_timer(0.2, publish)
    camera.ros.wait_until(known, "known")
    for _ in range(3):
        asked = camera.now_ns()
        assert tool.read(newer_than_ns=asked)[0, 3] > (asked - started) * 1e-9
    node.destroy_timer(timer)
    with pytest.raises(TransformError, match="is the robot's driver up"):
        tool.read(newer_than_ns=camera.now_ns())
    tool.close()


def test_a_pose_of_the_tool_that_stopped_coming_is_refused(camera: Camera) -> None:
    tool = ToolPose(camera.ros.node, ToolPoseConfig(base_frame_id="base"))
    publisher = camera.ros.node.create_publisher(PoseStamped, tool.config.topic, 10)

    def known() -> bool:
        pose = PoseStamped(header=to_header_msg(camera.now_ns() + SECOND // 4, "base"))
        pose.pose.orientation.w = 1.0
        publisher.publish(pose)
        try:
            tool.read()
        except TransformError:
            return False
        return True

    camera.ros.wait_until(known, "known")
    time.sleep(0.6)
    with pytest.raises(TransformError, match=r"silent for \d\.\d s"):
        tool.read()
    tool.close()
