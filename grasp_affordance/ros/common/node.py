"""The lifecycle node that all our nodes are: a configuration in, a core object built, errors named.

A node overrides `setup` (build the core from `self.config`, register in `self.resources` how to
undo it), `start` and `stop`; each may raise a `GraspAffordanceError`, which is logged with its
remedy and leaves the node running in the state it was in. See `ros/common/spin.py` for the process.
"""

import logging
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

from grasp_affordance.errors import ConfigError, GraspAffordanceError
from grasp_affordance.ros.common import parameters
from grasp_affordance.ros.common.diagnostics import Diagnostics


class ManagedNode[Config](LifecycleNode):
    """A lifecycle node configured by a dataclass.

    Attributes:
        APPLIED_AT_ONCE: parameters, or prefixes of them with their dot, that a subclass applies as
            soon as they change; all others are read when the node is configured.
        parameter_files: that this process was started with.
        config: what the parameters hold since the last configure.
        active: whether the node is in its active state. rclpy gates lifecycle publishers only, so
            services and actions ask this.
        diagnostics: of this node.
        resources: closed, last registered first, on cleanup and when `setup` fails half-way.
    """

    APPLIED_AT_ONCE: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, default: Config, **options: Any) -> None:
        """Declare the parameters.

        Args:
            default: what holds for the fields of the configuration that no parameter sets.
            options: of rclpy's node.
        """
        super().__init__(name, **options)
        refuse_impossible_transitions(self)
        self.config = default
        self.active = False
        self.parameter_files: tuple[Path, ...] = ()
        self.resources = ExitStack()
        self._default = default
        description = "configure and activate at start, without a lifecycle manager"
        self.declare_parameter("autostart", True, ParameterDescriptor(description=description))
        parameters.declare(self, default, self._why_fixed)
        self.diagnostics = Diagnostics(self)
        self._log_handler = forward_core_logs(self)

    def create_subscription(self, kind: Any, topic: str, *rest: Any, **options: Any) -> Any:
        """Subscribe; rclpy's own subscription to /clock runs beside all other callbacks.

        In the group of the transitions the clock would stand still for as long as one of them
        waits.
        """
        if topic == "/clock":
            options.setdefault("callback_group", MutuallyExclusiveCallbackGroup())
        return super().create_subscription(kind, topic, *rest, **options)

    def setup(self) -> None:
        """Build everything that the configuration determines."""

    def start(self) -> None:
        """Begin to work."""

    def stop(self) -> None:
        """Stop working, and whatever moves."""

    def autostart(self) -> bool:
        """Configure and activate, if the parameter of this name says so.

        Returns:
            False where no transition could ever succeed, because the process was given parameters
            that the node does not have.
        """
        if not self.get_parameter("autostart").value:
            return True
        try:
            parameters.check_given(self, self.parameter_files)
        except ConfigError as error:
            self.report(error)
            return False
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()
        return True

    def report(self, error: Exception) -> str:
        """Log an error with its name and remedy on `/rosout`; return that text."""
        text = f"{type(error).__name__}: {error}"
        self.get_logger().error(text)
        return text

    def why_inactive(self) -> str:
        """Return what a service answers while the node is not active; empty when it is."""
        if self.active:
            return ""
        name = self.get_fully_qualified_name()
        return (
            f"{name} is not active; see /rosout for the reason, then "
            f"`ros2 lifecycle set {name} configure` and `... activate`"
        )

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters and build the core."""

        def configure() -> None:
            parameters.check_given(self, self.parameter_files)
            self.config = parameters.read(self, self._default)
            self.setup()

        if not self._succeeds(configure):
            self.resources.close()
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable the publishers, then begin to work."""
        result = super().on_activate(state)
        if not self._succeeds(self.start):
            super().on_deactivate(state)
            return TransitionCallbackReturn.FAILURE
        self.active = True
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop, whatever else happens."""
        self.active = False
        self._succeeds(self.stop)
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the core apart."""
        self._succeeds(self.resources.close)
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and take the core apart from any state."""
        if self.active:
            self.active = False
            self._succeeds(self.stop)
        self._succeeds(self.resources.close)
        return super().on_shutdown(state)

    def destroy_node(self) -> None:
        """Take everything apart, now rather than at garbage collection."""
        stop_forwarding(self._log_handler)
        self.resources.close()
        super().destroy_node()
        # rclpy forgets the state machine, which keeps the node's name and its /rosout publisher
        # alive: the next node of this name in this process would log into the void.
        self._state_machine.destroy_when_not_in_use()

    def _why_fixed(self, name: str) -> str:
        """Return why a change of a parameter would do nothing now; empty where it has an effect."""
        if name == "autostart":
            return "autostart is read when the process starts: set it in the parameter file"
        if name not in parameters.parameters_of(self._default):
            return ""
        if name.startswith(self.APPLIED_AT_ONCE):
            return ""
        state = self._state_machine.current_state[0]
        if state in (State.PRIMARY_STATE_UNKNOWN, State.PRIMARY_STATE_UNCONFIGURED):
            return ""
        return (
            f"{name} is read when the node is configured: set it in the parameter file and start "
            f"anew, or `ros2 lifecycle set {self.get_fully_qualified_name()} deactivate`, "
            "`... cleanup`, set it, `... configure` and `... activate`"
        )

    def _succeeds(self, step: Callable[[], None]) -> bool:
        """Run one step; report an expected error, and a bug before rclpy hides its traceback."""
        try:
            step()
        except GraspAffordanceError as error:
            self.report(error)
            return False
        except Exception:
            self.get_logger().fatal(traceback.format_exc())
            raise
        return True


def refuse_impossible_transitions(node: LifecycleNode) -> None:
    """Make a node answer impossible transitions with `success` false, and live on.

    rclpy (seen with Jazzy's 7.1.6) raises in the service's callback instead, which ends the
    executor and with it the process: `activate` sent to an active node, from an impatient or a
    second manager, would stop a robot's node in mid-motion.
    """
    machine, service = node._state_machine, node._service_change_state
    change_state = service.callback

    def change_if_possible(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        asked = request.transition
        possible = {(number, label) for number, label, *_ in machine.available_transitions}
        # As rclpy does: a label, where there is one, counts more than the number.
        if any(asked.label == label if asked.label else asked.id == n for n, label in possible):
            return change_state(request, response)
        state, what = machine.current_state[1], asked.label or asked.id
        node.get_logger().warning(f"transition {what} is impossible while {state}: refused")
        response.success = False
        return response

    service.callback = change_if_possible


class RosoutHandler(logging.Handler):
    """Hands the records of the package's loggers to a node's logger: core code uses `logging`."""

    def __init__(self, node: Node) -> None:
        super().__init__(logging.INFO)
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record; rclpy wants one line of code per severity."""
        text = self.format(record)
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)


def forward_core_logs(node: Node) -> RosoutHandler:
    """Send what the core logs to `/rosout` through `node` until `stop_forwarding`."""
    handler = RosoutHandler(node)
    logger = logging.getLogger("grasp_affordance")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler


def stop_forwarding(handler: RosoutHandler) -> None:
    """Undo `forward_core_logs`."""
    logging.getLogger("grasp_affordance").removeHandler(handler)
