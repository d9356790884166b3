"""What a pick was, evaluated from what a real cell can sense.

Two independent removal check: the pressure (did the cup hold when it was asked to?) and, where
frames around the pick exist, the depth difference (did something leave the bin?). Where they
contradict each other the attempt is UNCERTAIN and yields no label. A simulator's truth takes no
part; it stands beside the result, for scoring.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.attempt import Cause, Outcome, PressureTrace, Removal
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.rgbd import RgbdFrame

_COLLAPSE = 0.5  # share of the sealed vacuum below which a cup has let go


class RemovalCheck(Protocol):
    """Compares the views before and after a pick."""

    def __call__(
        self,
        before: RgbdFrame,
        after: RgbdFrame,
        picked_at: tuple[float, float] | None = None,
        T_base_camera: NDArray[np.float64] | None = None,
        box: BinGeometry | None = None,
    ) -> Removal | None:
        """Return what a pick at pixel (u, v) took, or None where the views do not tell.

        What happens beside the bin `box` is not looked at, where it and the camera's pose are
        known.
        """


@dataclass(frozen=True)
class Sensed:
    """What the cup felt, in the order of the pick; checks after a failed one are not made.

    Attributes:
        collided: whether the approach ended by meeting something with more than the cup's rim.
        contact: whether the guarded approach met something.
        sealed: whether the vacuum settled at that of a sealed cup.
        lifted: whether it still did above the rim.
        carried: whether it still did over the place area, before the release.
        sealed_at, released_at: the holding part of the trace, seconds since the vacuum was on.
    """

    collided: bool = False
    contact: bool = False
    sealed: bool = False
    lifted: bool = False
    carried: bool = False
    sealed_at: float = 0.0
    released_at: float = 0.0


@dataclass(frozen=True)
class OutcomeResult:
    """An outcome, the cause where it is not a success, and a sentence for a person."""

    outcome: Outcome
    cause: Cause = Cause.NONE
    detail: str = ""


def evaluate(sensed: Sensed, trace: PressureTrace) -> OutcomeResult:
    """Return what the pressure tells.

    A cup that held at every check although its vacuum had collapsed in between contradicts itself:
    it may have dropped one object and caught another, or the sensor is wrong.
    """
    if sensed.collided:
        return _failure(Cause.COLLISION, "the tool met something on its way to the point")
    if not sensed.contact:
        return _failure(Cause.NO_CONTACT, "the approach met nothing where a surface was predicted")
    if not sensed.sealed:
        return _failure(Cause.NO_SEAL, "the vacuum did not build up at the contact")
    if not sensed.lifted:
        return _failure(Cause.LOST_AT_LIFT, "the vacuum was gone after the lift")
    if not sensed.carried:
        return _failure(Cause.LOST_IN_TRANSPORT, "the vacuum was gone over the place area")
    if _collapsed(sensed, trace):
        return _disagreement("the cup held at every check, but its vacuum collapsed in between")
    return OutcomeResult(Outcome.SUCCESS)


def reconcile(result: OutcomeResult, removal: Removal | None) -> OutcomeResult:
    """Return the result of both sensors together.

    Two removed regions under one sealed cup are a double pick: the surface held, but not as the
    label of a single object should say, so it is kept out of training. An object lost after it had
    been sealed is no longer where it was, in the bin or not: no contradiction, and a failure that
    is worth learning from.
    """
    if removal is None:
        return result
    if result.outcome is Outcome.SUCCESS:
        if removal.regions == 0:
            return _disagreement("the cup held an object, but nothing left the bin")
        if removal.regions > 1:
            detail = f"{removal.regions} objects left the bin at once"
            return OutcomeResult(Outcome.UNCERTAIN, Cause.DOUBLE_PICK, detail)
    moved = result.cause in (Cause.LOST_AT_LIFT, Cause.LOST_IN_TRANSPORT)
    if result.outcome is Outcome.FAILURE and removal.regions > 0 and not moved:
        return _disagreement("the cup held nothing, but something left the bin")
    return result


def _failure(cause: Cause, detail: str) -> OutcomeResult:
    return OutcomeResult(Outcome.FAILURE, cause, detail)


def _disagreement(detail: str) -> OutcomeResult:
    return OutcomeResult(Outcome.UNCERTAIN, Cause.SENSORS_DISAGREE, detail)


def _collapsed(sensed: Sensed, trace: PressureTrace) -> bool:
    """Whether the vacuum fell below half of its sealed value between seal and release."""
    held = (trace.times >= sensed.sealed_at) & (trace.times <= sensed.released_at)
    if not held.any():
        return False
    vacuum = trace.vacuum[held]
    return bool(vacuum.min() < _COLLAPSE * float(np.median(vacuum)))
