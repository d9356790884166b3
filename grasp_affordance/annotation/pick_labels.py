"""What one pick of the robot teaches beside its outcome: mask, dense positives, rectangles.

The executor's frames around a pick are a pair like any other, and the pick says where it acted and
whether the cup held. Only where all agree are there labels; else the reason is kept.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.change.refinement import disc
from grasp_affordance.annotation.pair import AnnotationConfig, annotate_change
from grasp_affordance.annotation.records import (
    read_mask,
    rectangle_from_dict,
    rectangle_to_dict,
    write_mask,
)
from grasp_affordance.annotation.rectangles import ProposalConfig
from grasp_affordance.annotation.removal_check import PickEvent, RemovalCheckConfig, check_removal
from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.errors import ConfigError, SequenceError
from grasp_affordance.files import inside, read_json, write_atomically
from grasp_affordance.rectangle import GraspRectangle, JawConfig

SealMap = Callable[[GraspAttempt], NDArray[np.floating]]
# The object is the one that was picked, whatever else has moved.
_ITS_OWN = (PickEvent.REMOVED, PickEvent.DRAGGED_NEIGHBOUR)


@dataclass(frozen=True)
class DenseLabelConfig:
    """Which pixels of the mask join the executed one.

    Attributes:
        tolerance: a pixel whose seal score is at most this much below that of the executed pixel
            seals alike.
        margin: pixels this close to the outline are left out: the cup would overhang.
    """

    tolerance: float = 0.05
    margin: int = 2

    def __post_init__(self) -> None:
        if self.tolerance < 0 or self.margin < 0:
            raise ConfigError("dense labels: tolerance and margin must not be negative")


def dense_positives(
    mask: Mask,
    seal: NDArray[np.floating],
    executed: tuple[int, int],
    config: DenseLabelConfig,
) -> Mask:
    """Return (H, W) pixels to label as the successful pick at pixel `executed` (u, v).

    Args:
        mask: (H, W), the removed object.
        seal: (H, W) score of a cup's seal, higher is better; NaN where it cannot be told.
        executed: where the cup was; its own pixel is always a positive.

    A pixel counts if a cup there would have sealed at least about as well as where it did seal.
    If the mask does not hold the executed pixel it is of another object: only that pixel counts.
    """
    u, v = executed
    alone = np.zeros_like(mask)
    alone[v, u] = True
    reference = float(seal[v, u])
    if not mask[v, u] or not np.isfinite(reference):
        return alone
    inner = cv2.erode(np.pad(mask, 1).astype(np.uint8), disc(2 * config.margin + 1))[1:-1, 1:-1]
    with np.errstate(invalid="ignore"):
        alike = seal >= reference - config.tolerance
    return (inner.astype(bool) & alike & mask) | alone


@dataclass(frozen=True)
class PickLabelConfig:
    """How picks are labelled.

    Attributes:
        removal check, proposals, jaw, dense: of the parts.
    """

    check_removal: RemovalCheckConfig = field(default_factory=RemovalCheckConfig)
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    jaw: JawConfig = field(default_factory=JawConfig)
    dense: DenseLabelConfig = field(default_factory=DenseLabelConfig)

    @property
    def annotation(self) -> AnnotationConfig:
        """How rectangles are made of the change that the removal check has measured."""
        check = self.check_removal
        return AnnotationConfig(
            check.change, check.departure, check.gates, self.proposals, self.jaw
        )


@dataclass(frozen=True, eq=False)
class PickLabels:
    """The labels of one pick.

    Attributes:
        event: what it did to the bin, in a word; None where there are no two frames.
        reason: why there is no mask, or no rectangle; empty where there are both.
        mask: (H, W) of the removed object in the frame before; None without one.
        positives: (H, W) pixels on it where a cup would have sealed as well; None without a mask
            or a seal map.
        rectangles: grasps of the removed object for a parallel gripper.
    """

    event: PickEvent | None
    reason: str = ""
    mask: Mask | None = None
    positives: Mask | None = None
    rectangles: tuple[GraspRectangle, ...] = ()


def label_pick(
    attempt: GraspAttempt,
    config: PickLabelConfig,
    seal: SealMap | None = None,
    polygon: NDArray[np.generic] | None = None,
) -> PickLabels:
    """Label one pick.

    Args:
        attempt: with its frames.
        seal: returns a map (H, W) of the seal's quality in an attempt's frame before the pick.
        polygon: (N, 2) of the bin's interior, pixels (u, v); None for the whole image.
    """
    before, after = attempt.before, attempt.after
    if before is None or after is None:
        return PickLabels(None, "there are no views before and after the pick")
    u, v = attempt.point.u, attempt.point.v
    seen = check_removal(before, after, config.check_removal, polygon, (float(u), float(v)))
    if attempt.outcome is not Outcome.SUCCESS:
        return PickLabels(seen.event, f"the pick was no success: {attempt.cause}")
    if seen.event not in _ITS_OWN or seen.change is None:
        return PickLabels(seen.event, seen.detail or f"the views say: {seen.event}")
    mask, positives = seen.left[0].mask, None
    if seal is not None:
        score = seal(attempt)
        positives = dense_positives(mask, score, (u, v), config.dense)
    pair = annotate_change(before, after, seen.change, config.annotation)
    pair_result = pair.pair_result
    reason = (
        ""
        if pair_result.reason is None
        else f"no rectangles: {pair_result.reason} {pair_result.detail}"
    )
    return PickLabels(seen.event, reason.strip(), mask, positives, pair.rectangles)


def remove_labels(folder: Path, name: str) -> None:
    """Remove what `write_labels` wrote, if anything; the JSON first."""
    if not folder.is_dir():
        return
    for kind in ("json", "mask.png", "positives.png"):
        (folder / f"{name}.{kind}").unlink(missing_ok=True)


def write_labels(folder: Path, name: str, labels: PickLabels, pixel: tuple[int, int]) -> None:
    """Write NAME.json, and where there are any NAME.mask.png and NAME.positives.png.

    The JSON comes last: what it names is on the disk.

    Args:
        pixel: (u, v) of the pick.

    Raises:
        OSError: the folder cannot be written.
    """
    files = {"mask": labels.mask, "positives": labels.positives}
    for kind, mask in files.items():
        if mask is not None:
            write_mask(folder / f"{name}.{kind}.png", mask)
    content = {
        "event": labels.event.value if labels.event else None,
        "reason": labels.reason,
        "pixel": list(pixel),
        **{kind: None if mask is None else f"{name}.{kind}.png" for kind, mask in files.items()},
        "rectangles": [rectangle_to_dict(rectangle) for rectangle in labels.rectangles],
    }
    text = json.dumps(content, indent=1, allow_nan=False)
    write_atomically(folder / f"{name}.json", f"{text}\n".encode())


def read_labels(folder: Path, name: str) -> PickLabels:
    """Read what `write_labels` wrote.

    Raises:
        SequenceError: it is missing or damaged.
    """
    path = folder / f"{name}.json"
    try:
        data = read_json(path)
        masks = {
            kind: None if data[kind] is None else read_mask(inside(folder, data[kind]))
            for kind in ("mask", "positives")
        }
        return PickLabels(
            None if data["event"] is None else PickEvent(data["event"]),
            str(data["reason"]),
            masks["mask"],
            masks["positives"],
            tuple(rectangle_from_dict(each) for each in data["rectangles"]),
        )
    except (OSError, LookupError, AttributeError, TypeError, ValueError, ConfigError) as error:
        raise SequenceError(f"{path} cannot be read: {error}") from error
