"""The executor over real ROS, real physics and the real affordance node."""

import queue
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray
from grasp_affordance_interfaces.action import Pick
from grasp_affordance_interfaces.msg import PickResult
from grasp_affordance_interfaces.srv import GetSuctionPoints
from helpers.ros_harness import TIMEOUT, Ros
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import Log
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import AffordancePredictor, PredictorConfig
from grasp_affordance.annotation.pick_labels import PickLabels, read_labels
from grasp_affordance.annotation.removal_check import PickEvent
from grasp_affordance.attempt import Outcome
from grasp_affordance.execution import Cancellation
from grasp_affordance.execution.picker import Picker
from grasp_affordance.execution.proposal import PickRequest
from grasp_affordance.geometry import transform_points
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import to_header_msg, to_suction_point_msg
from grasp_affordance.ros.common.processes import NodeSpec, Processes
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient
from grasp_affordance.ros.executor.executor_node import ExecutorNode
from grasp_affordance.ros.executor.pick_messages import from_outcome_number
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.suction import Source, SuctionPoint

SMALL: dict[str, Any] = {
    "simulation__scene": "rows",
    "simulation__hardness": "ideal",
    "simulation__objects": 3,
}
SLOW: dict[str, Any] = {"simulation__real_time_factor": 1.5}  # a pick then takes some two seconds
EXECUTOR, AFFORDANCE = "/executor_node", "affordance_node"


class Cell:
    """An executor under test and what a user would do with it."""

    def __init__(
        self, ros: Ros, autostart: bool = True, max_age: float = 5.0, **parameters: Any
    ) -> None:
        """Start it; on a busy machine the camera's 2 Hz are less."""
        self.ros = ros
        described = {"cell": ros.cell({"camera.max_age": max_age})}
        self.node: Any = ros.start(ExecutorNode, autostart, **{**described, **SMALL, **parameters})
        self.results = ros.listen(PickResult, f"{EXECUTOR}/pick_result")
        self.states = ros.listen(String, f"{EXECUTOR}/state", topics.LATCHED)
        self.phases: queue.Queue[str] = queue.Queue()
        self._action = OrderedActionClient(ros.node, Pick, f"{EXECUTOR}/pick")

    def ask(self, **goal: Any) -> Any:
        """Send a goal; return its handle."""
        assert self._action.wait_for_server(timeout_sec=15)
        return self._wait(
            self._action.send_goal_async(
                Pick.Goal(**goal), lambda message: self.phases.put(message.feedback.phase)
            )
        )

    def finish(self, handle: Any) -> tuple[int, Pick.Result]:
        """Wait for the end of a goal; return status and result."""
        answer = self._wait(handle.get_result_async())
        return answer.status, answer.result

    def pick(self, **goal: Any) -> tuple[int, Pick.Result]:
        """Send a goal and wait for its end."""
        handle = self.ask(**goal)
        assert handle.accepted
        return self.finish(handle)

    def cancel(self, handle: Any) -> None:
        self._wait(handle.cancel_goal_async())

    def wait_for_phase(self, phase: str) -> None:
        while self.phases.get(timeout=15) != phase:
            pass

    def wait_for_end(self) -> str:
        """Return how continuous picking ended."""
        while ":" not in (state := self.states.get(timeout=40).data):
            pass
        return str(state)

    def _wait(self, future: Any) -> Any:
        self.ros.wait_until(future.done, "answered")
        return future.result()

    def call(self, service: str, kind: Any = Trigger, **request: Any) -> Any:
        return self.ros.client.call(kind, f"{EXECUTOR}/{service}", kind.Request(**request))

    def is_at_rest(self) -> bool:
        """Whether nobody moves the arm, and it stays where it is."""
        arm = self.node.driver.cell.arm
        before = arm.tcp_pose()
        return not self.node.driver.activity.busy and np.array_equal(arm.tcp_pose(), before)

    def holds_something(self) -> bool:
        return bool(self.node.driver.cell.gripper.vacuum() > 40)


def labels_of(ros: Ros, log: Path, count: int) -> list[PickLabels]:
    """Return the labels of all attempts; the executor makes them while it goes on picking."""
    folder = log / "labels"
    ros.wait_until(lambda: len(list(folder.glob("*.json"))) == count, f"labelled {count}")
    return [read_labels(folder, f"{number:04d}") for number in range(count)]


def count_told(health: "queue.Queue[DiagnosticArray]", name: str, event: str) -> int:
    """Return the newest count of an event in the diagnostics of a part."""
    counts = [
        int(value.value)
        for message in health.queue
        for status in message.status
        for value in status.values
        if status.name.endswith(name) and value.key == event
    ]
    return counts[-1] if counts else 0


def start_affordance(ros: Ros) -> None:
    """Start the affordance node; return when it knows the camera and its pose."""
    ros.start(AffordanceNode, cell="sim")
    wait_evaluated(ros)


def wait_evaluated(ros: Ros, patience: float = TIMEOUT) -> None:
    """Return when the affordance node has evaluated a view, which takes longest the first time."""
    service, request = "/affordance_node/get_suction_points", GetSuctionPoints.Request()
    ros.wait_until(
        lambda: ros.client.call(GetSuctionPoints, service, request).success, "evaluated", patience
    )


def best_points(config: SimConfig, count: int) -> list[SuctionPoint]:
    """Return good points of a simulated cell's first view."""
    with SimCell(config) as sim:
        frame, T = sim.camera.read(), sim.camera.pose()
        prediction = AffordancePredictor(PredictorConfig()).predict(frame, BinView(T, sim.bin))
        return list(prediction.selection.points[:count])


def point_over_the_floor(config: SimConfig) -> SuctionPoint:
    """Return a point 12 mm above the floor of the bin, as far from every object as possible."""
    with SimCell(config) as sim:
        frame, T = sim.camera.read(), sim.camera.pose()
        points = transform_points(T, frame.intrinsics.deproject_image(frame.depth))
        floor = sim.bin.contains(points + np.array([0, 0, 0.02])) & (points[..., 2] < 0.003)
        gaps = cv2.distanceTransform(floor.astype(np.uint8), cv2.DIST_L2, 5)
        v, u = np.unravel_index(int(gaps.argmax()), gaps.shape)
        up = np.array([0.0, 0.0, -1.0])  # in the camera's frame
        position = frame.point(int(u), int(v)) + 0.012 * up
        return SuctionPoint(int(u), int(v), position, up, 0.5, Source.MANUAL)


def point_goal(point: SuctionPoint) -> dict[str, Any]:
    return {
        "mode": Pick.Goal.MODE_POINT,
        "point": to_suction_point_msg(point, to_header_msg(0, "")),
    }


def test_the_console_says_once_when_and_how_picking_can_begin(ros: Ros) -> None:
    health = ros.listen(DiagnosticArray, "/diagnostics")
    Cell(ros)
    for _ in range(3):  # looks at the cell that find everything but who says where to pick
        health.get(timeout=TIMEOUT)
    assert not [line for line in ros.rosout if "ready: " in line]
    ros.start(AffordanceNode, cell="sim")
    ros.wait_until(lambda: any("ready: " in line for line in ros.rosout), "ready")
    (line,) = [line for line in ros.rosout if "ready: " in line]
    assert f"ros2 service call {EXECUTOR}/start std_srvs/srv/Trigger" in line


def test_continuous_picking_empties_a_small_bin_and_says_so(ros: Ros, tmp_path: Path) -> None:
    cell = Cell(ros, record__directory=str(tmp_path))
    health = ros.listen(DiagnosticArray, "/diagnostics")
    start_affordance(ros)
    assert cell.call("start").success
    assert cell.call("start").message == "picking already"  # the first answer may be lost
    assert cell.wait_for_end().startswith("empty_bin")
    results = list(cell.results.queue)
    assert sum(result.true_outcome == Outcome.SUCCESS for result in results) == 3
    assert [result.index for result in results] == list(range(len(results)))
    for result in results:
        assert result.difference_known
        assert result.before_stamp.sec > 0
        assert result.after_stamp.sec >= result.before_stamp.sec
        if result.outcome != PickResult.OUTCOME_UNCERTAIN:
            assert result.true_outcome == str(from_outcome_number(result.outcome))
        assert len(result.vacuum) == len(result.vacuum_times) > 0
    labels = labels_of(ros, tmp_path, len(results))
    for result, made in zip(results, labels, strict=True):
        if result.outcome != PickResult.OUTCOME_SUCCESS:
            assert made.mask is None
            continue
        assert made.event == PickEvent.REMOVED
        assert made.mask is not None
        assert made.positives is not None
        assert made.mask[result.point.v, result.point.u]
        assert made.mask.sum() == pytest.approx(result.removed_pixels, rel=0.01)
        assert 1 < made.positives.sum() < made.mask.sum()
        assert made.rectangles
    ros.wait_until(lambda: count_told(health, "executor_node: picks", "removed") == 3, "counted")
    refilled = cell.call("refill")
    assert refilled.success
    assert "3 objects" in refilled.message


def test_the_same_picks_through_ros_and_in_plain_python_end_the_same(ros: Ros) -> None:
    config = SimConfig(scene="rows", hardness=Hardness.IDEAL, objects=3)
    good, nothing = best_points(config, 1)[0], point_over_the_floor(config)
    cell, outcomes = Cell(ros), []
    with SimCell(config) as sim:
        picker = Picker(sim.as_cell(), propose=lambda *_: pytest.fail("no point is asked for"))
        for point in (good, nothing):
            report = picker.pick_at(point, sim.camera.pose(), PickRequest(), Cancellation())
            plain = report.attempt
            assert plain is not None
            _, answer = cell.pick(**point_goal(point))
            through_ros = answer.result
            assert from_outcome_number(through_ros.outcome) is plain.outcome
            assert through_ros.cause == plain.cause
            assert through_ros.true_outcome == plain.true_outcome
            assert through_ros.true_cause == plain.true_cause
            assert [phase.phase for phase in through_ros.phases] == [p.phase for p in plain.phases]
            durations = [phase.duration for phase in plain.phases]
            assert [phase.duration for phase in through_ros.phases] == pytest.approx(durations)
            assert through_ros.contact_height == pytest.approx(plain.contact_height, nan_ok=True)
            outcomes.append(plain.outcome)
        assert outcomes == [Outcome.SUCCESS, Outcome.FAILURE]


def test_cancelling_mid_lift_stops_the_arm_and_keeps_the_load_until_the_next_pick(
    ros: Ros,
) -> None:
    cell = Cell(ros, **SLOW)
    start_affordance(ros)
    handle = cell.ask()
    cell.wait_for_phase("lift")
    cell.cancel(handle)
    status, answer = cell.finish(handle)
    assert status == GoalStatus.STATUS_CANCELED
    assert (answer.result.outcome, answer.result.cause) == (
        PickResult.OUTCOME_ABORTED,
        "cancelled",
    )
    assert answer.result.phases[-1].phase == "lift"
    assert cell.is_at_rest()
    assert cell.holds_something()
    _, answer = cell.pick()
    assert answer.result.outcome in (PickResult.OUTCOME_SUCCESS, PickResult.OUTCOME_FAILURE)
    assert not cell.holds_something()


def test_what_a_user_stopped_is_told_with_its_reason_and_as_no_error(
    ros: Ros, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[str] = []
    ros.node.create_subscription(
        Log, "/rosout", lambda log: errors.append(log.msg) if log.level >= 40 else None, 100
    )
    cell = Cell(ros, **{**SLOW, "simulation__objects": 0})
    start_affordance(ros)
    assert cell.call("start").success
    ros.wait_until(lambda: not cell.results.empty(), "picked", 60.0)
    assert cell.call("stop").success
    assert cell.wait_for_end() == "stopped: picking was stopped"
    ros.wait_for_log("picking ended: stopped: picking was stopped")
    assert not [line for line in errors if "pick" in line]


def interrupt_by_deactivating(cell: Cell) -> None:
    cell.ros.client.change_state(EXECUTOR, Transition.TRANSITION_DEACTIVATE)


def interrupt_by_losing_the_camera(cell: Cell) -> None:
    assert cell.call("camera_power", SetBool, data=False).success


def interrupt_by_stopping(cell: Cell) -> None:
    assert cell.call("stop").success


@pytest.mark.parametrize(
    ("interrupt", "cause"),
    [
        (interrupt_by_deactivating, "cancelled"),
        (interrupt_by_losing_the_camera, "camera_lost"),
        (interrupt_by_stopping, "cancelled"),
    ],
)
def test_deactivation_loss_of_the_camera_and_stop_all_stop_the_arm(
    ros: Ros, interrupt: Callable[[Cell], None], cause: str
) -> None:
    cell = Cell(ros, max_age=0.6, simulation__real_time_factor=0.7)
    good = best_points(SimConfig(scene="rows", hardness=Hardness.IDEAL, objects=3), 1)[0]
    handle = cell.ask(**point_goal(good))
    cell.wait_for_phase("pre_grasp")
    interrupt(cell)
    status, answer = cell.finish(handle)
    assert status == GoalStatus.STATUS_ABORTED
    assert (answer.result.outcome, answer.result.cause) == (PickResult.OUTCOME_ABORTED, cause)
    assert len(answer.result.phases) < 7
    assert cell.is_at_rest()


def test_goals_are_rejected_unless_the_node_is_active_and_the_arm_free(ros: Ros) -> None:
    cell = Cell(ros, autostart=False, **SLOW)
    good = best_points(SimConfig(scene="rows", hardness=Hardness.IDEAL, objects=3), 1)[0]
    ros.client.change_state(EXECUTOR, Transition.TRANSITION_CONFIGURE)
    assert not cell.ask(**point_goal(good)).accepted
    assert "not active" in cell.call("start").message
    ros.client.change_state(EXECUTOR, Transition.TRANSITION_ACTIVATE)
    first = cell.ask(**point_goal(good))
    assert first.accepted
    assert not cell.ask(**point_goal(good)).accepted
    assert not cell.call("start").success
    assert not cell.call("refill").success
    assert not cell.call("new_bin").success
    assert not cell.call("new_container").success
    _, answer = cell.finish(first)
    assert answer.success
    ros.client.change_state(EXECUTOR, Transition.TRANSITION_DEACTIVATE)
    ros.client.change_state(EXECUTOR, Transition.TRANSITION_CLEANUP)


def test_a_dry_run_names_a_point_and_moves_nothing(ros: Ros) -> None:
    cell = Cell(ros)
    start_affordance(ros)
    before = cell.node.driver.cell.clock()
    status, answer = cell.pick(dry_run=True)
    assert status == GoalStatus.STATUS_SUCCEEDED
    assert answer.success
    assert not answer.attempted
    found = re.fullmatch(
        r"would pick at pixel \(\d+, \d+\), probability 0\.\d\d \(prior\); the tool's way in the "
        r"base frame, metres: (\(.+\))",
        answer.message,
    )
    assert found, answer.message
    assert found[1].count("->") >= 3  # over the point, to it, up again, to the place area
    assert cell.node.driver.cell.clock() == before


def test_after_another_bin_was_announced_no_failure_of_the_one_before_counts(ros: Ros) -> None:
    failures_told: list[int] = []

    def listen(request: Any, response: Any) -> Any:
        failures_told.append(len(request.failed))
        response.message = "a listener proposes nothing"
        return response

    ros.node.create_service(GetSuctionPoints, "/listener/get_suction_points", listen)
    cell = Cell(ros, affordance_node="listener")
    nothing = point_over_the_floor(SimConfig(scene="rows", hardness=Hardness.IDEAL, objects=3))
    _, answer = cell.pick(**point_goal(nothing))
    assert answer.attempted
    assert not answer.success
    cell.pick()
    assert failures_told[-1] == 1
    assert cell.call("new_bin").success
    assert cell.call("new_container").success
    cell.pick()
    assert failures_told[-1] == 0


def test_a_point_that_may_not_be_picked_is_answered_with_the_reason(ros: Ros) -> None:
    cell = Cell(ros)
    good = best_points(SimConfig(scene="rows", hardness=Hardness.IDEAL, objects=3), 1)[0]
    far = SuctionPoint(0, 0, good.position + np.array([0.5, 0, 0]), good.normal, 0.5, good.source)
    status, answer = cell.pick(**point_goal(far))
    assert status == GoalStatus.STATUS_ABORTED
    assert not answer.attempted
    assert "not in the bin" in answer.message
    assert [(count.cause, count.count) for count in answer.rejections] == [("outside_workspace", 1)]


def test_the_death_of_the_affordance_node_ends_picking_and_is_reported(ros: Ros) -> None:
    # A busy machine takes long to import torch, to take a picture and to evaluate it: none of these
    # waits may end the picking before the node dies.
    patient = ros.cell({"camera.timeout": 15.0, "camera.max_age": 15.0})
    cell = Cell(ros, simulation__objects=0, answer_timeout=15.0, cell=patient)
    with Processes() as processes:
        processes.start(NodeSpec(AFFORDANCE, {"cell": "sim"}))
        ros.client.wait_active("/affordance_node", 120.0, lambda: processes.errors(AFFORDANCE))
        wait_evaluated(ros, patience=60.0)
        assert cell.call("start").success
        ros.wait_until(lambda: not cell.results.empty(), f"picked: {cell.states.queue}", 60.0)
        processes.kill(AFFORDANCE)
        end = cell.wait_for_end()
    assert end.startswith("fault")
    assert "get_suction_points" in end
    assert cell.is_at_rest()
