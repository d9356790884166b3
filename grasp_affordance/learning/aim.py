"""Where the cup lands: an error of the hand-eye calibration, found from what picks succeed.

A camera that is calibrated a few millimetres wrong sends the cup beside every point, always to the
same side. No image shows it, and a learner that is trained with turned and mirrored images cannot
learn it either, because it knows no sides. But the outcomes tell: the patch that explains them best
is the one under the cup, not the one that was aimed at. So the shift between the two is a parameter
beside the weights, and is moved by steps of a cell where the replayed attempts are explained better
there, beyond chance.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError

Aim = tuple[int, int]
"""Cells (rows, columns) from where a pick was aimed at to where the cup lands."""

Losses = Callable[[Aim], NDArray[np.float64]]
"""Cross-entropy (N,) of each replayed attempt if the cup had landed with this aim."""


@dataclass(frozen=True)
class AimConfig:
    """How the landing place is searched for.

    Attributes:
        reach: cells to each side that the search may go; 0 does not search.
        every: attempts between two looks.
        first: attempts before the first look.
        examples: newest attempts that decide.
        doubt: standard errors by which a neighbour must explain them better.
    """

    reach: int = 3
    every: int = 6
    first: int = 64
    examples: int = 256
    doubt: float = 2.0

    def __post_init__(self) -> None:
        if self.reach < 0 or min(self.every, self.first, self.examples) < 1 or self.doubt < 0:
            raise ConfigError("aim: reach and doubt not negative, every, first, examples positive")


def neighbours(aim: Aim, reach: int) -> tuple[Aim, ...]:
    """Return the eight aims one cell away, those of them that lie within reach."""
    steps = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]
    near = [(aim[0] + row, aim[1] + column) for row, column in steps]
    return tuple(n for n in near if max(abs(n[0]), abs(n[1])) <= reach)


def better_aim(aim: Aim, losses: Losses, config: AimConfig) -> Aim:
    """Return the neighbour that explains the replayed attempts best, or the present aim.

    A neighbour must win by `doubt` standard errors of the paired differences: with few attempts, or
    where there is no error to find, the aim stays.
    """
    present = losses(aim)
    best, best_gain = aim, config.doubt
    for candidate in neighbours(aim, config.reach):
        difference = present - losses(candidate)
        spread = float(difference.std()) / np.sqrt(len(difference))
        gain = float(difference.mean()) / max(spread, 1e-9)
        if gain > best_gain:
            best, best_gain = candidate, gain
    return best
