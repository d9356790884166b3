from dataclasses import replace

import cv2
import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, LOG, Block, frame
from helpers.annotation_scenes import OTHER as NEIGHBOUR

from grasp_affordance.annotation.metrics import angle_between, mask_iou
from grasp_affordance.annotation.pair import AnnotationConfig, annotate_pair
from grasp_affordance.annotation.result import Reason, Status
from grasp_affordance.errors import FrameError
from grasp_affordance.rgbd import RgbdFrame

CONFIG = AnnotationConfig()
POLYGON = np.array([[100, 60], [220, 60], [220, 180], [100, 180]])


def noisy(*blocks: Block, seed: int = 0, holes: float = 0.05) -> RgbdFrame:
    return frame(*blocks, rng=np.random.default_rng(seed), holes=holes)


def test_the_mask_of_a_removal_is_the_removed_object() -> None:
    pair = annotate_pair(frame(LOG, NEIGHBOUR), frame(NEIGHBOUR), CONFIG)
    assert pair.annotated
    assert pair.region is not None
    assert mask_iou(pair.region.mask, LOG.mask()) > 0.98


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_holes_leave_the_mask_nearly_as_it_is(seed: int) -> None:
    before = noisy(LOG, NEIGHBOUR, seed=seed, holes=0.1)
    pair = annotate_pair(before, noisy(NEIGHBOUR, seed=seed + 10, holes=0.1), CONFIG)
    assert pair.region is not None
    assert mask_iou(pair.region.mask, LOG.mask()) > 0.95


def test_it_does_not_matter_which_frame_a_hole_is_in() -> None:
    before, after = frame(LOG, NEIGHBOUR), frame(NEIGHBOUR)
    holes = np.random.default_rng(3).random(before.depth.shape) < 0.2
    torn = [
        replace(view, depth=np.where(holes, np.float32(np.nan), view.depth))
        for view in (before, after)
    ]
    first = annotate_pair(torn[0], after, CONFIG).region
    second = annotate_pair(before, torn[1], CONFIG).region
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.mask, second.mask)


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.8, np.pi / 2, 2.2, 3.0])
def test_plates_lie_along_the_object_and_close_across_it(angle: float) -> None:
    log = replace(LOG, angle=angle)
    pair = annotate_pair(noisy(log), noisy(seed=1), CONFIG)
    assert pair.rectangles
    pixel = (0.8 - log.height) / INTRINSICS.fx
    for rectangle in pair.rectangles:
        assert angle_between(rectangle.theta, angle) < np.radians(4)
        assert rectangle.h == pytest.approx(log.width, abs=2.0)
        assert rectangle.w * pixel == pytest.approx(CONFIG.jaw.plate_length, rel=0.02)


def test_rectangles_turn_with_the_image() -> None:
    before, after = noisy(LOG, NEIGHBOUR), noisy(NEIGHBOUR, seed=1)
    size = before.depth.shape

    def turned(view: RgbdFrame) -> RgbdFrame:  # by half a turn, which keeps the size
        color = np.ascontiguousarray(view.color[::-1, ::-1])
        return replace(view, color=color, depth=np.ascontiguousarray(view.depth[::-1, ::-1]))

    upright = annotate_pair(before, after, CONFIG).rectangles
    head_over = annotate_pair(turned(before), turned(after), CONFIG).rectangles
    assert len(upright) == len(head_over) == CONFIG.proposals.count
    for rectangle in upright:
        mirrored = (size[1] - 1 - rectangle.x, size[0] - 1 - rectangle.y)
        nearest = min(head_over, key=lambda r: np.hypot(r.x - mirrored[0], r.y - mirrored[1]))
        assert np.hypot(nearest.x - mirrored[0], nearest.y - mirrored[1]) < 2.0
        assert angle_between(nearest.theta, rectangle.theta) < np.radians(2)


def test_most_centres_are_near_the_centre_of_mass() -> None:
    pair = annotate_pair(noisy(LOG), noisy(seed=1), CONFIG)
    assert pair.region is not None
    offsets = [np.hypot(r.x - LOG.u, r.y - LOG.v) for r in pair.rectangles]
    assert offsets == sorted(offsets)
    assert np.median(offsets) < max(offsets) / 2


def test_only_the_object_on_top_is_masked_when_it_lay_across_another() -> None:
    under = replace(LOG, angle=1.2, height=0.03)
    on_top = replace(LOG, height=0.03)
    pair = annotate_pair(noisy(under, on_top), noisy(under, seed=1), CONFIG)
    assert pair.region is not None
    assert mask_iou(pair.region.mask, on_top.mask()) > 0.95


def test_identical_frames_show_that_nothing_was_removed() -> None:
    same = noisy(LOG)
    pair_result = annotate_pair(same, same, CONFIG).pair_result
    assert (pair_result.status, pair_result.reason) == (
        Status.NOTHING_REMOVED,
        Reason.IDENTICAL_FRAMES,
    )


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_is_no_change(seed: int) -> None:
    first, second = noisy(LOG, NEIGHBOUR, seed=seed), noisy(LOG, NEIGHBOUR, seed=100 + seed)
    pair_result = annotate_pair(first, second, CONFIG).pair_result
    assert (pair_result.status, pair_result.reason) == (Status.NOTHING_REMOVED, Reason.NO_CHANGE)


def test_swapped_frames_are_named() -> None:
    pair = annotate_pair(noisy(NEIGHBOUR), noisy(LOG, NEIGHBOUR, seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.SWAPPED_ORDER
    assert not pair.rectangles


def test_two_removed_objects_are_a_double_pick_with_both_regions() -> None:
    pair = annotate_pair(noisy(LOG, NEIGHBOUR), noisy(seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.DOUBLE_PICK
    assert len(pair.regions) == 2
    for region, block in zip(pair.regions, (LOG, NEIGHBOUR), strict=True):
        assert mask_iou(region.mask, block.mask()) > 0.95


def test_a_neighbour_that_moved_along_is_named() -> None:
    dragged = replace(NEIGHBOUR, u=NEIGHBOUR.u + 25)
    pair = annotate_pair(noisy(LOG, NEIGHBOUR), noisy(dragged, seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.DRAGGED_NEIGHBOUR


def test_a_moved_object_did_not_leave() -> None:
    pair = annotate_pair(noisy(LOG), noisy(replace(LOG, u=LOG.u + 20), seed=1), CONFIG)
    assert pair.pair_result.status is Status.NOTHING_REMOVED
    assert pair.pair_result.reason is Reason.SETTLED


def test_an_exchanged_object_is_named() -> None:
    far = replace(NEIGHBOUR, u=270, v=190)
    pair = annotate_pair(noisy(LOG), noisy(far, seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.SOMETHING_ADDED


def test_an_object_cut_by_the_image_border_is_rejected() -> None:
    pair = annotate_pair(noisy(replace(LOG, u=20)), noisy(seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.CUT_BY_BORDER


def test_an_object_wider_than_the_gripper_opens_is_rejected() -> None:
    pair = annotate_pair(noisy(Block(160, 120, 80, 60)), noisy(seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.TOO_WIDE


def test_an_object_too_small_or_too_thin_is_rejected() -> None:
    area, width = LOG.mask().sum() * 0.0025**2, LOG.width * 0.0025
    for limit, reason in (("smallest_area", Reason.TOO_SMALL), ("thinnest", Reason.TOO_THIN)):
        measured = area if limit == "smallest_area" else width
        for factor, expected in ((1.3, reason), (0.7, None)):
            gates = replace(CONFIG.gates, **{limit: factor * measured})
            pair = annotate_pair(noisy(LOG), noisy(seed=1), replace(CONFIG, gates=gates))
            assert pair.pair_result.reason is expected


def test_an_object_mostly_without_depth_is_rejected() -> None:
    before = noisy(LOG)
    depth = before.depth.copy()
    rows, columns = np.nonzero(LOG.mask())
    depth[rows[columns < 175], columns[columns < 175]] = np.nan
    pair = annotate_pair(replace(before, depth=depth), noisy(seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.TOO_MANY_UNKNOWN


def flickering(frame: RgbdFrame, depth: float, grey: int) -> RgbdFrame:
    """Return the frame with a spot far behind the table, a screen, say: little of it has depth."""
    rows, columns = np.indices(frame.shape)
    spot = np.hypot(rows - 35, columns - 100) < 16
    waves = cv2.GaussianBlur(np.random.default_rng(7).normal(size=frame.shape), (0, 0), 1.5)
    seen = waves > np.quantile(waves, 0.65)
    depths, colors = frame.depth.copy(), frame.color.copy()
    depths[spot] = np.where(seen, depth, np.nan)[spot]
    colors[spot & ~seen] = grey
    return RgbdFrame(colors, depths, frame.intrinsics)


def test_what_depth_hardly_sees_far_behind_is_no_second_object() -> None:
    before = flickering(noisy(LOG, seed=1), 1.9, 100)
    after = flickering(noisy(seed=2), 2.25, 140)
    annotation = annotate_pair(before, after, CONFIG)
    assert annotation.annotated, annotation.pair_result
    assert annotation.region is not None
    assert annotation.region.position[2] < 0.8
    still = flickering(noisy(LOG, seed=3), 2.25, 140)
    assert not annotate_pair(before, still, CONFIG).annotated


def test_an_object_without_any_depth_beside_the_removed_one_is_named() -> None:
    before = noisy(LOG, replace(NEIGHBOUR, length=60, width=30))
    depth = before.depth.copy()
    depth[replace(NEIGHBOUR, length=60, width=30).mask()] = np.nan
    pair = annotate_pair(replace(before, depth=depth), noisy(seed=1), CONFIG)
    assert pair.pair_result.reason is Reason.UNSEEN_OBJECT


def test_changes_outside_the_polygon_are_ignored() -> None:
    pair = annotate_pair(noisy(LOG, NEIGHBOUR), noisy(seed=1), CONFIG, POLYGON)
    assert pair.annotated
    nothing = annotate_pair(noisy(LOG, NEIGHBOUR), noisy(LOG, seed=1), CONFIG, POLYGON)
    assert nothing.pair_result.reason is Reason.NO_CHANGE


def test_a_moved_camera_is_named() -> None:
    before, after = noisy(LOG, NEIGHBOUR), noisy(NEIGHBOUR, seed=1)
    moved = replace(
        after, color=np.roll(after.color, 4, axis=1), depth=np.roll(after.depth, 4, axis=1)
    )
    assert annotate_pair(before, moved, CONFIG).pair_result.reason is Reason.CAMERA_MOVED


def test_another_camera_is_named() -> None:
    other = replace(noisy(), intrinsics=replace(INTRINSICS, fx=400.0))
    assert annotate_pair(noisy(LOG), other, CONFIG).pair_result.reason is Reason.DIFFERENT_CAMERA


def test_another_size_is_named() -> None:
    view = noisy()
    smaller = RgbdFrame(
        view.color[:120, :160], view.depth[:120, :160], INTRINSICS.cropped(0, 0, 160, 120)
    )
    assert annotate_pair(noisy(LOG), smaller, CONFIG).pair_result.reason is Reason.DIFFERENT_CAMERA


@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_a_wrong_depth_unit_is_named(factor: float) -> None:
    views = [noisy(LOG), noisy(seed=1)]
    wrong = [replace(view, depth=view.depth * np.float32(factor)) for view in views]
    assert annotate_pair(wrong[0], wrong[1], CONFIG).pair_result.reason is Reason.WRONG_DEPTH_UNIT
    assert annotate_pair(views[0], wrong[1], CONFIG).pair_result.reason is Reason.WRONG_DEPTH_UNIT
    tenfold = replace(views[1], depth=views[1].depth * np.float32(10.0))
    assert annotate_pair(views[0], tenfold, CONFIG).pair_result.reason is Reason.WRONG_DEPTH_UNIT


def test_frames_without_depth_are_named() -> None:
    blind = replace(noisy(), depth=np.full((240, 320), np.nan, np.float32))
    assert annotate_pair(noisy(LOG), blind, CONFIG).pair_result.reason is Reason.NO_DEPTH


def test_a_polygon_outside_the_image_is_named() -> None:
    outside = np.array([[-50, -50], [-20, -50], [-20, -20]])
    with pytest.raises(FrameError, match="the bin's polygon is outside the image"):
        annotate_pair(noisy(LOG), noisy(seed=1), CONFIG, outside)
