"""A trainer that begins with given weights, or goes on where it stopped."""

from dataclasses import replace
from pathlib import Path

from grasp_affordance.affordance.network.checkpoint import read_checkpoint, write_checkpoint
from grasp_affordance.affordance.network.compact_checkpoint import from_checkpoint
from grasp_affordance.errors import CheckpointError
from grasp_affordance.learning.trainer import STATE_FILE, Trainer, TrainerConfig

INITIAL_FILE = "initial.safetensors"


def begin_or_resume(
    config: TrainerConfig, folder: Path, weights: Path | None = None, device: str = "cpu"
) -> Trainer:
    """Return a trainer in a folder.

    Weights to begin with decide the shape of the network, but channels that they never saw may be
    looked at from now on. They are copied into the folder, so that the trainer can go on after the
    file they came from has been replaced.

    Args:
        config: of the trainer; its network is used where there are no weights to begin with.
        folder: of its state.
        weights: checkpoint of a compact network; not looked at where there is a state already.
        device: on which it learns, as torch names it.

    Raises:
        CheckpointError: the weights or the state cannot be used; or the weights are for a cup of
            another size.
    """
    kept = folder / INITIAL_FILE
    if weights is not None and not (folder / STATE_FILE).exists():
        write_checkpoint(kept, read_checkpoint(weights))
    if not kept.exists():
        return Trainer(config, folder, device=device)
    network = from_checkpoint(read_checkpoint(kept))[0].config
    radius = config.learner.network.cup_radius
    if network.cup_radius != radius:
        raise CheckpointError(
            f"the weights to begin with are for a cup of radius {network.cup_radius} m, not "
            f"{radius} m; start from scratch"
        )
    learner = replace(config.learner, network=network.seeing(config.learner.network))
    return Trainer(replace(config, learner=learner), folder, kept, device)
