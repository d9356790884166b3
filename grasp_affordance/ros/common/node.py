"""The lifecycle node that all our nodes are: a configuration in, a core object built, errors named.

A node overrides `setup` (build the core from `self.config`, register in `self.resources` how to
undo it), `start` and `stop`; each may raise a `GraspAffordanceError`, which is logged with its
remedy and leaves the node running in the state it was in. See `ros/common/spin.py` for the process.
"""

import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.ros.common import parameters
from grasp_affordance.ros.common.diagnostics import Diagnostics
from grasp_affordance.ros.common.logs import forward_core_logs, stop_forwarding
from grasp_affordance.ros.common.transitions import refuse_impossible_transitions


class ManagedNode[Config](LifecycleNode):
    """A lifecycle node configured by a dataclass.

    Attributes:
        config: what the parameters hold since the last configure.
        active: whether the node is in its active state. rclpy gates lifecycle publishers only, so
            services and actions ask this.
        diagnostics: of this node.
        resources: closed, last registered first, on cleanup and when `setup` fails half-way.
    """

    def __init__(self, name: str, default: Config, **options: Any) -> None:
        super().__init__(name, **options)
        refuse_impossible_transitions(self)
        self.config = default
        self.active = False
        self.resources = ExitStack()
        self._default = default
        description = "configure and activate at start, without a lifecycle manager"
        self.declare_parameter("autostart", True, ParameterDescriptor(description=description))
        parameters.declare(self, default)
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

    def autostart(self) -> None:
        """Configure and activate, if the parameter of this name says so."""
        if self.get_parameter("autostart").value:
            configured = self.trigger_configure() == TransitionCallbackReturn.SUCCESS
            if configured:
                self.trigger_activate()

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
