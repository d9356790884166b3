"""The compact network: an ensemble of small convolutional networks over `features.CHANNELS`.

The members are independent (grouped convolutions, one pass computes all). Their mean is the
prediction, their spread says how much is not known yet. It has a few tens of thousands of weights,
learns from tens of attempts, and answers in tens of milliseconds on a CPU.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_affordance.affordance.features import CHANNELS
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class CompactConfig:
    """Shape of the compact network.

    Attributes:
        members: independent networks in the ensemble.
        width: channels of each member's hidden layers.
        dilations: of the 3x3 convolutions, in order; they set the receptive field.
        resolution: metres per cell of the grid it works on.
        cup_radius: metres; the unit of length of its features.
        use_prior: start from the analytic seal prior, as an offset of the logit.
        use_color: whether the color channels are seen.
    """

    members: int = 5
    width: int = 16
    dilations: tuple[int, ...] = (1, 2, 4)
    resolution: float = 0.0025
    cup_radius: float = 0.010
    use_prior: bool = True
    use_color: bool = True

    def __post_init__(self) -> None:
        if self.members < 1 or self.width < 1 or not self.dilations:
            raise ConfigError("a compact network needs members, width and dilations")
        if not (0 < self.resolution <= self.cup_radius):
            raise ConfigError(
                f"resolution {self.resolution} m must be positive and no coarser than the cup's "
                f"radius {self.cup_radius} m"
            )

    @property
    def reach(self) -> int:
        """Cells that the receptive field extends beyond the predicted cell."""
        return sum(self.dilations)


class CompactNetwork(nn.Module):
    """Logits of success of every member at every cell."""

    def __init__(self, config: CompactConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        m, w = config.members, config.width
        self.stem = nn.Conv2d(len(CHANNELS), m * w, 1)
        self.layers = nn.ModuleList(
            nn.Conv2d(m * w, m * w, 3, dilation=d, groups=m) for d in config.dilations
        )
        self.head = nn.Conv2d(m * w, m, 1, groups=m)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, features: Tensor, prior_logit: Tensor) -> Tensor:
        """Return logits (B, members, h, w) for the cells at least `reach` from the border.

        Args:
            features: (B, len(CHANNELS), h + 2 reach, w + 2 reach).
            prior_logit: (B, 1, h, w); zeros without prior.
        """
        if not self.config.use_color:
            features = torch.cat([features[:, :-6], torch.zeros_like(features[:, -6:])], dim=1)
        x = functional.relu(self.stem(features))
        for layer, dilation in zip(self.layers, self.config.dilations, strict=True):
            x = functional.relu(layer(x)) + x[..., dilation:-dilation, dilation:-dilation]
        return self.head(x) + prior_logit

    def forward_map(self, features: Tensor, prior_logit: Tensor) -> Tensor:
        """Return logits (members, rows, columns) of a whole feature map (channels, rows, columns).

        Args:
            prior_logit: (rows, columns).
        """
        reach = self.config.reach
        padded = functional.pad(features[None], (reach,) * 4, mode="replicate")
        return self.forward(padded, prior_logit[None, None])[0]
