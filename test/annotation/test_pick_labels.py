"""One pick yields a mask, dense positives and rectangles, or the reason why it does not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, LOG, OTHER, Block, noisy

from grasp_affordance.annotation.metrics import mask_iou
from grasp_affordance.annotation.pick_labels import (
    PickLabelConfig,
    PickLabels,
    label_pick,
    read_labels,
    write_labels,
)
from grasp_affordance.annotation.removal_check import DepthRemovalCheck, PickEvent
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, PressureTrace
from grasp_affordance.errors import SequenceError
from grasp_affordance.suction import Source, SuctionPoint

CONFIG = PickLabelConfig()
UP = np.array([0.0, 0.0, -1.0])


def picked(
    before: list[Block], after: list[Block], outcome: Outcome = Outcome.SUCCESS
) -> GraspAttempt:
    """Return a pick at the middle of LOG."""
    point = SuctionPoint(160, 120, INTRINSICS.deproject(160, 120, 0.76), UP, 0.9, Source.PRIOR)
    return GraspAttempt(
        index=0,
        stamp_ns=0,
        point=point,
        T_base_camera=np.eye(4),
        T_base_tool=np.eye(4),
        outcome=outcome,
        cause=Cause.NONE if outcome is Outcome.SUCCESS else Cause.LOST_AT_LIFT,
        phases=(),
        pressure=PressureTrace(np.zeros(0), np.zeros(0, np.float32)),
        before=noisy(*before, seed=0),
        after=noisy(*after, seed=1),
    )


def flat_seal(attempt: GraspAttempt) -> np.ndarray:
    """Half of the image seals well, the rest does not."""
    view = attempt.before
    assert view is not None
    return np.where(np.arange(view.shape[1])[None, :] < 175, 0.9, 0.1) * np.ones(view.shape)


def test_a_success_yields_mask_positives_and_rectangles_of_its_object() -> None:
    labels = label_pick(picked([LOG, OTHER], [OTHER]), CONFIG, flat_seal)
    assert (labels.event, labels.reason) == (PickEvent.REMOVED, "")
    assert labels.mask is not None
    assert labels.positives is not None
    assert mask_iou(labels.mask, LOG.mask()) > 0.9
    assert labels.positives[120, 160]
    assert not labels.positives[~labels.mask].any()
    assert not labels.positives[:, 175:].any()
    assert labels.positives.sum() > 200
    assert labels.rectangles
    for rectangle in labels.rectangles:
        assert rectangle.theta == pytest.approx(LOG.angle, abs=0.1)
        assert labels.mask[round(rectangle.y), round(rectangle.x)]


@pytest.mark.parametrize(
    ("after", "outcome", "event", "reason"),
    [
        ([LOG, OTHER], Outcome.FAILURE, PickEvent.NOTHING, "no success: lost_at_lift"),
        ([replace(LOG, u=185), OTHER], Outcome.FAILURE, PickEvent.DROPPED, "no success"),
        ([], Outcome.UNCERTAIN, PickEvent.DOUBLE_PICK, "no success"),
        ([], Outcome.SUCCESS, PickEvent.DOUBLE_PICK, "double_pick"),
        ([LOG], Outcome.SUCCESS, PickEvent.REMOVED_ELSEWHERE, "removed_elsewhere"),
        ([LOG, OTHER], Outcome.SUCCESS, PickEvent.NOTHING, "nothing"),
    ],
)
def test_where_outcome_and_views_do_not_agree_there_is_no_mask_but_a_reason(
    after: list[Block], outcome: Outcome, event: PickEvent, reason: str
) -> None:
    labels = label_pick(picked([LOG, OTHER], after, outcome), CONFIG, flat_seal)
    assert labels.event is event
    assert reason in labels.reason
    assert (labels.mask, labels.positives, labels.rectangles) == (None, None, ())


def test_a_dragged_neighbour_costs_the_rectangles_not_the_mask() -> None:
    labels = label_pick(picked([LOG, OTHER], [replace(OTHER, u=85)]), CONFIG, flat_seal)
    assert labels.event is PickEvent.DRAGGED_NEIGHBOUR
    assert labels.mask is not None
    assert mask_iou(labels.mask, LOG.mask()) > 0.9
    assert not labels.rectangles
    assert labels.reason.startswith("no rectangles: ")


def test_without_views_there_is_nothing_to_label() -> None:
    labels = label_pick(replace(picked([LOG], []), after=None), CONFIG)
    assert labels.event is None
    assert "no views" in labels.reason


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    labels = label_pick(picked([LOG, OTHER], [OTHER]), CONFIG, flat_seal)
    write_labels(tmp_path, "0003", labels, (160, 120))
    read = read_labels(tmp_path, "0003")
    assert (read.event, read.reason, read.rectangles) == (labels.event, "", labels.rectangles)
    np.testing.assert_array_equal(read.mask, labels.mask)
    np.testing.assert_array_equal(read.positives, labels.positives)
    assert json.loads((tmp_path / "0003.json").read_text())["pixel"] == [160, 120]
    write_labels(tmp_path, "0004", PickLabels(None, "no views"), (1, 2))
    assert read_labels(tmp_path, "0004").mask is None
    (tmp_path / "0004.json").write_text("{")
    with pytest.raises(SequenceError, match=r"0004\.json cannot be read"):
        read_labels(tmp_path, "0004")


def test_the_removal_check_says_where_and_in_a_word_what_happened() -> None:
    attempt = picked([LOG, OTHER], [OTHER])
    assert attempt.before is not None
    assert attempt.after is not None
    removal = DepthRemovalCheck()(attempt.before, attempt.after, (160.0, 120.0))
    assert removal is not None
    assert removal.event == "removed"
    expected = INTRINSICS.deproject(160, 120, 0.76)
    assert removal.position is not None
    np.testing.assert_allclose(np.array(removal.position), expected, atol=0.004)
    elsewhere = DepthRemovalCheck()(attempt.before, attempt.after, (60.0, 60.0))
    assert elsewhere is not None
    assert elsewhere.event == "removed_elsewhere"
