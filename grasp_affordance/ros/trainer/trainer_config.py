"""The parameters of the trainer node."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from grasp_affordance.affordance.shipped import shipped_weights
from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.exploration import ExplorationSchedule
from grasp_affordance.learning.trainer import TrainerConfig
from grasp_affordance.ros.common.config_values import FilePath


@dataclass(frozen=True)
class TrainerNodeConfig:
    """What is learned from, and how.

    Attributes:
        cell: file of the cell's description, or the name of one that comes with the package, in
            which the weights will serve; a log of another cell is refused. Empty: what the log says
            is not compared with anything.
        directory: folder of the executor's attempt log (its parameter `record.directory`).
        weights: folder of weights and state; empty for `weights` inside of `directory`.
        initial: checkpoint of a compact network to begin with; empty for the one that is shipped
            with the package, if any.
        from_scratch: begin with random weights even where some are shipped.
        executor_node: name of the node whose results announce new attempts.
        poll: seconds between looks at the log where no result announces one.
        retry: seconds from an error, such as a full disk, to the next try.
        threads: of the processor that training may use.
        niceness: by which training yields to everything else, 0 (not at all) to 19.
        exploration: how often the affordance node offers points to learn from; never by default,
            because every pick teaches.
        trainer: how is learned; the cup of its network is the cell's.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "cell",
        "directory",
        "weights",
        "initial",
        "from_scratch",
        "threads",
        "niceness",
        "exploration.start",
        "exploration.decay",
        "trainer.learner.network.use_prior",
        "trainer.learner.seed",
    )

    cell: FilePath = ""
    directory: FilePath = ""
    weights: FilePath = ""
    initial: FilePath = ""
    from_scratch: bool = False
    executor_node: str = "executor_node"
    poll: float = 1.0
    retry: float = 10.0
    threads: int = 1
    niceness: int = 10
    exploration: ExplorationSchedule = field(default_factory=lambda: ExplorationSchedule(start=0.0))
    trainer: TrainerConfig = field(default_factory=TrainerConfig)

    def __post_init__(self) -> None:
        if not (self.poll > 0 and self.retry > 0):
            raise ConfigError("poll and retry must be positive seconds")
        if not (self.threads >= 1 and 0 <= self.niceness <= 19):
            raise ConfigError("threads must be at least 1, niceness in 0..19")

    @property
    def folder(self) -> Path:
        """Folder of weights and state.

        Raises:
            ConfigError: there is no log to learn from.
        """
        if not self.directory:
            raise ConfigError(
                "the parameter 'directory' is not set; name the folder of the executor's "
                "parameter 'record.directory'"
            )
        return Path(self.weights) if self.weights else Path(self.directory) / "weights"

    @property
    def first_weights(self) -> Path | None:
        """Weights to begin with; None for random ones."""
        if self.initial:
            return Path(self.initial)
        return None if self.from_scratch else shipped_weights()

    def learning(self, cup: Cup) -> TrainerConfig:
        """Return the trainer's configuration for a cup."""
        learner = self.trainer.learner
        network = replace(learner.network, cup_radius=cup.radius)
        return replace(self.trainer, learner=replace(learner, network=network))
