"""The trainable half: a U-Net decoder over the encoder's scales."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Decoder(nn.Module):
    """Convolutions and parameter-free twofold upsampling, from stride 32 back to stride 4.

    Each scale's maps are narrowed by a 1x1 convolution, joined with what comes up from the coarser
    scale, and mixed by two 3x3 convolutions. There is no normalisation layer: the network learns
    from one executed pixel at a time, which has no batch statistics.
    """

    def __init__(
        self, encoder_channels: Sequence[int], channels: Sequence[int], generator: torch.Generator
    ) -> None:
        """Draw Gaussian weights.

        Args:
            encoder_channels: of strides 4, 8, 16, 32, both streams together.
            channels: of the decoder at strides 32, 16, 8, 4.
            generator: source of the initial weights.
        """
        super().__init__()
        from_below = [0, *channels[:-1]]
        with torch.device("meta"):  # or torch would draw weights of its own, from the global seed
            self.narrow = nn.ModuleList(
                nn.Conv2d(wide, slim, 1)
                for wide, slim in zip(reversed(encoder_channels), channels, strict=True)
            )
            self.mix = nn.ModuleList(
                _mixing(slim + below, slim)
                for slim, below in zip(channels, from_below, strict=True)
            )
            self.head = nn.Conv2d(channels[-1], 2, 1)
        self.to_empty(device="cpu")
        self._draw(generator)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return logits (N, 2, h, w) of feature maps at strides 4, 8, 16, 32, the first (h, w)."""
        x: Tensor | None = None
        for narrow, mix, wide in zip(self.narrow, self.mix, reversed(maps), strict=True):
            slim = functional.relu(narrow(wide))
            if x is not None:
                up = functional.interpolate(x, scale_factor=2.0, mode="nearest")
                slim = torch.cat([slim, up], dim=1)
            x = mix(slim)
        return self.head(x)

    def _draw(self, generator: torch.Generator) -> None:
        """Set weights to N(0, 2 / fan-in) (He et al. 2015), biases to zero.

        The head's deviation is a tenth: at the start every pixel is undecided, near one half.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                deviation = math.sqrt(2 / module.weight[0].numel())
                deviation *= 0.1 if module is self.head else 1.0
                nn.init.normal_(module.weight, 0.0, deviation, generator=generator)
                assert module.bias is not None
                nn.init.zeros_(module.bias)


def _mixing(wide: int, slim: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(wide, slim, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(slim, slim, 3, padding=1),
        nn.ReLU(),
    )
