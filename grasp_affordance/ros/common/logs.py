"""Core code logs with `logging`; this brings it to `/rosout`."""

import logging

from rclpy.node import Node


class RosoutHandler(logging.Handler):
    """Hands the records of the package's loggers to a node's logger."""

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
