"""What was served and what came of it, and the correction that makes promises true."""

from collections.abc import Sequence
from dataclasses import dataclass

from grasp_affordance.learning.probabilities import Platt, fit_platt, fit_shift


@dataclass(frozen=True)
class Served:
    """One labelled attempt, as predicted before anything was learned from it.

    Attributes:
        probability: that was served with the point.
        raw: of the weights in service at the executed pixel, before calibration.
        success: as sensed.
        lift: that was in the probability (see `TrainerState.lifts`); None where the weights that
            served it are not known any more.
        promised, exploratory: see `training_samples.TrainingSample`.
    """

    probability: float
    raw: float
    success: bool
    lift: float | None = None
    promised: bool = True
    exploratory: bool = False


def correction(recent: Sequence[Served], first: Platt) -> tuple[Platt, float]:
    """Return the correction of the map's probabilities, and the lift that is in it.

    Places that were tried for being strange take no part. Where one of them succeeds against all
    expectation, there is something to learn of such places, and nothing of the others: two of them
    among the first thirty attempts made all promises so vague that porous objects were tried again.

    Args:
        recent: newest attempts, from which it is fitted.
        first: that the first weights came with.
    """
    recent = [s for s in recent if s.promised]
    lift = _lift(recent)
    platt = fit_platt([s.raw for s in recent], [s.success for s in recent], around=first)
    return platt.shifted(lift), lift


def _lift(recent: Sequence[Served]) -> float:
    """Return the shift of logits under which served probabilities come true on average.

    A point is served after its map was smoothed, and doubted beside what has just failed. Both
    lower peaks, and peaks are what is served: a map whose own probabilities are true promises too
    little at the points that are picked. What the lift in service was is taken out first.
    """
    known = [(Platt(shift=-s.lift)(s.probability), s.success) for s in recent if s.lift is not None]
    return fit_shift([p for p, _ in known], [success for _, success in known])
