"""What a caller does when an answer never comes, over real DDS with servers that lose answers."""

from dataclasses import dataclass
from typing import Any

import pytest
from helpers.ros_harness import Ros
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.service import Service
from std_srvs.srv import Trigger

from grasp_affordance.errors import CameraError, GripperError
from grasp_affordance.ros.common import client as client_module
from grasp_affordance.ros.common.client import CallError
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.service_retry import ONCE, call_within

NODE = "/lossy_node"


@dataclass(frozen=True)
class NoConfig:
    """Nothing to configure."""


class LossyNode(ManagedNode[NoConfig]):
    """Loses the first answers of its services, as a server does that has not found its client."""

    def __init__(self, **options: Any) -> None:
        super().__init__("lossy_node", NoConfig(), **options)
        self.fails = False
        self.configured, self.asked = 0, 0
        group = MutuallyExclusiveCallbackGroup()
        self.trigger = self.create_service(Trigger, "~/go", self._go, callback_group=group)

    def setup(self) -> None:
        self.configured += 1
        if self.fails:
            raise CameraError("as the test asks")

    def _go(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.asked += 1
        response.success, response.message = True, f"asked {self.asked}"
        return response


def lose(service: Service, count: int) -> list[int]:
    """Make a service drop its first answers; return a list that holds how many it still will."""
    left, send = [count], service.send_response

    def send_or_lose(*answer: Any) -> None:
        if left[0]:
            left[0] -= 1
        else:
            send(*answer)

    service.send_response = send_or_lose
    return left


def lossy(ros: Ros) -> Any:
    return ros.start(LossyNode, autostart=False)


def test_a_question_whose_answer_was_lost_is_asked_again(ros: Ros) -> None:
    node = lossy(ros)
    left = lose(node._service_get_state, 1)
    ros.client.wait_present(NODE, 10.0)
    assert left == [0]


def test_an_answer_that_is_merely_slow_is_taken_and_later_copies_are_ignored(ros: Ros) -> None:
    node = lossy(ros)
    lose(node.trigger, 2)
    answer = ros.client.call(Trigger, f"{NODE}/go", Trigger.Request(), 10.0, patience=0.1)
    assert answer.message == "asked 3"
    again = ros.client.call(Trigger, f"{NODE}/go", Trigger.Request(), 10.0)
    assert again.message == f"asked {node.asked}"


def test_what_must_be_asked_once_is_asked_once(ros: Ros) -> None:
    node = lossy(ros)
    lose(node.trigger, 1)
    with pytest.raises(CallError, match="did not answer within 1 s"):
        ros.client.call(Trigger, f"{NODE}/go", Trigger.Request(), 1.0, patience=ONCE)
    assert node.asked == 1


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_SILENCE", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_transition_whose_answer_was_lost_is_seen_in_the_state_and_not_repeated(ros: Ros) -> None:
    node = lossy(ros)
    lose(node._service_change_state, 1)
    ros.client.change_state(NODE, Transition.TRANSITION_CONFIGURE)
    assert node.configured == 1
    assert ros.client.state(NODE).id == State.PRIMARY_STATE_INACTIVE


@pytest.mark.usefixtures("impatient")
def test_a_transition_that_never_began_is_asked_for_again(ros: Ros) -> None:
    node = lossy(ros)
    service, configure = node._service_change_state, node._service_change_state.callback
    dropped: list[Any] = []

    def drop_the_first(request: Any, response: Any) -> Any:
        if not dropped:
            dropped.append(request)
            return response
        return configure(request, response)

    service.callback = drop_the_first
    lose(service, 1)
    ros.client.change_state(NODE, Transition.TRANSITION_CONFIGURE)
    assert (len(dropped), node.configured) == (1, 1)


@pytest.mark.usefixtures("impatient")
def test_a_transition_that_failed_is_a_refusal_also_where_its_answer_was_lost(ros: Ros) -> None:
    node = lossy(ros)
    node.fails = True
    lose(node._service_change_state, 1)
    with pytest.raises(CallError, match="refused transition 1"):
        ros.client.change_state(NODE, Transition.TRANSITION_CONFIGURE)
    assert node.configured == 2


def test_a_transition_that_is_impossible_is_refused_and_the_node_lives_on(ros: Ros) -> None:
    lossy(ros)
    ros.client.change_state(NODE, Transition.TRANSITION_CONFIGURE)
    with pytest.raises(CallError, match="refused transition 1"):
        ros.client.change_state(NODE, Transition.TRANSITION_CONFIGURE)
    by_label = ChangeState.Request(transition=Transition(label="cleanup"))
    assert ros.client.call(ChangeState, f"{NODE}/change_state", by_label).success
    assert ros.client.state(NODE).id == State.PRIMARY_STATE_UNCONFIGURED


def test_a_driver_asks_again_as_well(ros: Ros) -> None:
    node = lossy(ros)
    lose(node.trigger, 1)
    client = ros.node.create_client(Trigger, f"{NODE}/go")
    assert call_within(client, Trigger.Request(), 5.0, GripperError).message == "asked 2"
    lose(node.trigger, 10)
    with pytest.raises(GripperError, match="did not answer within"):
        call_within(client, Trigger.Request(), 1.0, GripperError)
