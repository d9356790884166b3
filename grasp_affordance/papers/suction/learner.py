"""The suction paper's learner, faithfully: Algorithm 1's `train` step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from grasp_affordance.affordance.network.device import usable_device
from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.suction.augmentation import augmented
from grasp_affordance.papers.suction.cells import Window
from grasp_affordance.papers.suction.inputs import stream_images, window_tensor
from grasp_affordance.papers.suction.loss import executed_pixel_loss
from grasp_affordance.papers.suction.network import AffordanceNetwork, NetworkConfig
from grasp_affordance.papers.suction.patches import PATCH_CELLS
from grasp_affordance.papers.suction.resnet_model import Features, tile_at
from grasp_affordance.rgbd import RgbdFrame


@dataclass(frozen=True)
class SuctionPaperConfig:
    """Hyper-parameters of section IV A.

    Attributes:
        network: frozen ResNet streams and the decoder that is trained.
        learning_rate, momentum, weight_decay: of stochastic gradient descent.
        augmentation: feed the rotated, flipped and mirrored image along with the original.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    learning_rate: float = 5e-5
    momentum: float = 0.9
    weight_decay: float = 1e-4
    augmentation: bool = True

    def __post_init__(self) -> None:
        if not (self.learning_rate > 0 and 0 <= self.momentum < 1 and self.weight_decay >= 0):
            raise ConfigError("paper: learning_rate > 0, momentum in [0, 1), weight_decay >= 0")


class PaperLearner:
    """One gradient step on the executed pixel after each attempt; nothing is replayed."""

    def __init__(self, config: SuctionPaperConfig, device: str = "cpu") -> None:
        """Build the network.

        Raises:
            CheckpointError: the encoder's weights cannot be had.
            ConfigError: torch has no such device.
        """
        self.config = config
        self.device = usable_device(device)
        self.network = AffordanceNetwork(config.network).to(self.device)
        self.optimiser = torch.optim.SGD(
            self.network.decoder.parameters(),
            lr=config.learning_rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )

    def learn(
        self,
        frame: RgbdFrame,
        pixel: tuple[int, int],
        success: bool,
        region: NDArray[np.bool_] | None = None,
        seen: Mapping[Window, Features] | None = None,
    ) -> float:
        """Learn from one executed pick; return the loss before the step.

        Args:
            frame: in which the pixel (u, v) was chosen.
            region: the one given to `predict`.
            seen: features of the frame's windows that the encoder has computed already.

        Raises:
            FrameError: the pixel lies outside the region.
        """
        tile, cell = tile_at(frame.shape, pixel, region)
        streams = window_tensor(stream_images(frame, self.config.network.inputs), tile.window)
        if self.config.augmentation:
            images, cells = augmented(streams, cell, PATCH_CELLS)
        else:
            images, cells = streams[None], torch.tensor([cell])
        self.network.train()
        features = self._features(images, (seen or {}).get(tile.window))
        logits = self.network.decoder(features)
        labels = torch.full((len(cells),), float(success), device=self.device)
        loss = executed_pixel_loss(logits, cells.to(self.device), labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())

    def _features(self, images: torch.Tensor, first: Features | None) -> Features:
        """Return the features of images, of which those of the first may be known."""
        if first is None:
            return self.network.features(images.to(self.device))
        if len(images) == 1:
            return first
        others = self.network.features(images[1:].to(self.device))
        return tuple(map(torch.cat, zip(first, others, strict=True)))
