"""The picks between a configure and a cleanup: who does them, and who is told."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from grasp_affordance_interfaces.msg import PickResult
from std_srvs.srv import Trigger

from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.calibration.drift import DriftConfig, DriftMonitor
from grasp_affordance.execution.activity import Activity
from grasp_affordance.execution.picker import Picker, PickReport
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.learning.log.pick_labelling import count_picks
from grasp_affordance.ros.common.diagnostics import ERROR, OK, Diagnostics
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.executor.pick_messages import to_pick_result_msg
from grasp_affordance.ros.executor.pick_record import PickRecord


class DriftWatch:
    """Watches the calibration while picking: drift goes to diagnostics, an alarm stops picking.

    It takes the heights of every pick; configuring the node anew starts over.
    """

    def __init__(self, config: DriftConfig, diagnostics: Diagnostics) -> None:
        self._monitor = DriftMonitor(config)
        self._diagnostics = diagnostics
        self._alarm = ""

    def note(self, predicted: float, sensed: float) -> None:
        """Take the predicted and the sensed height of a contact, base frame, metres."""
        self._monitor.note(predicted, sensed)
        drift = self._monitor.estimate()
        self._alarm = drift.alarm
        self._diagnostics.set(
            "calibration",
            ERROR if drift.alarm else OK,
            drift.alarm or "contacts are where they are predicted",
            {
                "contacts": drift.contacts,
                "offset_mm": round(drift.offset * 1000, 2),
                "spread_mm": round(drift.spread * 1000, 2),
            },
        )

    def blocking_reason(self) -> str:
        """Return why nothing may be picked; empty while the calibration holds."""
        return f"the calibration is in doubt: {self._alarm}" if self._alarm else ""


class PickSession:
    """Publishes `~/pick_result` for each attempt, and serves `~/new_bin` and `~/new_container`.

    Another bin stands there: what failed in the one before is forgotten. That is for clients of
    `~/pick`: who picks continuously starts anew with each bin anyway. It is refused while the arm
    is at work: a pick under way still belongs to the bin before.

    `~/new_container` says that the container is empty: all places of the pattern are free. Until
    somebody has called it, nothing is put into a pattern.

    Attributes:
        picker: carries out the picks.
        activity: who may move the arm.
        name: identifies the session in every result.
        base_frame_id: name of the robot's base frame.
        record: where attempts are kept.
        drift: watches the calibration.
    """

    def __init__(
        self,
        node: ManagedNode[Any],
        picker: Picker,
        activity: Activity,
        base_frame_id: str,
        record: PickRecord,
        drift: DriftWatch,
    ) -> None:
        self.picker = picker
        self.activity = activity
        self.name = uuid.uuid4().hex[:12]
        self.base_frame_id = base_frame_id
        self._node = node
        self.record = record
        self.drift = drift
        self._counts: Counter[str] = Counter()
        self._publisher = node.create_lifecycle_publisher(PickResult, "~/pick_result", 10)
        self._services = [
            node.create_service(Trigger, "~/new_bin", self._forget),
            node.create_service(Trigger, "~/new_container", self._empty),
        ]

    def publish(self, report: PickReport) -> PickResult:
        """Record, publish and log what became of a pick; return the message, empty without one.

        An attempt that cannot be recorded is published all the same; `record.blocking_reason` says
        so.
        """
        if report.attempt is None:
            if report.message and report.asked_to_end:
                self._node.get_logger().info(f"no pick: {report.message}")
            elif report.message:
                self._node.get_logger().warning(f"no pick: {report.message}")
            return PickResult()
        attempt = report.attempt
        text = f"pick {attempt.index}: {attempt.outcome} {attempt.detail}".rstrip()
        if attempt.outcome is Outcome.ABORTED and not report.asked_to_end:
            self._node.get_logger().error(f"{text} ({attempt.cause})")
        else:
            self._node.get_logger().info(text)
        message = to_pick_result_msg(attempt, self.base_frame_id, self.name)
        try:
            message.record = self.record.append(attempt)
        except AttemptLogError as error:
            self._node.get_logger().error(f"{type(error).__name__}: {error}")
        self._publisher.publish(message)
        self._count(attempt)
        self.drift.note(message.predicted_height, message.contact_height)
        return message

    def _forget(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._at_rest(self.picker.memory.clear, "bin", response)

    def _empty(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._at_rest(self.picker.placing.begin_anew, "container", response)

    def _at_rest(
        self, change: Callable[[], None], what: str, response: Trigger.Response
    ) -> Trigger.Response:
        """Change something between two picks; refuse it while the arm is at work."""
        with self.activity.acquire() as acquired:
            if acquired:
                change()
        response.success = acquired
        refused = f"the arm is at work; announce the {what} when it rests"
        response.message = "" if acquired else refused
        return response

    def _count(self, attempt: GraspAttempt) -> None:
        """Tell in the diagnostics what the picks have done to the bin so far."""
        self._counts += count_picks([attempt])
        events = ", ".join(f"{count} {event}" for event, count in sorted(self._counts.items()))
        placed = {"in_the_container": self.picker.placing.count or 0}
        self._node.diagnostics.set("picks", OK, events, {**self._counts, **placed})

    def close(self) -> None:
        """Remove the publisher and the service from the node."""
        for service in self._services:
            self._node.destroy_service(service)
        self._node.destroy_lifecycle_publisher(self._publisher)
