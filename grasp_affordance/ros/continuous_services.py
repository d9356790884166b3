"""The services `~/start` and `~/stop` of continuous picking, and `~/state`: how it goes."""

import threading
from collections.abc import Callable

from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp_affordance.execution.continuous import (
    ContinuousConfig,
    End,
    Ending,
    pick_continuously,
)
from grasp_affordance.execution.picker import PickReport
from grasp_affordance.grasp import Cause
from grasp_affordance.learning.attempt_log import AttemptLogError
from grasp_affordance.ros import topics
from grasp_affordance.ros.pick_session import PickSession


class ContinuousServices:
    """Picks in a thread of its own from a start to a stop, an empty bin or a fault.

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
    ) -> None:
        self._node = node
        self._session = session
        self._config = config
        self._why_inactive = why_inactive
        self._stop_timeout = stop_timeout
        self._thread: threading.Thread | None = None
        self._state = node.create_publisher(String, "~/state", topics.LATCHED)
        self._services = [
            node.create_service(Trigger, "~/start", self._start),
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
        response.message = self._why_inactive()
        if not response.message:
            begun: list[bool] = []
            decided = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(begun, decided), name="continuous picking"
            )
            self._thread.start()
            decided.wait()
            response.success = begun[0]
            response.message = "picking" if begun[0] else "the arm is at work; stop it first"
        return response

    def _stop(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
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
        with activity.claim() as mine:
            begun.append(mine)
            decided.set()
            if mine:
                self._state.publish(String(data="picking"))
                ending = pick_continuously(session.picker, self._config, activity.begin, self._tell)
                self._announce(ending)

    def _tell(self, report: PickReport) -> None:
        """Pass on a report; raises AttemptLogError while attempts cannot be recorded."""
        self._session.tell(report)
        if problem := self._session.record.why_not():
            raise AttemptLogError(problem)

    def _announce(self, ending: Ending) -> None:
        text = f"{ending.end}: {ending.detail}"
        if ending.end in (End.FAULT, End.FAILURES):
            self._node.get_logger().error(f"picking ended: {text}")
        else:
            self._node.get_logger().info(f"picking ended: {text}")
        self._state.publish(String(data=text))
