"""What a node knows about its own health, on `/diagnostics` and, when it changes, on `/rosout`."""

import re
from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from grasp_affordance.ros.common.freshness import steady_clock

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class Diagnostics:
    """Named statuses of one node, published every `period` seconds."""

    def __init__(self, node: Node, period: float = 1.0) -> None:
        self._node = node
        self._statuses: dict[str, DiagnosticStatus] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = node.create_timer(period, self.publish, clock=steady_clock())

    def set(
        self,
        name: str,
        level: bytes,
        message: str,
        values: Mapping[str, object] | None = None,
    ) -> None:
        """Replace one status; a new message is also logged, once: new numbers in it are no news.

        Args:
            name: of the thing evaluated, for example "camera".
            level: OK, WARN or ERROR.
            message: what is wrong and what to do, or that all is well.
            values: measurements to show beside it.
        """
        before = self._statuses.get(name)
        node_name = self._node.get_fully_qualified_name()
        self._statuses[name] = DiagnosticStatus(
            level=level,
            name=f"{node_name}: {name}",
            message=message,
            hardware_id=node_name,
            values=[KeyValue(key=k, value=str(v)) for k, v in (values or {}).items()],
        )
        if before is None or (before.level, _words(before.message)) != (level, _words(message)):
            self._log(level, f"{name}: {message}", recovered=before is not None)

    def level(self, name: str) -> bytes | None:
        """Return the last level of a status; None if it was never set."""
        return self._statuses[name].level if name in self._statuses else None

    def publish(self) -> None:
        """Publish all statuses now."""
        stamp = self._node.get_clock().now().to_msg()
        message = DiagnosticArray(status=list(self._statuses.values()))
        message.header.stamp = stamp
        self._publisher.publish(message)

    def _log(self, level: bytes, text: str, recovered: bool) -> None:
        logger = self._node.get_logger()
        if level == OK:
            if recovered:
                logger.info(text)
        elif level == WARN:
            logger.warning(text)
        else:
            logger.error(text)


def _words(message: str) -> str:
    """Return a message without its numbers."""
    return re.sub(r"[\d.]+", "", message)
