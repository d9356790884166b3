"""What colors mean in pictures, markers and recordings; all are RGB."""

import numpy as np

from grasp_affordance.attempt import Outcome

OUTCOME_COLORS = {Outcome.SUCCESS: (60, 200, 60), Outcome.FAILURE: (230, 60, 60)}
OTHER_COLOR = (255, 180, 0)  # of every other outcome


def probability_color(probability: float) -> tuple[float, float, float]:
    """Return red at 0 over yellow to green at 1, each part in [0, 1]."""
    p = float(np.clip(probability, 0.0, 1.0))
    return min(1.0, 2 - 2 * p), min(1.0, 2 * p), 0.0
