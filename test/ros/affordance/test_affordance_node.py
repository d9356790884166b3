"""A camera's frames go in, suction points come out, and the node stays responsive."""

import re
import threading
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import Point
from grasp_affordance_interfaces.msg import SuctionPoint
from grasp_affordance_interfaces.srv import GetSuctionPoints
from helpers.ros_harness import TIMEOUT, Ros
from helpers.ros_scenes import box_pixels
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import GetState
from sensor_msgs.msg import Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from grasp_affordance.geometry import transform_points
from grasp_affordance.messages.images import from_image_msg
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.common.client import CallError
from grasp_affordance.ros.common.conversions import (
    from_point_msg,
    from_time_msg,
    from_transform_msg,
    to_time_msg,
)

SERVICE = "/affordance_node/get_suction_points"


def ask(ros: Ros, **fields: object) -> GetSuctionPoints.Response:
    return ros.client.call(GetSuctionPoints, SERVICE, GetSuctionPoints.Request(**fields), TIMEOUT)


def ask_until_frames_arrive(ros: Ros, **fields: object) -> GetSuctionPoints.Response:
    """Ask until images and the camera's pose, which are discovered one by one, are both there."""
    answers: list[GetSuctionPoints.Response] = []

    def arrived() -> bool:
        answers.append(ask(ros, **fields))
        evaluated = not any(r.cause in ("no_frame", "stale_frame") for r in answers[-1].rejections)
        return evaluated and all(point.in_base for point in answers[-1].points)

    ros.wait_until(arrived, "evaluated a frame")
    return answers[-1]


@pytest.fixture
def served(ros: Ros, sequence: Path) -> Ros:
    """Return nodes that evaluate two boxes on a table again and again."""
    for name in ("0001.color.png", "0001.depth.png", "0001.frame.json"):
        (sequence / name).unlink()
    ros.start(CameraNode, recording=str(sequence), rate=20.0)
    ros.start(AffordanceNode)
    return ros


def test_the_best_points_lie_on_the_boxes_in_both_frames(served: Ros) -> None:
    answer = ask_until_frames_arrive(served, count=2)
    assert answer.success, answer.message
    assert answer.message == ""
    assert {p.source for p in answer.points} == {SuctionPoint.SOURCE_PRIOR}
    assert answer.latency > 0
    boxes = [box_pixels(0), box_pixels(1)]
    hit = [
        [rows.start <= p.v < rows.stop and cols.start <= p.u < cols.stop for rows, cols in boxes]
        for p in answer.points
    ]
    assert len(answer.points) == 2
    assert all(any(row) for row in hit)
    for point in answer.points:
        assert point.in_base
        assert point.base_frame_id == "base"
        assert point.position.z == pytest.approx(0.74, abs=1e-3)
        np.testing.assert_allclose(from_point_msg(point.position_base)[2], 0.06, atol=1e-3)
        np.testing.assert_allclose(from_point_msg(point.normal_base), [0, 0, 1], atol=0.02)
        assert point.header == answer.header
    assert answer.base_frame_id == "base"
    T_base_camera = from_transform_msg(answer.base_camera)
    for point in answer.points:
        position = transform_points(T_base_camera, from_point_msg(point.position))
        np.testing.assert_allclose(position, from_point_msg(point.position_base), atol=1e-9)


def test_points_come_in_the_order_that_is_asked_for(served: Ros) -> None:
    best = ask_until_frames_arrive(served, count=2)
    assert best.floor_known
    assert np.isnan(best.fill)  # no bin is described
    other = best.points[1].position_base
    nearest = ask(served, order=GetSuctionPoints.Request.ORDER_NEAREST, near=other, count=1)
    assert nearest.points[0].position_base == other
    refused = ask(served, order=7)
    assert not refused.success
    assert "order 7" in refused.message


def test_fewer_points_are_given_when_fewer_are_asked_for(served: Ros) -> None:
    assert len(ask_until_frames_arrive(served, count=1).points) == 1


def test_points_below_the_asked_probability_are_counted_not_given(served: Ros) -> None:
    answer = ask_until_frames_arrive(served, minimum_probability=0.9999)
    assert answer.success
    assert not answer.points
    assert "below_threshold" in answer.message
    counts = [r.count for r in answer.rejections]
    assert counts == sorted(counts, reverse=True)


def test_a_point_to_avoid_is_avoided(served: Ros) -> None:
    best = ask_until_frames_arrive(served, count=1).points[0]
    x, y, z = from_point_msg(best.position_base)
    answer = ask(served, avoid=[Point(x=x, y=y, z=z)], avoid_radius=0.1, count=1)
    assert answer.success
    distance = np.linalg.norm(from_point_msg(answer.points[0].position_base) - [x, y, z])
    assert distance >= 0.1
    assert "recently_failed" in {r.cause for r in answer.rejections}


def test_an_object_on_which_picks_failed_is_doubted_but_may_be_offered(served: Ros) -> None:
    best = ask_until_frames_arrive(served, count=1).points[0]
    x, y, z = from_point_msg(best.position_base)
    sunk = best.probability / (best.probability + (1 - best.probability) * np.exp(3))
    answer = ask(served, failed=[Point(x=x, y=y, z=z)] * 3, minimum_probability=0.01)
    assert "recently_failed" not in {r.cause for r in answer.rejections}
    there = [
        point.probability
        for point in answer.points
        if np.linalg.norm(from_point_msg(point.position_base) - [x, y, z]) < 0.005
    ]
    assert max(there, default=0.0) <= max(sunk, 0.01) + 0.05


def test_a_frame_newer_than_the_last_answer_is_waited_for(served: Ros) -> None:
    first = ask_until_frames_arrive(served)
    second = ask(served, newer_than=first.header.stamp)
    assert second.success
    assert from_time_msg(second.header.stamp) > from_time_msg(first.header.stamp)


def test_a_learned_map_without_a_model_is_refused_by_name(served: Ros) -> None:
    ask_until_frames_arrive(served)
    answer = ask(served, source=SuctionPoint.SOURCE_LEARNED)
    assert not answer.success
    assert answer.message.startswith("CheckpointError: source 'learned'")
    assert [r.cause for r in answer.rejections] == ["no_model"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"minimum_probability": 1.5}, "ConfigError.*min_probability"),
        ({"minimum_probability": float("nan")}, "ConfigError.*not finite"),
        ({"avoid_radius": -1.0}, "ConfigError.*negative"),
        ({"failed": [Point(x=float("nan"))]}, "ConfigError.*finite"),
        ({"source": 99}, "ConfigError: source 99"),
    ],
)
def test_a_request_out_of_range_is_refused_by_name(
    ros: Ros, fields: dict[str, object], said: str
) -> None:
    ros.start(AffordanceNode)
    answer = ask(ros, **fields)
    assert not answer.success
    assert re.search(said, answer.message), answer.message


def test_an_inactive_node_says_how_to_activate_it(ros: Ros) -> None:
    ros.start(AffordanceNode, autostart=False)
    answer = ask(ros)
    assert not answer.success
    assert "ros2 lifecycle set /affordance_node configure" in answer.message


def test_every_view_shows_the_frame_and_only_while_somebody_looks(served: Ros) -> None:
    ask_until_frames_arrive(served)
    affordance = served.listen(Image, "/affordance_node/affordance")
    overlay = served.listen(Image, "/affordance_node/overlay")
    markers = served.listen(MarkerArray, "/affordance_node/markers")
    cloud = served.listen(PointCloud2, "/affordance_node/points")
    heat = from_image_msg(affordance.get(timeout=TIMEOUT))
    assert heat.shape == (240, 320)
    assert heat[box_pixels(0)].max() > 0.5
    assert heat[:80].max() == 0
    picture = overlay.get(timeout=TIMEOUT)
    assert (picture.encoding, picture.height, picture.width) == ("rgb8", 240, 320)
    assert len(markers.get(timeout=TIMEOUT).markers) > 2
    points = cloud.get(timeout=TIMEOUT)
    assert (points.height, points.width) == (120, 160)


def test_the_node_answers_others_while_one_caller_waits_for_a_frame(ros: Ros) -> None:
    ros.start(AffordanceNode)
    waiting = GetSuctionPoints.Request(newer_than=to_time_msg(10**9))
    waiting.timeout.sec = 3
    client = ros.node.create_client(GetSuctionPoints, SERVICE)
    assert client.wait_for_service(TIMEOUT)
    answered = threading.Event()
    future = client.call_async(waiting)
    future.add_done_callback(lambda _: answered.set())
    state = ros.client.call(GetState, "/affordance_node/get_state", GetState.Request())
    assert state.current_state.label == "active"
    assert not answered.is_set()
    assert answered.wait(TIMEOUT)
    assert not future.result().success


def test_a_parameter_that_would_change_nothing_is_refused_until_it_is_read(served: Ros) -> None:
    ask_until_frames_arrive(served)
    clouds = served.listen(PointCloud2, "/affordance_node/points")

    def size() -> int:
        message = clouds.get(timeout=TIMEOUT)
        return int(message.width * message.height)

    whole = size()
    name = "/affordance_node"
    with pytest.raises(CallError, match="cloud_stride is read when the node is configured"):
        served.client.set_parameters(name, {"cloud_stride": 5})
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        served.client.change_state(name, transition)
    served.client.set_parameters(name, {"cloud_stride": 5})
    for transition in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        served.client.change_state(name, transition)
    served.wait_until(lambda: 0 < size() < whole / 4, "showed fewer points")


def test_a_parameter_out_of_range_is_refused_with_its_reason(ros: Ros) -> None:
    ros.start(AffordanceNode, autostart=False)
    with pytest.raises(CallError, match=r"view_rate 0\.0 Hz"):
        ros.client.set_parameters("/affordance_node", {"view_rate": 0.0})
