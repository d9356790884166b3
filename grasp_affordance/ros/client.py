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
from grasp_affordance.ros.config_values import Leaf, as_parameter


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

    def call(self, kind: type, service: str, request: Any, timeout: float = 10.0) -> Any:
        """Return the answer of a service.

        Raises:
            CallError: nobody offers the service, or there is no answer within `timeout` seconds.
        """
        if service not in self._clients:
            self._clients[service] = self.node.create_client(kind, service, **self._options)
        client = self._clients[service]
        deadline = time.monotonic() + timeout
        while not client.wait_for_service(timeout_sec=0.2):
            self._check()
            if time.monotonic() > deadline:
                raise CallError(f"nobody offers the service {service}; is its node running?")
        answered = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        while not answered.wait(0.2):
            self._check()
            if time.monotonic() > deadline:
                client.remove_pending_request(future)
                raise CallError(f"{service} did not answer within {timeout:.0f} s")
        return future.result()

    def wait_present(self, name: str, timeout: float = 60.0) -> None:
        """Wait until a lifecycle node answers; raises CallError when it never does."""
        self.call(GetState, f"{name}/get_state", GetState.Request(), timeout)

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
            state = self.call(GetState, f"{name}/get_state", GetState.Request(), max(left, 1.0))
            if state.current_state.id == State.PRIMARY_STATE_ACTIVE:
                return
            if errors() or left <= 0:
                label = state.current_state.label
                raise CallError(f"{name} is {label}, not active:\n{errors() or 'no error logged'}")
            threading.Event().wait(0.05)

    def change_state(self, name: str, transition: int) -> None:
        """Make a lifecycle node take one transition; raises CallError where it refuses."""
        request = ChangeState.Request(transition=Transition(id=transition))
        if not self.call(ChangeState, f"{name}/change_state", request, 30.0).success:
            raise CallError(f"{name} refused transition {transition}; see its errors on /rosout")

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
