"""The parameters of the affordance node."""

from dataclasses import dataclass, field

from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.affordance.shipped import shipped_weights
from grasp_affordance.errors import ConfigError
from grasp_affordance.ros.affordance.bin_view import BinConfig
from grasp_affordance.ros.affordance.explorer import ExplorerConfig
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.ros.common.frame_source import FrameSourceConfig
from grasp_affordance.ros.common.transforms import CameraPoseConfig
from grasp_affordance.suction import Source


@dataclass(frozen=True)
class AffordanceNodeConfig:
    """What is evaluated, with what, and how it is shown.

    Attributes:
        checkpoint: weights to serve from the start; empty for those that are shipped with the
            package, if any, and else for the analytic prior.
        from_scratch: serve the prior at first even where weights are shipped.
        view_rate: pictures are refreshed at most this often, Hz.
        cloud_stride: keep every n-th row and column in the coloured cloud.
        predictor: its `source` serves as soon as there is a model, until then the prior does.
            `candidates.min_probability` is the success rate that is expected at least of every
            point that is offered; below it the node abstains and says so.
        explorer: how it explores while a trainer asks for it.
        frames: the camera's topics and which frames are good enough.
        camera_pose: where the camera is in the base frame.
        bin: where the bin is.
    """

    checkpoint: FilePath = ""
    from_scratch: bool = False
    view_rate: float = 5.0
    cloud_stride: int = 2
    predictor: PredictorConfig = field(
        default_factory=lambda: PredictorConfig(source=Source.LEARNED)
    )
    explorer: ExplorerConfig = field(default_factory=ExplorerConfig)
    frames: FrameSourceConfig = field(default_factory=FrameSourceConfig)
    camera_pose: CameraPoseConfig = field(default_factory=CameraPoseConfig)
    bin: BinConfig = field(default_factory=BinConfig)

    def __post_init__(self) -> None:
        if not (0 < self.view_rate <= 100 and self.cloud_stride >= 1):
            raise ConfigError(f"view_rate {self.view_rate} Hz, cloud_stride {self.cloud_stride}")

    @property
    def first_weights(self) -> str:
        """Path of the weights to begin with; empty for the prior."""
        if self.checkpoint or self.from_scratch or self.predictor.source is Source.PRIOR:
            return self.checkpoint
        return str(shipped_weights() or "")
