"""The parameters of the affordance node."""

from dataclasses import dataclass, field

from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.grasp import Source
from grasp_affordance.ros.bin_view import BinConfig
from grasp_affordance.ros.frame_source import FrameSourceConfig
from grasp_affordance.ros.transforms import CameraPoseConfig


@dataclass(frozen=True)
class AffordanceNodeConfig:
    """What is judged, with what, and how it is shown.

    Attributes:
        checkpoint: weights to serve from the start; empty for the analytic prior.
        view_rate: pictures are refreshed at most this often, Hz.
        cloud_stride: keep every n-th row and column in the coloured cloud.
        predictor: its `source` serves as soon as there is a model, until then the prior does.
        frames: the camera's topics and which frames are good enough.
        camera_pose: where the camera is in the base frame.
        bin: where the bin is.
    """

    checkpoint: str = ""
    view_rate: float = 5.0
    cloud_stride: int = 2
    predictor: PredictorConfig = field(
        default_factory=lambda: PredictorConfig(source=Source.LEARNED)
    )
    frames: FrameSourceConfig = field(default_factory=FrameSourceConfig)
    camera_pose: CameraPoseConfig = field(default_factory=CameraPoseConfig)
    bin: BinConfig = field(default_factory=BinConfig)

    def __post_init__(self) -> None:
        if not (0 < self.view_rate <= 100 and self.cloud_stride >= 1):
            raise ConfigError(f"view_rate {self.view_rate} Hz, cloud_stride {self.cloud_stride}")
