"""The picks between a configure and a cleanup: who does them, and who is told."""

import uuid
from collections import Counter
from typing import Any

from grasp_affordance_interfaces.msg import PickResult

from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.execution.activity import Activity
from grasp_affordance.execution.picker import Picker, PickReport
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.learning.log.pick_labelling import count_picks
from grasp_affordance.ros.common.diagnostics import OK
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.executor.drift_watch import DriftWatch
from grasp_affordance.ros.executor.pick_messages import to_pick_result_msg
from grasp_affordance.ros.executor.pick_record import PickRecord


class PickSession:
    """Publishes `~/pick_result` for each attempt.

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

    def _count(self, attempt: GraspAttempt) -> None:
        """Tell in the diagnostics what the picks have done to the bin so far."""
        self._counts += count_picks([attempt])
        events = ", ".join(f"{count} {event}" for event, count in sorted(self._counts.items()))
        self._node.diagnostics.set("picks", OK, events, self._counts)

    def close(self) -> None:
        """Remove the publisher from the node."""
        self._node.destroy_lifecycle_publisher(self._publisher)
