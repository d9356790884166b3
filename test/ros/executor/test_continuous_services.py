"""Whoever waits for the end of continuous picking hears of it, however it ends."""

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from execution.fakes import FakeCellState, fake_cell
from helpers.ros_harness import Ros
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp_affordance.execution.activity import Activity
from grasp_affordance.execution.continuous import ContinuousConfig
from grasp_affordance.execution.picker import Picker
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.executor import continuous_services
from grasp_affordance.ros.executor.continuous_services import ContinuousServices
from grasp_affordance.ros.executor.pick_session import PickSession
from grasp_affordance.suction import Failures


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_while_picking_is_announced_as_a_fault_and_frees_the_arm(ros: Ros) -> None:
    cell = fake_cell(FakeCellState())

    def propose(failures: Failures, minimum_probability: float) -> Proposal:
        raise ZeroDivisionError

    def publish(*_: Any) -> None: ...

    record = SimpleNamespace(blocking_reason=str)
    activity = Activity(cell.arm)
    session = SimpleNamespace(
        activity=activity, picker=Picker(cell, propose), record=record, publish=publish
    )
    states = ros.listen(String, "/tester/state", topics.LATCHED)
    services = ContinuousServices(
        ros.node, cast("PickSession", session), ContinuousConfig(), str, stop_timeout=5.0
    )
    answer = ros.client.call(Trigger, "/tester/start", Trigger.Request())
    assert answer.success
    seen = [states.get(timeout=10).data]
    while "defect" not in seen[-1]:
        seen.append(states.get(timeout=10).data)
    assert seen[-1].startswith("fault: ")
    assert not activity.busy
    services.close()


class Waiting:
    """A `~/start` that waits for another node."""

    def __init__(self, ros: Ros, reasons: list[str]) -> None:
        """Whoever says where to pick gives these reasons, the last one again and again."""
        cell = fake_cell(FakeCellState())
        self.looks = 0
        self._reasons = reasons

        def propose(failures: Failures, minimum_probability: float) -> Proposal:
            return Proposal((), None)

        session = SimpleNamespace(
            activity=Activity(cell.arm),
            picker=Picker(cell, propose),
            record=SimpleNamespace(blocking_reason=str),
            publish=lambda report: None,
        )
        config = ContinuousConfig()
        self.services = ContinuousServices(
            ros.node, cast("PickSession", session), config, str, 5.0, self.reason
        )

    def reason(self, patience: float) -> str:
        assert patience <= 1.0, "~/start could not be interrupted for that long"
        self.looks += 1
        time.sleep(0.02)
        return self._reasons[min(self.looks, len(self._reasons)) - 1]


def test_a_start_waits_for_a_node_that_is_still_starting(ros: Ros) -> None:
    waiting = Waiting(ros, ["affordance_node is inactive"] * 3 + [""])
    answer = ros.client.call(Trigger, "/tester/start", Trigger.Request())
    assert (answer.success, answer.message) == (True, "picking")
    assert waiting.looks >= 4
    waiting.services.close()


def test_a_start_is_refused_with_the_reason_where_nobody_says_where_to_pick(
    ros: Ros, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous_services, "_PATIENCE", 0.3)
    waiting = Waiting(ros, ["affordance_node is inactive"])
    states = ros.listen(String, "/tester/state", topics.LATCHED)
    answer = ros.client.call(Trigger, "/tester/start", Trigger.Request())
    assert (answer.success, answer.message) == (False, "affordance_node is inactive")
    assert states.get(timeout=10).data == "idle"
    assert states.empty()
    waiting.services.close()


def test_a_stop_ends_a_start_that_waits(ros: Ros) -> None:
    waiting = Waiting(ros, ["affordance_node is inactive"])
    answers: list[Trigger.Response] = []
    starting = threading.Thread(
        target=lambda: answers.append(
            ros.client.call(Trigger, "/tester/start", Trigger.Request(), patience=30.0)
        )
    )
    starting.start()
    ros.wait_until(lambda: waiting.looks > 2, "waiting")
    stopped = ros.client.call(Trigger, "/tester/stop", Trigger.Request())
    assert stopped.success, stopped.message
    starting.join(5.0)
    assert [(a.success, a.message) for a in answers] == [(False, "stopped before it began")]
    waiting.services.close()
