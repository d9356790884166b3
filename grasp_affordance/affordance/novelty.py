"""How little a place is like those that were tried: what no lesson says anything of."""

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]

STRANGE = 8.0
"""Spreads from where on a place is unlike all that was tried.

Of the places where the cup would seal, half are nearer than 4 and nine of ten nearer than 9 after
120 attempts of the adverse cell; the heavy ends of objects, of which only the middle had been
tried, are 9 to 13 away.
"""

_LEAST_SPREAD = 0.05  # of a feature; one that never varied must not decide alone


def novelty(cells: Image, familiar: Image) -> Image:
    """Return the distance (N,) of cells to the most alike of those that were tried.

    Each feature counts in units of its spread (standard deviation) over what was tried.

    Args:
        cells: (N, C) features, see `features.CHANNELS`.
        familiar: (M, C) features of the cells that were tried, M > 0.
    """
    spread = familiar.std(axis=0) + np.float32(_LEAST_SPREAD)
    here, there = cells / spread, familiar / spread
    squares = np.square(here).sum(axis=1)[:, None] + np.square(there).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares - 2 * here @ there.T, 0).min(axis=1)), np.float32)
