"""A node for programs that ask other nodes: blocking service calls with clear errors."""

import threading
import time
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.ros.common.config_values import Leaf, as_parameter
from grasp_affordance.ros.common.service_retry import PATIENCE, NoAnswer, ask, first_done

_SILENCE = 2.0  # seconds after which a node is asked for its state rather than for its answer
_GOALS = {
    Transition.TRANSITION_CONFIGURE: State.PRIMARY_STATE_INACTIVE,
    Transition.TRANSITION_CLEANUP: State.PRIMARY_STATE_UNCONFIGURED,
    Transition.TRANSITION_ACTIVATE: State.PRIMARY_STATE_ACTIVE,
    Transition.TRANSITION_DEACTIVATE: State.PRIMARY_STATE_INACTIVE,
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: State.PRIMARY_STATE_FINALIZED,
    Transition.TRANSITION_INACTIVE_SHUTDOWN: State.PRIMARY_STATE_FINALIZED,
    Transition.TRANSITION_ACTIVE_SHUTDOWN: State.PRIMARY_STATE_FINALIZED,
}


class CallError(GraspAffordanceError):
    """A service did not answer, or a node did not do what was asked."""


class Client:
    """Calls services from a node that spins in another thread (`spin.spinning`)."""

    def __init__(
        self, node: Node, check: Callable[[], None] = lambda: None, **options: Any
    ) -> None:
        """Use `node`; `check` is called while waiting and may raise what is wrong elsewhere.

        Args:
            options: of each client, such as a callback group that no waiting callback is in.
        """
        self.node = node
        self._check = check
        self._options = options
        self._clients: dict[str, Any] = {}

    def call(
        self,
        kind: type,
        service: str,
        request: Any,
        timeout: float = 10.0,
        patience: float = PATIENCE,
    ) -> Any:
        """Return the answer of a service.

        The request is sent again while there is silence, because an answer may be lost (see
        `ros/common/service_retry.py`): it may reach the service more than once.

        Args:
            timeout: seconds for finding the service and getting its answer, together.
            patience: seconds before it is sent again, doubled each time; `service_retry.ONCE`:
                never.

        Raises:
            CallError: nobody offers the service, or there is no answer.
        """
        deadline = time.monotonic() + timeout
        client = self._find(kind, service, deadline)
        try:
            return ask(client, request, deadline - time.monotonic(), patience, self._check)
        except NoAnswer as error:
            raise CallError(f"{service} did not answer within {timeout:.0f} s") from error

    def state(self, name: str, timeout: float = 30.0) -> State:
        """Return the state of a lifecycle node; raises CallError where it does not answer."""
        answer = self.call(GetState, f"{name}/get_state", GetState.Request(), timeout)
        return answer.current_state

    def wait_present(self, name: str, timeout: float = 60.0) -> None:
        """Wait until a lifecycle node answers; raises CallError when it never does."""
        self.state(name, timeout)

    def wait_active(
        self, name: str, timeout: float = 30.0, errors: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait until a lifecycle node is active.

        Args:
            errors: returns what the node has logged as errors; any ends the waiting.

        Raises:
            CallError: it is not within `timeout` seconds, or has logged an error meanwhile.
        """
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            state = self.state(name, max(left, 1.0))
            if state.id == State.PRIMARY_STATE_ACTIVE:
                return
            if errors() or left <= 0:
                problem = errors() or "no error logged"
                raise CallError(f"{name} is {state.label}, not active:\n{problem}")
            threading.Event().wait(0.05)

    def change_state(self, name: str, transition: int, timeout: float = 30.0) -> None:
        """Make a lifecycle node take one transition.

        A transition must not be asked for twice, so where the answer is lost the node's state tells
        what became of it. A node answers nothing else while it is in a transition.

        Raises:
            CallError: it refuses, fails, or does not answer within `timeout` seconds.
        """
        service, deadline = f"{name}/change_state", time.monotonic() + timeout
        client, lost = self._find(ChangeState, service, deadline), False
        while time.monotonic() < deadline:
            future = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
            for _ in range(2):  # the answer may have come while the node was asked for its state
                left = deadline - time.monotonic()
                if first_done([future], min(_SILENCE, left), self._check) is not None:
                    if future.result().success or (lost and self._is_at_goal(name, transition)):
                        return
                    raise CallError(
                        f"{name} refused transition {transition}; see its errors on /rosout"
                    )
                if self._is_at_goal(name, transition):
                    return
            client.remove_pending_request(future)
            lost = True  # the request or, after a failure, the answer: it may be asked for again
        raise CallError(f"{service} did not answer within {timeout:.0f} s")

    def set_parameters(self, name: str, values: dict[str, Leaf]) -> None:
        """Set parameters of a node, all or none; raises CallError with its reason to refuse."""
        messages = [Parameter(key, value=as_parameter(value)) for key, value in values.items()]
        request = SetParametersAtomically.Request(
            parameters=[message.to_parameter_msg() for message in messages]
        )
        service = f"{name}/set_parameters_atomically"
        result = self.call(SetParametersAtomically, service, request).result
        if not result.successful:
            raise CallError(f"{name} refused parameters: {result.reason}")

    def _find(self, kind: type, service: str, deadline: float) -> Any:
        """Return the client of a service that is there; raises CallError where it never is."""
        if service not in self._clients:
            self._clients[service] = self.node.create_client(kind, service, **self._options)
        client = self._clients[service]
        while not client.wait_for_service(timeout_sec=0.2):
            self._check()
            if time.monotonic() > deadline:
                raise CallError(f"nobody offers the service {service}; is its node running?")
        return client

    def _is_at_goal(self, name: str, transition: int) -> bool:
        return bool(self.state(name).id == _GOALS[transition])
