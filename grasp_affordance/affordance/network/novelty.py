"""How little a place is like those that were tried: what no training sample says anything of."""

import numpy as np

from grasp_affordance.arrays import Image

STRANGE = 8.0
"""Spreads from where on a place is unlike all that was tried.

In six views of the adverse cell, after 120 attempts, half of the places where the cup would seal
are nearer than 5 and nine of ten nearer than 10; the heavy ends of objects of which only the middle
had been tried are 9 to 12 away on average.
"""

_LEAST_SPREAD = 0.05  # of a feature; one that never varied must not decide alone
_BLOCK = 4096  # cells at a time: a whole view against a thousand others takes 100 MB


def novelty(cells: Image, familiar: Image) -> Image:
    """Return the distance (N,) of cells to the most alike of those that were tried.

    Each feature counts in units of its spread (standard deviation) over what was tried.

    Args:
        cells: (N, C) features, see `features.CHANNELS`.
        familiar: (M, C) features of the cells that were tried, M > 0.
    """
    spread = familiar.std(axis=0) + np.float32(_LEAST_SPREAD)
    there = familiar / spread
    length = np.square(there).sum(axis=1)
    found = np.empty(len(cells), np.float32)
    for begin in range(0, len(cells), _BLOCK):
        here = cells[begin : begin + _BLOCK] / spread
        squares = np.square(here).sum(axis=1)[:, None] + length - 2 * here @ there.T
        found[begin : begin + _BLOCK] = np.sqrt(np.maximum(squares.min(axis=1), 0))
    return found
