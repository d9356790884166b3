"""How an annotated pair can end, by name."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The three ends of a pair."""

    ANNOTATED = "annotated"
    NOTHING_REMOVED = "nothing_removed"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why a pair was not annotated."""

    # of NOTHING_REMOVED
    IDENTICAL_FRAMES = "identical_frames"
    NO_CHANGE = "no_change"
    SETTLED = "settled"  # objects moved, none left
    # of REJECTED: the frames cannot be compared
    DIFFERENT_CAMERA = "different_camera"
    WRONG_DEPTH_UNIT = "wrong_depth_unit"
    NO_DEPTH = "no_depth"
    CAMERA_MOVED = "camera_moved"
    TOO_MUCH_CHANGED = "too_much_changed"
    # of REJECTED: not one clean removal
    SWAPPED_ORDER = "swapped_order"  # something came and nothing left
    SOMETHING_ADDED = "something_added"
    DOUBLE_PICK = "double_pick"
    DRAGGED_NEIGHBOUR = "dragged_neighbour"
    SETTLING_CLUTTER = "settling_clutter"
    UNSEEN_OBJECT = "unseen_object"  # colour changed where depth sees nothing
    # of REJECTED: no good label
    TOO_MANY_UNKNOWN = "too_many_unknown"
    CUT_BY_BORDER = "cut_by_border"
    TOO_SMALL = "too_small"
    TOO_THIN = "too_thin"
    TOO_WIDE = "too_wide"
    NO_RECTANGLE = "no_rectangle"


@dataclass(frozen=True)
class PairResult:
    """The end of a pair.

    Attributes:
        status: which end.
        reason: why it was not annotated; None if it was.
        detail: the measured facts behind the reason, one sentence.
    """

    status: Status
    reason: Reason | None = None
    detail: str = ""


ANNOTATED = PairResult(Status.ANNOTATED)


def nothing_removed(reason: Reason, detail: str) -> PairResult:
    """Return the result on a pair from which nothing left."""
    return PairResult(Status.NOTHING_REMOVED, reason, detail)


def rejected(reason: Reason, detail: str) -> PairResult:
    """Return the result on a pair that must not be used."""
    return PairResult(Status.REJECTED, reason, detail)
