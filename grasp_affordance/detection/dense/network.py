"""The default detector's network: small, fully convolutional, four pixels per output cell."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_affordance.detection.dense.input import Inputs
from grasp_affordance.errors import ConfigError

STRIDE = 4  # pixels per output cell
MULTIPLE = 16  # sides of the input are multiples of this
OUTPUTS = 6  # logit; offset u, v; sin 2 theta, cos 2 theta; log h


@dataclass(frozen=True)
class DenseConfig:
    """Of the network and its view.

    Attributes:
        resolution: metres per pixel at the view's median depth; frames are resampled to it.
        crop: side of the square views that it is trained on, pixels.
        widths: channels at strides 2, 4, 8 and 16.
        inputs: relief and color, or one of them.
    """

    resolution: float = 0.002
    crop: int = 256
    widths: tuple[int, int, int, int] = (16, 32, 48, 64)
    inputs: Inputs = Inputs.RGBD

    def __post_init__(self) -> None:
        if self.resolution <= 0 or self.crop < MULTIPLE or self.crop % MULTIPLE:
            raise ConfigError(f"dense detector: crop must be a multiple of {MULTIPLE}")
        if len(self.widths) != 4 or min(self.widths) < 1:
            raise ConfigError("dense detector: widths are four positive numbers of channels")


class DenseNetwork(nn.Module):
    """Maps an image (N, C, H, W) to a grid (N, OUTPUTS, H / 4, W / 4)."""

    def __init__(self, config: DenseConfig) -> None:
        super().__init__()
        c2, c4, c8, c16 = config.widths
        self.stem = _convolution(config.inputs.channels, c2, stride=2)
        self.down4 = nn.Sequential(_convolution(c2, c4, stride=2), _Residual(c4))
        self.down8 = nn.Sequential(_convolution(c4, c8, stride=2), _Residual(c8))
        self.down16 = nn.Sequential(
            _convolution(c8, c16, stride=2), _Residual(c16), _Residual(c16, dilation=2)
        )
        self.lateral16 = nn.Conv2d(c16, c8, 1)
        self.lateral8 = nn.Conv2d(c8, c4, 1)
        self.merge8 = _Residual(c8)
        self.merge4 = _Residual(c4)
        self.head = nn.Sequential(_convolution(c4, c4), nn.Conv2d(c4, OUTPUTS, 1))
        last = self.head[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            last.weight.mul_(0.1)
            last.bias.zero_()
            last.bias[0] = -3.0  # grasps are rare (Lin et al. 2017, focal loss, section 4.1)
            last.bias[5] = 3.0  # of about exp(3) pixels

    def forward(self, images: Tensor) -> Tensor:
        """Return raw outputs; see OUTPUTS."""
        x4 = self.down4(self.stem(images))
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x8 = self.merge8(x8 + _twice(self.lateral16(x16)))
        x4 = self.merge4(x4 + _twice(self.lateral8(x8)))
        return self.head(x4)


class _Residual(nn.Module):
    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, dilation=dilation)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


def _convolution(before: int, after: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")
