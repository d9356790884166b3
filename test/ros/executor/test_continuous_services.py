"""Whoever waits for the end of continuous picking hears of it, however it ends."""

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
