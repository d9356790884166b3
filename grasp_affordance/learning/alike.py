"""Dense labels as training samples: places on a removed object where a cup would have sealed as well."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.pick_labels import PickLabelConfig, dense_positives, removed_object
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.errors import ConfigError

Pixel = tuple[int, int]


@dataclass(frozen=True)
class AlikeConfig:
    """What a success teaches about the rest of the object that it removed.

    Attributes:
        places: drawn at random from those that seal alike; 0 teaches the executed pixel alone.
        batch: such places in each gradient step.
        weight: of each in the loss, where an executed pick has 1.
    """

    places: int = 0
    batch: int = 16
    weight: float = 0.25

    def __post_init__(self) -> None:
        if self.places < 0 or self.batch < 1 or not 0 < self.weight <= 1:
            raise ConfigError("alike: places >= 0, batch >= 1, weight in (0, 1]")


def places_alike(
    attempt: GraspAttempt,
    seal: NDArray[np.floating],
    polygon: NDArray[np.generic] | None,
    count: int,
    rng: np.random.Generator,
) -> tuple[Pixel, ...]:
    """Return up to `count` pixels (u, v) in the view before a pick that deserve its label too.

    None unless the pick was a success and the views before and after it agree that the object under
    the executed pixel has gone.

    Args:
        seal: (H, W) score of a cup's seal in the view before; NaN where it cannot be told.
        polygon: (N, 2) of the bin's interior, pixels; None for the whole image.
    """
    config = PickLabelConfig()
    mask = removed_object(attempt, config, polygon).mask
    if mask is None:
        return ()
    executed = (attempt.point.u, attempt.point.v)
    positives = dense_positives(mask, seal, executed, config.dense)
    positives[executed[1], executed[0]] = False  # taught already, with its full weight
    rows, columns = np.nonzero(positives)
    chosen = rng.permutation(len(rows))[:count]
    return tuple((int(columns[i]), int(rows[i])) for i in chosen)
