"""The compact network in a checkpoint, with the correction that makes its probabilities true."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    damage_as_checkpoint_error,
    state_digest,
)
from grasp_affordance.affordance.network.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.network.features import CHANNELS
from grasp_affordance.errors import CheckpointError

ARCHITECTURE = "compact"
_FAMILIAR = "familiar"  # the tensor beside the weights


def to_checkpoint(
    state: Mapping[str, Tensor],
    config: CompactConfig,
    provenance: Provenance,
    scale: float = 1.0,
    shift: float = 0.0,
    familiar: Tensor | None = None,
) -> Checkpoint:
    """Return what to write of a network's weights.

    Args:
        state: of a `CompactNetwork` of `config`.
        scale, shift: correction of the predicted logit (see `learning.calibration.Platt`).
        familiar: (M, channels) float16 features of the cells that were tried, M > 0; see `novelty`.
    """
    header = {
        "network": asdict(config),
        "channels": list(CHANNELS),
        "calibration": {"scale": scale, "shift": shift},
    }
    tensors = dict(state)
    if familiar is not None:
        tensors[_FAMILIAR] = familiar
    return Checkpoint(ARCHITECTURE, header, tensors, provenance)


def weights_of(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Return the network's own tensors."""
    return {name: tensor for name, tensor in checkpoint.tensors.items() if name != _FAMILIAR}


def familiar_of(checkpoint: Checkpoint) -> NDArray[np.float32] | None:
    """Return the features (M, channels) of the cells that were tried; None where none were kept.

    None, too, where they are of other channels than this package computes.

    Raises:
        CheckpointError: they are no such features.
    """
    kept = checkpoint.tensors.get(_FAMILIAR)
    if kept is None or _channels_of(checkpoint) != CHANNELS:
        return None
    if kept.ndim != 2 or not len(kept) or kept.shape[1] != len(CHANNELS) or kept.is_complex():
        raise CheckpointError(
            f"the features of tried places have the shape {tuple(kept.shape)}, expected "
            f"(M, {len(CHANNELS)}); use the package version that wrote the file"
        )
    return kept.float().numpy()


def version(state: Mapping[str, Tensor], attempts: int) -> str:
    """Return the name of weights: how much they have learned, and a digest."""
    return f"compact-{attempts:06d}-{state_digest(state)[:8]}"


def from_checkpoint(checkpoint: Checkpoint) -> tuple[CompactNetwork, float, float]:
    """Return the network, ready to predict, and its correction (scale, shift).

    Raises:
        CheckpointError: the network sees other channels than this package computes, or the
            tensors are not those of the network that the header describes.
    """
    require_channels(checkpoint)
    what = "the weights are not those of the compact network in the checkpoint's header"
    with damage_as_checkpoint_error(what):
        data = dict(checkpoint.config["network"])
        config = CompactConfig(**{**data, "dilations": tuple(data["dilations"])})
        calibration: Mapping[str, Any] = checkpoint.config["calibration"]
        scale, shift = float(calibration["scale"]), float(calibration["shift"])
        if not (math.isfinite(scale) and math.isfinite(shift)):
            raise ValueError(f"the correction {scale}, {shift} is not finite")
        network = CompactNetwork(config)
        network.load_state_dict(dict(weights_of(checkpoint)), strict=True)
    return network.eval(), scale, shift


def _channels_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the names of the channels that a network was trained on.

    Raises:
        CheckpointError: the header has none.
    """
    given = checkpoint.config.get("channels", [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise CheckpointError(
            f"the checkpoint's header names its input channels {given!r}, which is no list of "
            "names; use the package version that wrote it"
        )
    return tuple(given)


def require_channels(checkpoint: Checkpoint) -> None:
    """Refuse what was trained on other channels than this package computes.

    Raises:
        CheckpointError: says which differ.
    """
    given, wanted = _channels_of(checkpoint), CHANNELS
    if given != wanted:
        missing = [name for name in wanted if name not in given]
        unknown = [name for name in given if name not in wanted]
        raise CheckpointError(
            "these weights were trained on other input channels (they lack "
            f"{missing or 'none'}, and need {unknown or 'none'} besides); use the package version "
            "that wrote them, or train anew (a trainer node does so from its attempt log when its "
            "folder of weights is moved away)"
        )
