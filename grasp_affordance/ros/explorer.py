"""Whether a request is answered with points to learn from; the trainer says how often."""

from dataclasses import dataclass

import numpy as np
from grasp_affordance_interfaces.msg import TrainerStatus
from rclpy.node import Node

from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.exploring import Exploration, explore
from grasp_affordance.errors import ConfigError
from grasp_affordance.grasp import Selection
from grasp_affordance.learning.exploration import explores
from grasp_affordance.ros import topics
from grasp_affordance.ros.judge import Verdict
from grasp_affordance.ros.model_slot import ModelSlot


@dataclass(frozen=True)
class ExplorerConfig:
    """How the affordance node explores on behalf of the trainer.

    Attributes:
        trainer_node: name of the node whose status says how often; while it is not there, never.
        kind: what is offered then.
        seed: of the draws.
    """

    trainer_node: str = "trainer_node"
    kind: Exploration = Exploration.MEMBER
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"exploration seed {self.seed} is negative")


class Explorer:
    """Answers some requests with exploratory points."""

    def __init__(self, node: Node, config: ExplorerConfig, slot: ModelSlot) -> None:
        self._node, self._config, self._slot = node, config, slot
        self._topic = f"{config.trainer_node}/status"
        self._probability, self._asked = 0.0, 0
        self._subscription = node.create_subscription(
            TrainerStatus, self._topic, self._hear, topics.LATCHED
        )

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def select(self, verdict: Verdict, config: CandidateConfig) -> Selection:
        """Return the points of a judged frame, or exploratory ones instead."""
        number, self._asked = self._asked, self._asked + 1
        selection = verdict.prediction.selection
        probability = self._probability if self._node.count_publishers(self._topic) else 0.0
        seed = self._config.seed
        if not explores(probability, seed, number):
            return selection
        rng = np.random.default_rng([seed, 13, number])
        found = explore(
            verdict.frame, verdict.prediction, self._slot.model, self._config.kind, rng, config
        )
        return found if found.points else selection

    def _hear(self, status: TrainerStatus) -> None:
        self._probability = float(status.exploration)
