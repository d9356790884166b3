"""The physical executor through the UR driver's real interfaces, over the stand-in.

Needs control_msgs, ur_msgs and ur_dashboard_msgs, which are not on PyPI; skips without them.
`research/benchmarks/fault_injection.py` is the long form of this.
"""

import threading
from functools import partial
from typing import Any

import pytest
from grasp_affordance_interfaces.action import Pick
from helpers.ros_harness import TIMEOUT, Ros
from lifecycle_msgs.msg import Transition
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.config_values import Leaf

pytest.importorskip("control_msgs.action")
pytest.importorskip("ur_msgs.srv")
modes = pytest.importorskip("ur_dashboard_msgs.msg")

from standin.bench import patient  # noqa: E402
from standin.executor import StandinExecutorNode  # noqa: E402
from standin.node import StandinNode  # noqa: E402
from standin.scenarios import SCENARIOS, Scenario  # noqa: E402

from grasp_affordance.ros.affordance.affordance_node import AffordanceNode  # noqa: E402
from grasp_affordance.ros.drivers.moveit.moveit_errors import planning_error  # noqa: E402
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient  # noqa: E402
from grasp_affordance.ros.drivers.ur.ur_status import SafetyMode  # noqa: E402

OUTCOMES = {1: Outcome.SUCCESS, 2: Outcome.FAILURE, 3: Outcome.UNCERTAIN, 4: Outcome.ABORTED}
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


class Cell:
    """Stand-in, executor and affordance node in this process."""

    def __init__(self, ros: Ros) -> None:
        self.ros = ros
        self.standin: Any = ros.start(
            StandinNode,
            sim__scene="rows",
            sim__hardness="ideal",
            sim__real_time_factor=4.0,
            every=4,
            camera_rate=3.0,
            unlock_delay=0.1,
        )
        changes: dict[str, Any] = {"camera.max_age": 3.0, "camera.timeout": 10.0}
        changes |= {"tool.mass": 0.4, "pick.load_mass": 0.3, "pick.load_radius": 0.06}
        cell = ros.cell({"arm.speed": 0.8, "arm.linear_speed": 0.4, **changes})
        self.executor: Any = ros.start(
            partial(StandinExecutorNode, patient),
            cell=cell,
        )
        ros.start(AffordanceNode, cell=cell)
        self.client = OrderedActionClient(ros.node, Pick, "executor_node/pick")
        assert self.client.wait_for_server(TIMEOUT)
        ros.wait_until(lambda: not self.executor.driver.problem(), "ready")
        self.executor.driver.cell.camera.read()
        self.executor.driver.cell.camera.pose()

    def set_fault(self, scenario: Scenario | None = None, motion: int = 0) -> None:
        if scenario is not None and scenario.planning:
            planner = self.executor.planner
            planner.fails = planning_error(scenario.planning, "injected")
            planner.delay = motion - 1
            return
        values: dict[str, Leaf] = {"fault.kind": "none"}
        if scenario is not None:
            values = dict(scenario.parameters(motion, 0.5))
        self.ros.client.set_parameters("ur_standin", values)

    def pick(self, dry_run: bool = False) -> tuple[bool, Any]:
        """Return whether the goal was accepted, and the result."""
        done = threading.Event()
        results: list[Any] = []

        def ended(future: Any) -> None:
            results.append(future.result().result)
            done.set()

        def answered(future: Any) -> None:
            if future.result().accepted:
                future.result().get_result_async().add_done_callback(ended)
            else:
                done.set()

        goal = self.client.send_goal_async(Pick.Goal(dry_run=dry_run))
        goal.add_done_callback(answered)
        assert done.wait(60.0), self.ros.rosout
        return bool(results), results[0] if results else None

    def flaw(self, name: str, motion: int) -> str:
        """Pick under a fault; return what is wrong with how that ended."""
        scenario = BY_NAME[name]
        self.set_fault(scenario, motion)
        _, result = self.pick()
        outcome = OUTCOMES.get(result.result.outcome)
        cause = Cause(result.result.cause) if outcome else Cause.NONE
        still = abs(self.standin.machine.velocities).max() < 0.02
        return scenario.flaw(outcome, cause, result.message) or ("" if still else "it moves")

    def works(self) -> str:
        """Clear the fault and pick; return what is wrong if that yields no label."""
        self.set_fault()
        _, result = self.pick()
        labelled = OUTCOMES.get(result.result.outcome) in (Outcome.SUCCESS, Outcome.FAILURE)
        return "" if labelled else str(result.message)


@pytest.mark.slow
def test_faults_end_picks_as_they_should_and_the_next_pick_works(ros: Ros) -> None:
    cell = Cell(ros)
    safety = ros.listen(modes.SafetyMode, "/io_and_status_controller/safety_mode", topics.LATCHED)
    flaws = {"clean": cell.works()}
    flaws["no transform"] = cell.flaw("TF missing", 0)
    cell.set_fault()
    flaws["lost vacuum"] = cell.flaw("vacuum lost in transport", 5)
    flaws["no IK"] = cell.flaw("no inverse kinematics", 4)
    flaws["after no IK"] = cell.works()

    flaws["protective stop"] = cell.flaw("protective stop", 4)
    modes_seen = [safety.get(timeout=TIMEOUT).mode for _ in range(2)]
    assert modes_seen == [SafetyMode.NORMAL, SafetyMode.PROTECTIVE_STOP]
    started = cell.standin.machine.controller.started
    _, refused = cell.pick()
    assert "protective stop" in refused.message
    assert not refused.attempted
    assert cell.standin.machine.controller.started == started, "it was retried"
    for service in ("unlock_protective_stop", "play"):
        answer = ros.client.call(Trigger, f"/dashboard_client/{service}", Trigger.Request())
        assert answer.success, answer.message
    ros.wait_until(lambda: not cell.executor.driver.problem(), "unlocked")
    flaws["after protective stop"] = cell.works()

    flaws["stuck sensor"] = cell.flaw("pressure sensor stuck", 3)
    assert not {name: flaw for name, flaw in flaws.items() if flaw}


@pytest.mark.slow
def test_the_robot_is_told_of_the_load_and_a_refusal_ends_the_pick_by_name(ros: Ros) -> None:
    cell = Cell(ros)
    payloads = cell.standin.payloads
    assert cell.works() == ""
    masses = [round(mass, 3) for mass, _ in payloads]
    assert masses == [0.4, 0.4, 0.7, 0.4]  # in the recovery before it, at its start, seal, release
    (_, tool), (_, loaded) = payloads[0], payloads[2]
    assert tool == pytest.approx((0.0, 0.0, 0.05))
    assert loaded[2] > 0.4 / 0.7 * 0.05 + 0.3 / 0.7 * 0.16  # the load hangs below the rim

    flaws = {"at the seal": cell.flaw("payload refused", 3)}
    cell.set_fault()
    assert not cell.standin.machine.outputs[0], "the vacuum is on"
    flaws["afterwards"] = cell.works()
    assert not {name: flaw for name, flaw in flaws.items() if flaw}
    assert round(payloads[-1][0], 3) == 0.4


@pytest.mark.slow
def test_a_pause_stops_the_arm_and_refuses_picks_and_a_dry_run_moves_nothing(
    ros: Ros,
) -> None:
    cell = Cell(ros)
    machine = cell.standin.machine
    _, planned = cell.pick(dry_run=True)
    assert not planned.attempted
    assert planned.success, planned.message
    assert machine.controller.started == 0

    results: list[Any] = []
    picking = threading.Thread(target=lambda: results.append(cell.pick()[1]))
    picking.start()
    ros.wait_until(lambda: machine.controller.goal is not None, "moving")
    answer = ros.client.call(SetBool, "executor_node/pause", SetBool.Request(data=True))
    assert answer.success, answer.message
    assert machine.controller.goal is None
    picking.join()
    assert results[0].message == "paused" or "paused" in results[0].message
    accepted, _ = cell.pick()
    assert not accepted
    assert ros.client.call(SetBool, "executor_node/pause", SetBool.Request(data=False)).success
    accepted, _ = cell.pick(dry_run=True)
    assert accepted


@pytest.mark.slow
def test_stop_and_deactivation_see_the_arm_come_to_rest(ros: Ros) -> None:
    cell = Cell(ros)
    machine = cell.standin.machine

    def begin() -> None:
        answer = ros.client.call(Trigger, "executor_node/start", Trigger.Request())
        assert answer.success, answer.message
        ros.wait_until(lambda: machine.controller.goal is not None, "moving")

    begin()
    answer = ros.client.call(Trigger, "executor_node/stop", Trigger.Request(), patience=20.0)
    assert answer.success, answer.message
    assert machine.controller.goal is None
    begin()
    ros.client.change_state("executor_node", Transition.TRANSITION_DEACTIVATE)
    assert machine.controller.goal is None
    penalties = ("did not confirm", "driver or its network is gone", "not at rest", "s old")
    assert not [line for line in ros.rosout if any(penalty in line for penalty in penalties)]


def test_without_a_driver_the_executor_says_so_and_moves_nothing(ros: Ros) -> None:
    executor: Any = ros.start(StandinExecutorNode, cell="sim")
    assert "is the robot's driver running" in executor.driver.problem()


def test_an_arm_that_feels_contact_listens_to_the_force_at_its_flange(ros: Ros) -> None:
    ros.start(StandinExecutorNode, cell="ur5e")
    topic = "/force_torque_sensor_broadcaster/wrench"
    ros.wait_until(lambda: ros.node.count_subscribers(topic) > 0, "listened to")


def test_mock_hardware_counts_as_running_while_its_joints_are_heard(ros: Ros) -> None:
    executor: Any = ros.start(StandinExecutorNode, cell="sim", mock_hardware=True)
    assert "joint states" in executor.driver.problem()
    executor.driver.status.note_joints()
    assert executor.driver.problem() == ""


def test_a_program_that_stops_is_reported_once_it_was_latched(ros: Ros) -> None:
    executor: Any = ros.start(StandinExecutorNode, cell="sim")
    publisher = ros.node.create_publisher(
        Bool, "/io_and_status_controller/robot_program_running", topics.LATCHED
    )
    publisher.publish(Bool(data=False))
    executor.driver.status.note_joints()
    executor.driver.status.note_robot_mode(7)
    ros.wait_until(
        lambda: executor.driver.status.note_joints() or "program" in executor.driver.problem(),
        "told",
    )
