"""The services `~/start` and `~/stop` of continuous picking, and `~/state`: how it goes."""

import threading
import time
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp_affordance.attempt import Cause
from grasp_affordance.execution.continuous import (
    ContinuousConfig,
    End,
    Ending,
    pick_continuously,
)
from grasp_affordance.execution.picker import PickReport
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.executor.pick_session import PickSession

_LOOK = 0.5  # seconds between looks whether it has
_PATIENCE = 10.0  # seconds in which a node that is still starting may become active


def _ready(patience: float) -> str:  # noqa: ARG001
    """Find nothing amiss."""
    return ""


class ContinuousServices:
    """Picks in a thread of its own from a start to a stop, an empty bin or a fault.

    A start waits for nodes that are still starting, and is refused with the reason where they do
    not become active. While it picks already it is answered with success, so that a caller who got
    no answer may ask again.

    `~/state` (std_msgs/String, latched) is `idle`, `picking`, or how the last run ended: one of
    `execution.continuous.End`, a colon and the reason.
    """

    def __init__(
        self,
        node: Node,
        session: PickSession,
        config: ContinuousConfig,
        why_inactive: Callable[[], str],
        stop_timeout: float,
        why_not_ready: Callable[[float], str] = _ready,
    ) -> None:
        """Serve.

        Args:
            why_not_ready: returns why nothing can say where to pick, after waiting at most so many
                seconds; empty where something can.
        """
        self._why_not_ready = why_not_ready
        self._stops = 0
        self._node = node
        self._session = session
        self._config = config
        self._why_inactive = why_inactive
        self._stop_timeout = stop_timeout
        self._thread: threading.Thread | None = None
        self._picking = False
        self._state = node.create_publisher(String, "~/state", topics.LATCHED)
        self._services = [
            # A start may wait; a stop must not wait for it.
            node.create_service(
                Trigger, "~/start", self._start, callback_group=MutuallyExclusiveCallbackGroup()
            ),
            node.create_service(Trigger, "~/stop", self._stop),
        ]
        self._state.publish(String(data="idle"))

    def close(self) -> None:
        """Take the services out of the graph; the picking has been stopped before."""
        if self._thread is not None:
            self._thread.join(self._stop_timeout)
        for service in self._services:
            self._node.destroy_service(service)
        self._node.destroy_publisher(self._state)

    def _start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = self._why_inactive() or self._wait_ready()
        if not response.message:
            response.success, response.message = self._begin()
        return response

    def _wait_ready(self) -> str:
        """Wait for whoever says where to pick; return why to go on is wrong, empty if it is not."""
        if self._session.activity.busy:
            return ""  # it picks already, or is refused at once
        stops, deadline = self._stops, time.monotonic() + _PATIENCE
        while reason := self._why_not_ready(_LOOK):
            if time.monotonic() > deadline or self._why_inactive():
                return self._why_inactive() or reason
            if stops != self._stops:
                break
        return "stopped before it began" if stops != self._stops else ""

    def _begin(self) -> tuple[bool, str]:
        """Start to pick; return whether it picks now, and what to say."""
        if self._picking:
            return True, "picking already"
        if self._thread is not None:
            self._thread.join()  # it has released the arm and says how it ended
        begun: list[bool] = []
        decided = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(begun, decided), name="continuous picking"
        )
        self._thread.start()
        decided.wait()
        return begun[0], "picking" if begun[0] else "the arm is at work; stop it first"

    def _stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._stops += 1
        response.success = self._session.activity.stop(
            Cause.CANCELLED, "picking was stopped", self._stop_timeout
        )
        response.message = (
            "the arm is at rest"
            if response.success
            else f"the arm did not come to rest within {self._stop_timeout:.0f} s; "
            "use the emergency stop"
        )
        return response

    def _run(self, begun: list[bool], decided: threading.Event) -> None:
        activity, session = self._session.activity, self._session
        ending = Ending(End.FAULT, "a defect, of which the console tells")  # unless it ends well
        acquired = False
        try:
            with activity.acquire() as acquired:
                self._picking = acquired
                begun.append(acquired)
                decided.set()
                if acquired:
                    self._state.publish(String(data="picking"))
                    try:
                        ending = pick_continuously(
                            session.picker, self._config, activity.begin, self._publish
                        )
                    finally:
                        self._picking = False
        finally:
            if acquired:  # told when the arm is free: who hears it may refill or start at once
                self._announce(ending)

    def _publish(self, report: PickReport) -> None:
        """Pass on a report; raises AttemptLogError while attempts cannot be recorded."""
        self._session.publish(report)
        if problem := self._session.record.blocking_reason():
            raise AttemptLogError(problem)

    def _announce(self, ending: Ending) -> None:
        text = f"{ending.end}: {ending.detail}"
        if ending.end in (End.FAULT, End.FAILURES):
            self._node.get_logger().error(f"picking ended: {text}")
        else:
            self._node.get_logger().info(f"picking ended: {text}")
        self._state.publish(String(data=text))
