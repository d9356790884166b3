"""The parameters of the affordance node."""

from dataclasses import dataclass, field
from typing import ClassVar

from grasp_affordance.affordance.shipped import shipped_weights
from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.affordance.explorer import ExplorerConfig
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.suction import Source


@dataclass(frozen=True)
class AffordanceNodeConfig:
    """What is evaluated, with what, and how it is shown.

    Attributes:
        cell: file of the cell's description, or the name of one that comes with the package; empty
            where nothing is known of the cell, such as its bin.
        checkpoint: weights to serve from the start; empty for those that are shipped with the
            package, if any, and else for the analytic prior.
        from_scratch: serve the prior at first even where weights are shipped.
        view_rate: pictures are refreshed at most this often, Hz.
        cloud_stride: keep every n-th row and column in the coloured cloud.
        explorer: how it explores while a trainer asks for it.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "cell",
        "checkpoint",
        "from_scratch",
        "view_rate",
        "cloud_stride",
        "explorer.decision.novelty",
    )

    cell: FilePath = ""
    checkpoint: FilePath = ""
    from_scratch: bool = False
    view_rate: float = 5.0
    cloud_stride: int = 2
    explorer: ExplorerConfig = field(default_factory=ExplorerConfig)

    def __post_init__(self) -> None:
        if not (0 < self.view_rate <= 100 and self.cloud_stride >= 1):
            raise ConfigError(f"view_rate {self.view_rate} Hz, cloud_stride {self.cloud_stride}")

    def first_weights(self, source: Source) -> str:
        """Return the path of the weights to begin with; empty for the prior.

        Args:
            source: what the cell's description wants to be served.
        """
        if self.checkpoint or self.from_scratch or source is Source.PRIOR:
            return self.checkpoint
        return str(shipped_weights() or "")
