"""The compact network: an ensemble of small convolutional networks over `features.CHANNELS`.

The members are independent (grouped convolutions, one pass computes all). Their mean is the
prediction, their spread says how much is not known yet. It has a few tens of thousands of weights,
learns from tens of attempts, and answers in tens of milliseconds on a CPU.
"""

from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_affordance.affordance.network.features import CHANNELS, MARKINGS, SEGMENTS, SHAPE_COUNT
from grasp_affordance.arrays import Window
from grasp_affordance.errors import ConfigError

_HUMILITY = 0.1  # of the random head at first
_ROUND = 16  # cells: maps are computed in multiples of it


@dataclass(frozen=True)
class CompactConfig:
    """Shape of the compact network.

    Attributes:
        members: independent networks in the ensemble.
        width: channels of each member's hidden layers.
        dilations: of the 3x3 convolutions, in order, from 1, each a multiple of the one before;
            they set the receptive field.
        resolution: metres per cell of the grid it works on.
        cup_radius: metres; the unit of length of its features.
        use_prior: start from the analytic seal prior, as an offset of the logit.
        prior_trust: factor on the prior's logit at first; learned from then on. Below 1 the first
            order of points is the prior's all the same and evidence overrules it sooner, but what
            the prior says of places unlike those that were picked is lost.
        use_color: whether the color channels are seen.
        use_segments: whether the channels are seen that tell of whole segments of surface.
        use_markings: whether the channels of color are seen that do.
    """

    members: int = 5
    width: int = 16
    dilations: tuple[int, ...] = (1, 2, 4, 8)
    resolution: float = 0.0025
    cup_radius: float = 0.010
    use_prior: bool = True
    prior_trust: float = 1.0
    use_color: bool = True
    use_segments: bool = True
    use_markings: bool = True

    def __post_init__(self) -> None:
        if self.members < 1 or self.width < 1 or not self.dilations:
            raise ConfigError("a compact network needs members, width and dilations")
        steps = pairwise(self.dilations)
        if self.dilations[0] != 1 or any(later % earlier for earlier, later in steps):
            raise ConfigError(f"dilations {self.dilations}: from 1, each a multiple of the last")
        if not (0 < self.resolution <= self.cup_radius):
            raise ConfigError(
                f"resolution {self.resolution} m must be positive and no coarser than the cup's "
                f"radius {self.cup_radius} m"
            )

    @property
    def reach(self) -> int:
        """Cells that the receptive field extends beyond the predicted cell."""
        return sum(self.dilations)

    def seeing(self, other: Self) -> Self:
        """Return this with the channels besides that another configuration sees.

        A network's weights do the same there: what it has not seen has no weight yet.
        """
        return replace(
            self,
            use_color=self.use_color or other.use_color,
            use_segments=self.use_segments or other.use_segments,
            use_markings=self.use_markings or other.use_markings,
        )


class CompactNetwork(nn.Module):
    """Logits of success of every member at every cell."""

    def __init__(self, config: CompactConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.layout = torch.contiguous_format
        channels = range(len(CHANNELS))
        self._unseen: list[int] = []
        if not config.use_color:
            self._unseen += channels[SHAPE_COUNT:]
        if not config.use_segments:
            self._unseen += channels[SEGMENTS]
        if not config.use_markings:
            self._unseen += channels[MARKINGS]
        m, w = config.members, config.width
        self.stem = nn.Conv2d(len(CHANNELS), m * w, 1)
        self.layers = nn.ModuleList(
            nn.Conv2d(m * w, m * w, 3, dilation=d, groups=m) for d in config.dilations
        )
        self.head = nn.Conv2d(m * w, m, 1, groups=m)
        self.trust = nn.Parameter(torch.full((m, 1, 1), config.prior_trust))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        with torch.no_grad():  # the first order of points is the prior's, or nearly a lottery
            self.head.weight.mul_(_HUMILITY)
        self.forget_unseen()

    def laid_out(self, layout: torch.memory_format) -> Self:
        """Return this with weights and maps in another order in memory, for speed alone."""
        self.layout = layout
        return self.to(memory_format=layout)

    @torch.no_grad()
    def forget_unseen(self) -> None:
        """Give channels that are not seen no weight.

        Learning never moves it: who looks at them later begins where this network ended.
        """
        self.stem.weight[:, self._unseen] = 0

    def forward(self, features: Tensor, prior_logit: Tensor) -> Tensor:
        """Return logits (B, members, h, w) for the cells at least `reach` from the border.

        Args:
            features: (B, len(CHANNELS), h + 2 reach, w + 2 reach).
            prior_logit: (B, 1, h, w); zeros without prior.
        """
        x = self._stem(features)
        for layer, dilation in zip(self.layers, self.config.dilations, strict=True):
            inner = x[..., dilation:-dilation, dilation:-dilation]
            x = functional.relu_(layer(x))
            x = x + inner if torch.is_grad_enabled() else x.add_(inner)
        return self._logits(x, prior_logit)

    def forward_cells(self, patches: Tensor, prior_logit: Tensor) -> Tensor:
        """Return logits (B, members) of the cells in the middle of patches; what `forward` returns.

        Of each layer only the cells are computed that the one in the middle depends on: they lie as
        far apart as the next layer's dilation, so that every layer becomes a plain convolution
        with a stride, at a fraction of the cost.

        Args:
            patches: (B, len(CHANNELS), 2 reach + 1, 2 reach + 1).
            prior_logit: (B,).
        """
        dilations = (*self.config.dilations, self.config.dilations[-1])
        strides = [after // d for d, after in pairwise(dilations)]
        halved = strides[0] == 2
        x = self._halved(patches) if halved else self._stem(patches)
        for layer, stride in list(zip(self.layers, strides, strict=True))[halved:]:
            assert isinstance(layer, nn.Conv2d)
            y = functional.conv2d(x, layer.weight, layer.bias, stride=stride, groups=layer.groups)
            x = functional.relu_(y) + x[..., 1:-1:stride, 1:-1:stride]
        return self._logits(x, prior_logit[:, None, None, None])[..., 0, 0]

    def _halved(self, patches: Tensor) -> Tensor:
        """Return what the stem and a first layer with a stride of 2 make of patches.

        The convolution is the sum of four without a stride, each over every other row and column:
        on a CPU, the gradient of one with a stride costs twice as much as all of these.
        """
        first = self.layers[0]
        assert isinstance(first, nn.Conv2d)
        parts: list[Tensor] = []
        for row, column in product((0, 1), repeat=2):
            x = self._stem(patches[..., row::2, column::2])
            weight, bias = first.weight[..., row::2, column::2], None if parts else first.bias
            parts.append(functional.conv2d(x, weight, bias, groups=first.groups))
        y = sum(parts[1:], parts[0])
        return functional.relu_(y) + x  # the last are the odd rows and columns: the middles

    def _stem(self, features: Tensor) -> Tensor:
        if self._unseen and torch.is_grad_enabled():  # they have no weight, and shall get none
            features = features.clone()
            features[:, self._unseen] = 0
        stemmed: Tensor = self.stem(features)
        return functional.relu_(stemmed)

    def _logits(self, hidden: Tensor, prior_logit: Tensor) -> Tensor:
        logits: Tensor = self.head(hidden) + self.trust * prior_logit
        return logits

    def forward_map(
        self, features: Tensor, prior_logit: Tensor, window: Window | None = None
    ) -> Tensor:
        """Return logits (members, rows, columns) of a whole feature map (channels, rows, columns).

        Args:
            prior_logit: (rows, columns).
            window: rows and columns that are wanted; those of the whole map by default.
        """
        shape = prior_logit.shape
        rows, columns = window or (slice(0, shape[0]), slice(0, shape[1]))
        height, width = rows.stop - rows.start, columns.stop - columns.start
        reach = self.config.reach
        # Few shapes: PyTorch prepares, and keeps, code for every one that it meets.
        down, right = height + -height % _ROUND, width + -width % _ROUND
        seen = _around(
            features,
            (rows.start - reach, rows.start + down + reach),
            (columns.start - reach, columns.start + right + reach),
        )
        prior = _around(
            prior_logit[None],
            (rows.start, rows.start + down),
            (columns.start, columns.start + right),
        )
        seen = seen[None].contiguous(memory_format=self.layout)
        return self.forward(seen, prior[None])[0, :, :height, :width]


def _around(maps: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """Return rows and columns (first, last + 1) of maps (N, h, w); beyond, the nearest cell.

    Only what is missing is made up: a copy of everything takes longer than a layer.
    """
    height, width = maps.shape[-2:]
    inside = maps[
        :, max(rows[0], 0) : min(rows[1], height), max(columns[0], 0) : min(columns[1], width)
    ]
    missing = (
        max(-columns[0], 0),
        max(columns[1] - width, 0),
        max(-rows[0], 0),
        max(rows[1] - height, 0),
    )
    if not any(missing):
        return inside
    return functional.pad(inside[None], missing, mode="replicate")[0]
