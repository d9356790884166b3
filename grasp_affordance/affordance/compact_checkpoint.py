"""The compact network in a checkpoint, with the correction that makes its probabilities true."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import Tensor

from grasp_affordance.affordance.checkpoint import Checkpoint, Provenance
from grasp_affordance.affordance.compact import CompactConfig, CompactNetwork
from grasp_affordance.affordance.encoder import state_digest
from grasp_affordance.errors import CheckpointError, ConfigError

ARCHITECTURE = "compact"


def to_checkpoint(
    state: Mapping[str, Tensor],
    config: CompactConfig,
    provenance: Provenance,
    scale: float = 1.0,
    shift: float = 0.0,
) -> Checkpoint:
    """Return what to write of a network's weights.

    Args:
        state: of a `CompactNetwork` of `config`.
        scale, shift: correction of the predicted logit (see `learning.calibration.Platt`).
    """
    header = {"network": asdict(config), "calibration": {"scale": scale, "shift": shift}}
    return Checkpoint(ARCHITECTURE, header, dict(state), provenance)


def version(state: Mapping[str, Tensor], attempts: int) -> str:
    """Return the name of weights: how much they have learned, and a digest."""
    return f"compact-{attempts:06d}-{state_digest(state)[:8]}"


def from_checkpoint(checkpoint: Checkpoint) -> tuple[CompactNetwork, float, float]:
    """Return the network, ready to predict, and its correction (scale, shift).

    Raises:
        CheckpointError: the tensors are not those of the network that the header describes.
    """
    try:
        data = dict(checkpoint.config["network"])
        config = CompactConfig(**{**data, "dilations": tuple(data["dilations"])})
        calibration: Mapping[str, Any] = checkpoint.config["calibration"]
        scale, shift = float(calibration["scale"]), float(calibration["shift"])
        network = CompactNetwork(config)
        network.load_state_dict(dict(checkpoint.tensors), strict=True)
    except (KeyError, TypeError, ValueError, ConfigError, RuntimeError) as error:
        raise CheckpointError(
            f"the weights are not those of the compact network in the checkpoint's header "
            f"({error}); use the package version that wrote it"
        ) from error
    return network.eval(), scale, shift
