from dataclasses import replace

import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, LOG, OTHER, Block, noisy

from grasp_affordance.annotation.bin_polygon import bin_polygon
from grasp_affordance.annotation.pick_labels import DenseLabelConfig, dense_positives
from grasp_affordance.annotation.removal_check import (
    DepthRemovalCheck,
    PickEvent,
    RemovalCheckConfig,
    check_removal,
    count_events,
)
from grasp_affordance.bin_geometry import BinGeometry

CONFIG = RemovalCheckConfig()


@pytest.mark.parametrize(
    ("after", "picked_at", "event"),
    [
        ([LOG, OTHER], (160, 120), PickEvent.NOTHING),
        ([OTHER], (160, 120), PickEvent.REMOVED),
        ([OTHER], (60, 60), PickEvent.REMOVED_ELSEWHERE),
        ([], (160, 120), PickEvent.DOUBLE_PICK),
        ([replace(LOG, u=185), OTHER], (160, 120), PickEvent.DROPPED),
        ([LOG, replace(OTHER, u=75)], (160, 120), PickEvent.DISTURBED),
        ([replace(OTHER, u=85)], (160, 120), PickEvent.DRAGGED_NEIGHBOUR),
    ],
)
def test_every_event_of_a_pick_is_told_from_the_others(
    after: list[Block], picked_at: tuple[int, int], event: PickEvent
) -> None:
    seen = check_removal(
        noisy(LOG, OTHER, seed=0), noisy(*after, seed=1), CONFIG, picked_at=picked_at
    )
    assert seen.event is event


def test_the_removal_check_measures_what_left() -> None:
    removal = DepthRemovalCheck()(noisy(LOG, seed=0), noisy(seed=1))
    assert removal is not None
    assert removal.regions == 1
    assert removal.pixels == pytest.approx(LOG.mask().sum(), rel=0.05)
    pixel = (0.8 - LOG.height) / 300
    assert removal.volume == pytest.approx(LOG.mask().sum() * pixel**2 * LOG.height, rel=0.05)


def test_what_is_taken_from_beside_the_bin_is_none_of_the_picks_doing() -> None:
    small = BinGeometry(centre=(0.5, 0.0), size=(0.24, 0.24, 0.1))  # OTHER lies beside it
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = 0.5, 0.0, 0.8
    before, picked = noisy(LOG, OTHER, seed=0), (160.0, 120.0)
    for after, regions, event in (([], 1, "removed"), ([LOG], 0, "nothing")):
        view = noisy(*after, seed=1)
        removal = DepthRemovalCheck()(before, view, picked, pose, small)
        assert removal is not None
        assert (removal.regions, removal.event) == (regions, event)
        blind = DepthRemovalCheck()(before, view, picked, None, small)
        assert blind is not None
        assert blind.regions == regions + 1


def test_a_failed_pick_leaves_no_region() -> None:
    removal = DepthRemovalCheck()(noisy(LOG, seed=0), noisy(LOG, seed=1))
    assert removal is not None
    assert (removal.regions, removal.pixels, removal.volume) == (0, 0, 0.0)


def test_the_removal_check_is_silent_when_the_camera_moved() -> None:
    after = noisy(OTHER, seed=1)
    moved = replace(
        after, color=np.roll(after.color, 4, axis=1), depth=np.roll(after.depth, 4, axis=1)
    )
    seen = check_removal(noisy(LOG, OTHER, seed=0), moved, CONFIG)
    assert seen.event is PickEvent.UNKNOWN
    assert "camera_moved" in seen.detail
    assert DepthRemovalCheck()(noisy(LOG, OTHER, seed=0), moved) is None


def test_events_are_counted_by_kind() -> None:
    counts = count_events([PickEvent.REMOVED, PickEvent.REMOVED, PickEvent.DROPPED])
    assert counts[PickEvent.REMOVED] == 2
    assert counts[PickEvent.DROPPED] == 1
    assert counts[PickEvent.DOUBLE_PICK] == 0


def test_dense_labels_stay_on_the_object_and_where_a_cup_seals_alike() -> None:
    mask = LOG.mask()
    seal = np.where(np.arange(320)[None, :] < 170, 0.9, 0.2) * np.ones((240, 1))
    labels = dense_positives(mask, seal, (150, 118), DenseLabelConfig())
    assert labels[118, 150]
    assert not labels[~mask].any()
    assert not labels[:, 170:].any()
    assert labels.sum() > 200


def test_dense_labels_of_another_objects_mask_are_the_executed_pixel() -> None:
    labels = dense_positives(LOG.mask(), np.ones((240, 320)), (10, 10), DenseLabelConfig())
    assert np.argwhere(labels).tolist() == [[10, 10]]


def test_dense_labels_without_a_known_seal_are_the_executed_pixel() -> None:
    seal = np.full((240, 320), np.nan)
    labels = dense_positives(LOG.mask(), seal, (160, 120), DenseLabelConfig())
    assert np.argwhere(labels).tolist() == [[120, 160]]


def test_a_bin_outside_of_the_view_is_unknown_and_not_untouched() -> None:
    aside = BinGeometry(centre=(5.0, 0.0), size=(0.24, 0.24, 0.1))
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = 0.5, 0.0, 0.8
    polygon = bin_polygon(aside, INTRINSICS, pose)
    assert polygon is not None
    seen = check_removal(noisy(LOG, seed=0), noisy(seed=1), CONFIG, polygon, (160.0, 120.0))
    assert seen.event is PickEvent.UNKNOWN
    assert seen.detail == "the bin is outside the view"
    assert DepthRemovalCheck()(noisy(LOG), noisy(), (160.0, 120.0), pose, aside) is None
