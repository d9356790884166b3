"""The paper's network: two encoder streams with shared weights and a U-Net decoder."""

import copy
import hashlib
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp_affordance.affordance.network.checkpoint import state_digest
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.papers.encoder import COARSEST_STRIDE, IMAGENET, RESNET50, Encoder
from grasp_affordance.papers.suction.decoder import Decoder
from grasp_affordance.papers.suction.inputs import InputConfig, Streams

STREAMS = 2


@dataclass(frozen=True)
class NetworkConfig:
    """The network of the suction paper, section III A.

    Attributes:
        backbone: timm's name of the encoder: ResNet-50 as in the paper, or a faster one such as
            `resnet18.tv_in1k`, `tf_efficientnet_lite0`.
        weights: of the encoder: `imagenet`, the path of a state dict, or `random`; see `Encoder`.
        encoder_seed: of the encoder, only for `random`.
        decoder_channels: at strides 32, 16, 8 and 4 network pixels.
        decoder_seed: of the decoder's Gaussian start.
        inputs: what the streams see.
    """

    backbone: str = RESNET50
    weights: str = IMAGENET
    encoder_seed: int = 0
    decoder_channels: tuple[int, int, int, int] = (256, 128, 64, 64)
    decoder_seed: int = 0
    inputs: InputConfig = field(default_factory=InputConfig)

    def __post_init__(self) -> None:
        if not self.weights or not self.backbone:
            raise ConfigError("weights: use imagenet, a file, or random; backbone: a timm model")
        if len(self.decoder_channels) != 4 or min(self.decoder_channels) < 1:
            raise ConfigError(f"decoder_channels {self.decoder_channels}: four positive numbers")
        if min(self.encoder_seed, self.decoder_seed) < 0:
            raise ConfigError("a seed must not be negative")


class AffordanceNetwork(nn.Module):
    """Probability of a successful suction grasp at every fourth network pixel.

    Only `decoder` has anything to train. In the two-channel outputs the first channel is success,
    the second its counterpart.
    """

    def __init__(
        self,
        config: NetworkConfig,
        encoder: Encoder | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        """Build the network.

        Args:
            config: its structure, and where weights come from.
            encoder: used instead of `config.weights`.
            decoder: used instead of a new one from `config.decoder_seed`.

        Raises:
            CheckpointError: the encoder's weights cannot be had.
            ConfigError: timm is missing, or has no such model.
        """
        super().__init__()
        self.config = config
        self.encoder = encoder or Encoder(config.backbone, config.weights, config.encoder_seed)
        self.decoder = decoder or self._new_decoder()
        self.to(memory_format=torch.channels_last)

    def _new_decoder(self) -> Decoder:
        generator = torch.Generator().manual_seed(self.config.decoder_seed)
        wide = [STREAMS * channels for channels in self.encoder.channels]
        return Decoder(wide, self.config.decoder_channels, generator)

    def snapshot(self, device: str | torch.device = "cpu") -> Self:
        """Return a network whose decoder no longer follows this one's training.

        The encoder, which never changes, is shared unless the device differs. Call it from the
        thread that trains.
        """
        here = self.decoder.head.weight.device
        target = torch.device(device)
        same = target.type == here.type and target.index in (None, here.index)
        encoder = self.encoder if same else copy.deepcopy(self.encoder).to(target)
        return type(self)(self.config, encoder, copy.deepcopy(self.decoder).to(target))

    def digest(self) -> str:
        """Return a SHA-256 (hex) of all weights, whatever the device or memory format."""
        both = self.encoder.digest() + state_digest(self.decoder.state_dict())
        return hashlib.sha256(both.encode()).hexdigest()

    def features(self, streams: Tensor) -> tuple[Tensor, ...]:
        """Return the multi-scale features of both streams, joined along channels.

        They never change, so a learner may keep them instead of the images.

        Args:
            streams: (N, S, 3, H, W) as `inputs.window_tensor` makes them; H and W multiples of 32.
                With S = 1 both streams see the same image, which is encoded once.

        Returns:
            (N, 2 C, H/s, W/s) for s = 4, 8, 16, 32.

        Raises:
            FrameError: another shape.
        """
        self._check(streams)
        count, distinct = streams.shape[:2]
        images = streams.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        repeated = STREAMS // distinct
        return tuple(
            maps.unflatten(0, (count, distinct)).repeat(1, repeated, 1, 1, 1).flatten(1, 2)
            for maps in self.encoder(images)
        )

    def forward(self, streams: Tensor) -> Tensor:
        """Return logits (N, 2, H/4, W/4) of streams (N, S, 3, H, W); see `features`."""
        return self.decoder(self.features(streams))

    def probabilities(self, streams: Tensor) -> Tensor:
        """Return the softmax of `forward` over its two channels."""
        return functional.softmax(self(streams), dim=1)

    def _check(self, streams: Tensor) -> None:
        distinct = 2 if self.config.inputs.streams == Streams.RGBD else 1
        shape = tuple(streams.shape)
        good = len(shape) == 5 and shape[1:3] == (distinct, 3) and shape[0] > 0
        if not good or any(side == 0 or side % COARSEST_STRIDE for side in shape[3:]):
            raise FrameError(
                f"inputs {self.config.inputs.streams} are (N, {distinct}, 3, H, W) with H and W "
                f"multiples of {COARSEST_STRIDE}, got {shape}"
            )
