"""What the affordance node knows of the learner: the trainer's status says how it stands."""

from dataclasses import dataclass, field

from grasp_affordance_interfaces.msg import TrainerStatus
from rclpy.node import Node

from grasp_affordance.learning.decision import DecisionConfig, History
from grasp_affordance.ros.common import topics


@dataclass(frozen=True)
class ExplorerConfig:
    """How the affordance node explores on behalf of the trainer.

    Attributes:
        trainer_node: name of the node whose status says how often; while it is not there, never.
        decision: what is tried besides the best point.
    """

    trainer_node: str = "trainer_node"
    decision: DecisionConfig = field(default_factory=DecisionConfig)


class Explorer:
    """Listens to the trainer."""

    def __init__(self, node: Node, config: ExplorerConfig) -> None:
        self._node = node
        self._topic = f"{config.trainer_node}/status"
        self._status: TrainerStatus | None = None
        self._subscription = node.create_subscription(
            TrainerStatus, self._topic, self._hear, topics.LATCHED
        )

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    @property
    def history(self) -> History | None:
        """What the learner has done so far; None where nobody would learn from a pick now."""
        status = self._status
        if status is None or status.paused or not self._node.count_publishers(self._topic):
            return None
        return History(status.consumed, status.successes, status.exploration)

    def _hear(self, status: TrainerStatus) -> None:
        self._status = status
