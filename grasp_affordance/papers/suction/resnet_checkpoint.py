"""The paper's network in a checkpoint: the trained decoder, and how to have the encoder again.

The frozen encoder (14 to 94 MB) is left out where it can be had again: ImageNet's and a file's by
name, a random one by its seed. Its digest is kept, and another encoder is refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    damage_as_checkpoint_error,
)
from grasp_affordance.errors import CheckpointError
from grasp_affordance.papers.encoder import IMAGENET, RANDOM, Encoder
from grasp_affordance.papers.suction import ARCHITECTURE
from grasp_affordance.papers.suction.inputs import Holes, InputConfig, Streams
from grasp_affordance.papers.suction.network import AffordanceNetwork, NetworkConfig


def to_checkpoint(
    network: AffordanceNetwork, provenance: Provenance, *, with_encoder: bool = False
) -> Checkpoint:
    """Return what to write of a network.

    Args:
        network: trained or not.
        provenance: of its weights.
        with_encoder: hold the encoder even if it can be had again: a file that needs no other.
    """
    encoder = network.encoder.body.state_dict()
    tensors = {f"decoder.{n}": t for n, t in network.decoder.state_dict().items()}
    if with_encoder or not network.encoder.obtainable:
        tensors |= {f"encoder.{n}": t for n, t in encoder.items()}
    config = {
        "network": asdict(_with_absolute_path(network.config)),
        "encoder_sha256": network.encoder.digest(),
    }
    return Checkpoint(ARCHITECTURE, config, tensors, provenance)


def from_checkpoint(checkpoint: Checkpoint, weights: str | None = None) -> AffordanceNetwork:
    """Rebuild the network, ready to predict or to train on.

    Args:
        checkpoint: of this architecture.
        weights: where to get the encoder, if no longer where the checkpoint says.

    Raises:
        CheckpointError: tensors or encoder are not those that the checkpoint describes.
    """
    config, digest = _parse(checkpoint.config)
    config = replace(config, weights=weights or config.weights)
    parts = _split(checkpoint.tensors)
    stored = parts.get("encoder")
    what = (
        f"the weights are not those of the {config.backbone} network that the checkpoint's header "
        "describes"
    )
    with damage_as_checkpoint_error(what):
        encoder = Encoder(config.backbone, stored) if stored else None
        network = AffordanceNetwork(config, encoder)
        network.decoder.load_state_dict(parts.get("decoder", {}), strict=True)
    found = network.encoder.digest()
    if found != digest:
        raise CheckpointError(
            f"the {config.backbone} from weights='{config.weights}' is not the one this checkpoint "
            f"was trained with (SHA-256 {digest[:12]}, got {found[:12]}); give the original file "
            "as encoder weights, or save the checkpoint again with its encoder where it loads"
        )
    return network


def _parse(config: Mapping[str, Any]) -> tuple[NetworkConfig, str]:
    with damage_as_checkpoint_error("the checkpoint's config is not one of this version's"):
        fields = dict(config["network"])
        inputs = dict(fields["inputs"])
        inputs |= {"streams": Streams(inputs["streams"]), "holes": Holes(inputs["holes"])}
        fields["inputs"] = InputConfig(**inputs)
        fields["decoder_channels"] = tuple(fields["decoder_channels"])
        return NetworkConfig(**fields), str(config["encoder_sha256"])


def _split(tensors: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """Group tensors by the part of their names before the first dot."""
    parts: dict[str, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    return parts


def _with_absolute_path(config: NetworkConfig) -> NetworkConfig:
    if config.weights in (IMAGENET, RANDOM):
        return config
    return replace(config, weights=str(Path(config.weights).resolve()))
