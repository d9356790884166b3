"""The frozen ResNet whose feature maps both streams use."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

import torch
import torchvision
from torch import Tensor, nn

from grasp_affordance.affordance.network.checkpoint import state_digest

COARSEST_STRIDE = 32  # network pixels per pixel of the last scale


class Backbone(StrEnum):
    """Depth of the residual network."""

    RESNET18 = "resnet18"
    RESNET34 = "resnet34"
    RESNET50 = "resnet50"


class Encoder(nn.Module):
    """ResNet (He et al. 2016) without its classifier, frozen for good.

    Parameters take no gradient and batch normalisation keeps its statistics, whatever mode the
    module around it is in. Names of parameters are torchvision's.
    """

    def __init__(
        self, backbone: Backbone, state: Mapping[str, Tensor], *, obtainable: bool = False
    ) -> None:
        """Build the encoder.

        Args:
            backbone: which ResNet.
            state: every parameter and buffer, as `encoder_weights` returns them.
            obtainable: whether `encoder_weights` gives the same weights again from the network's
                configuration, so that a checkpoint need not hold them.
        """
        super().__init__()
        self.backbone = backbone
        self.obtainable = obtainable
        with torch.device("meta"):  # no memory and no random numbers for weights to be replaced
            resnet = torchvision.models.get_model(backbone, weights=None)
        self.conv1, self.bn1, self.relu = resnet.conv1, resnet.bn1, resnet.relu
        self.maxpool = resnet.maxpool
        self.layer1, self.layer2 = resnet.layer1, resnet.layer2
        self.layer3, self.layer4 = resnet.layer3, resnet.layer4
        self.load_state_dict(dict(state), strict=True, assign=True)
        self.requires_grad_(False)
        self.train(False)
        self._digest = ""

    @property
    def channels(self) -> tuple[int, int, int, int]:
        """Channels of the feature maps of strides 4, 8, 16, 32."""
        expansion = 4 if self.backbone == Backbone.RESNET50 else 1
        return 64 * expansion, 128 * expansion, 256 * expansion, 512 * expansion

    def digest(self) -> str:
        """Return the `state_digest` of its weights, which never change: computed once."""
        if not self._digest:
            self._digest = state_digest(self.state_dict())
        return self._digest

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: batch-norm statistics are part of what is frozen."""
        del mode
        return super().train(False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return four feature maps of images (N, 3, H, W): (N, C, H/s, W/s), s = 4, 8, 16, 32.

        H and W are multiples of 32. No gradient is recorded.
        """
        with torch.no_grad():
            x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
            maps = []
            for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
                x = layer(x)
                maps.append(x)
        return tuple(maps)
