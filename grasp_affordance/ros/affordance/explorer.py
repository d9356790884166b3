"""Whether a request is answered with points to learn from; the trainer says how often."""

from dataclasses import dataclass, field

import numpy as np
from grasp_affordance_interfaces.msg import TrainerStatus
from rclpy.node import Node

from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.exploring import Exploration, explore
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.exploration import explores
from grasp_affordance.learning.novelty_exploration import (
    NoveltyConfig,
    NoveltyExploration,
    points_to_try,
)
from grasp_affordance.ros.affordance.detection import FrameResult, ModelSlot
from grasp_affordance.ros.common import topics
from grasp_affordance.suction import Selection, Source


@dataclass(frozen=True)
class ExplorerConfig:
    """How the affordance node explores on behalf of the trainer.

    Attributes:
        trainer_node: name of the node whose status says how often; while it is not there, never.
        kind: what is offered then.
        novelty exploration: what is offered all the same where nothing reaches the success rate
            that is asked for.
        seed: of the draws.
    """

    trainer_node: str = "trainer_node"
    kind: Exploration = Exploration.RANDOM
    novelty: NoveltyConfig = field(default_factory=NoveltyConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"exploration: seed {self.seed} is negative")


class Explorer:
    """Answers some requests with exploratory points."""

    def __init__(self, node: Node, config: ExplorerConfig, slot: ModelSlot) -> None:
        self._node, self._config, self._slot = node, config, slot
        self._topic = f"{config.trainer_node}/status"
        self._status: TrainerStatus | None = None
        self._asked = 0
        self._novelty = NoveltyExploration(config.novelty, config.seed)
        self._subscription = node.create_subscription(
            TrainerStatus, self._topic, self._hear, topics.LATCHED
        )

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def select(self, result: FrameResult, config: CandidateConfig) -> Selection:
        """Return the points of a evaluated frame, or others to learn from."""
        number, self._asked = self._asked, self._asked + 1
        selection = result.prediction.selection
        status, seed = self._status, self._config.seed
        if status is None or status.paused or not self._node.count_publishers(self._topic):
            return selection  # nobody would learn from it now
        if explores(status.exploration, seed, number):
            rng = np.random.default_rng([seed, 13, number])
            found = explore(
                result.frame, result.prediction, self._slot.model, self._config.kind, rng, config
            )
            return found if found.points else selection
        if selection.points:
            return selection
        attempts = status.attempts + status.quarantined
        what = self._novelty.tries(attempts, status.successes)
        source = Source.LEARNED if result.model_version else Source.PRIOR
        return points_to_try(
            what, result.frame, result.prediction, self._slot.model, source, config
        )

    def _hear(self, status: TrainerStatus) -> None:
        self._status = status
