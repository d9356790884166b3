import cv2
import numpy as np
import pytest
from helpers.annotation_scenes import CAMERA_HEIGHT, COLUMNS, INTRINSICS, LOG, ROWS, Block, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp_affordance.annotation.change.difference import (
    DifferenceConfig,
    color_change,
    depth_change,
    paper_difference,
)
from grasp_affordance.annotation.change.refinement import RefinementConfig, refine, soft_edges
from grasp_affordance.annotation.change.region import components
from grasp_affordance.annotation.change.scene_change import SceneChangeConfig, scene_change
from grasp_affordance.annotation.metrics import mask_iou
from grasp_affordance.annotation.rectangles import ProposalConfig, centre_offsets, propose
from grasp_affordance.annotation.spine import Spine, fit_spine, skeleton
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.papers.annotation.pipeline import PaperPipelineConfig, annotate_as_paper
from grasp_affordance.rectangle import JawConfig
from grasp_affordance.rgbd import RgbdFrame


def test_the_papers_difference_is_the_step_on_a_scale_of_256() -> None:
    before = np.full((4, 4), 1.0, np.float32)
    after = before.copy()
    before[0, 0], after[0, 0], before[3, 3], after[3, 3] = 0.5, 1.0, 0.5, 0.5
    difference = paper_difference(before, after)
    assert difference[0, 0] == 255
    assert difference.astype(bool).sum() == 1


def test_the_papers_difference_does_not_know_the_direction() -> None:
    first, second = frame(LOG).depth, frame().depth
    np.testing.assert_array_equal(paper_difference(first, second), paper_difference(second, first))


def test_swapping_the_frames_turns_the_sign_and_keeps_the_noise() -> None:
    rng = np.random.default_rng(0)
    first, second = frame(LOG, rng=rng, holes=0.1).depth, frame(rng=rng, holes=0.1).depth
    forth = depth_change(first, second, DifferenceConfig())
    back = depth_change(second, first, DifferenceConfig())
    np.testing.assert_array_equal(forth.signed, -back.signed)
    np.testing.assert_array_equal(forth.noise, back.noise)


def test_the_threshold_grows_with_the_square_of_the_distance() -> None:
    config = DifferenceConfig(resolution=0.0, edge_jitter=0.0)
    noise = [
        depth_change(
            np.full((40, 40), z, np.float32), np.full((40, 40), z, np.float32), config
        ).noise[0, 0]
        for z in (0.5, 1.0, 2.0)
    ]
    assert noise[1] / noise[0] == pytest.approx(4.0, rel=1e-4)
    assert noise[2] / noise[1] == pytest.approx(4.0, rel=1e-4)


def test_a_noisier_sensor_than_configured_raises_the_threshold() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((200, 200), 1.0, np.float32)
    noisy = [flat + rng.normal(0, 0.004, flat.shape).astype(np.float32) for _ in range(2)]
    change = depth_change(noisy[0], noisy[1], DifferenceConfig(edge_jitter=0.0))
    assert change.noise[100, 100] == pytest.approx(0.004 * np.sqrt(2), rel=0.15)


def test_a_hole_in_either_frame_is_unknown_and_no_change() -> None:
    first, second = frame(LOG).depth.copy(), frame(LOG).depth.copy()
    first[10, 10], second[20, 20] = np.nan, np.nan
    change = depth_change(first, second, DifferenceConfig())
    assert np.isnan(change.signed[10, 10])
    assert np.isnan(change.signed[20, 20])
    assert not change.beyond(0.5).any()
    assert not change.beyond(0.5, -1).any()


def test_exposure_is_no_change_of_colour_but_paint_is() -> None:
    color = frame(LOG).color
    brighter = np.clip(color.astype(int) + 30, 0, 255).astype(np.uint8)
    assert color_change(color, brighter, 24.0).mean() < 0.01
    np.testing.assert_array_equal(
        color_change(color, frame().color, 24.0)[LOG.mask()].mean() > 0.95, True
    )


def test_colour_fills_what_depth_cannot_see() -> None:
    before, after = frame(LOG), frame()
    depth = before.depth.copy()
    depth[LOG.mask() & (np.arange(320)[None, :] > 170)] = np.nan
    torn = RgbdFrame(before.color, depth, INTRINSICS)
    (region,) = scene_change(torn, after, SceneChangeConfig()).removed
    assert (region.mask & LOG.mask()).sum() > 0.97 * LOG.mask().sum()
    assert region.unknown > 0.2


def test_frames_of_different_size_are_an_error() -> None:
    small = RgbdFrame(
        np.zeros((60, 80, 3), np.uint8),
        np.ones((60, 80), np.float32),
        INTRINSICS.cropped(0, 0, 80, 60),
    )
    with pytest.raises(FrameError, match="cannot be compared"):
        scene_change(frame(), small, SceneChangeConfig())


def test_refinement_removes_specks_and_fills_gaps_but_keeps_edges() -> None:
    mask = LOG.mask()
    rough = mask.copy()
    rng = np.random.default_rng(0)
    rough ^= rng.random(mask.shape) < 0.02
    clean = refine(rough, RefinementConfig())
    assert (clean & mask).sum() / (clean | mask).sum() > 0.96
    assert len(components(clean, 1)) == 1


def test_large_holes_are_part_of_the_shape() -> None:
    ring = Block(160, 120, 90, 90).mask() & ~Block(160, 120, 50, 50).mask()
    assert not refine(ring, RefinementConfig())[120, 160]


def test_the_gaussian_leaves_a_straight_edge_where_it_is() -> None:
    half = np.zeros((40, 40), bool)
    half[:, 20:] = True
    np.testing.assert_array_equal(soft_edges(half, 1.0)[20] >= 0.5, half[20])


def test_the_skeleton_is_thin_connected_and_inside() -> None:
    bones = skeleton(LOG.mask())
    assert not (bones & ~LOG.mask()).any()
    assert len(components(bones, 1)) == 1
    assert bones.sum() < 2 * LOG.length


@given(st.floats(0, np.pi), st.floats(1.6, 4.0))
@settings(max_examples=25)
def test_the_spine_runs_along_a_long_object(angle: float, ratio: float) -> None:
    spine = fit_spine(Block(160, 120, 24 * ratio, 24, angle).mask())
    assert spine is not None
    along = abs(spine.direction @ np.array([np.cos(angle), np.sin(angle)]))
    assert along > np.cos(np.radians(8))
    assert np.hypot(*(spine.origin - (160, 120))) < 1.5


def test_a_branch_hardly_turns_the_spine() -> None:
    mask = Block(160, 120, 120, 24).mask() | Block(185, 140, 10, 44).mask()
    spine = fit_spine(mask)
    assert spine is not None
    assert abs(spine.direction[1]) < np.sin(np.radians(6))


def test_an_empty_mask_has_no_spine_and_no_rectangle() -> None:
    empty = np.zeros((240, 320), bool)
    assert fit_spine(empty) is None
    depth = frame().depth
    assert propose(empty, depth, INTRINSICS, JawConfig(), ProposalConfig()).fitting == ()


@pytest.mark.parametrize("side", [1, 2, 3, 6])
def test_a_tiny_mask_breaks_nothing(side: int) -> None:
    mask = np.zeros((240, 320), bool)
    mask[100 : 100 + side, 100 : 100 + side] = True
    proposals = propose(mask, frame().depth, INTRINSICS, JawConfig(), ProposalConfig())
    for rectangle in proposals.fitting:
        assert np.hypot(rectangle.x - 100, rectangle.y - 100) < side + 2


def test_a_bent_object_gets_rectangles_only_where_the_segment_is_on_it() -> None:
    bent = Block(110, 120, 100, 20).mask() | Block(160, 165, 20, 110).mask()
    proposals = propose(bent, frame().depth, INTRINSICS, JawConfig(), ProposalConfig())
    for rectangle in proposals.fitting:
        assert bent[round(rectangle.y), round(rectangle.x)]


def test_proposals_are_denser_near_the_centre_of_mass() -> None:
    spine = Spine(np.zeros(2), np.array([1.0, 0.0]), -40.0, 60.0)
    offsets = np.sort(centre_offsets(spine, ProposalConfig(count=41)))
    assert offsets[0] >= -40.0
    assert offsets[-1] <= 60.0
    gaps = np.diff(offsets)
    assert gaps[np.argmin(np.abs(offsets[:-1]))] < 0.6 * gaps.max()


def test_the_jaw_decides_width_and_what_fits() -> None:
    mask, depth = LOG.mask(), frame(LOG).depth
    short = propose(mask, depth, INTRINSICS, JawConfig(plate_length=0.01), ProposalConfig())
    long = propose(mask, depth, INTRINSICS, JawConfig(plate_length=0.03), ProposalConfig())
    assert long.fitting[0].w == pytest.approx(3 * short.fitting[0].w)
    narrow = propose(mask, depth, INTRINSICS, JawConfig(maximum_opening=0.03), ProposalConfig())
    assert narrow.fitting == ()
    assert narrow.too_wide == ProposalConfig().count


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: DifferenceConfig(noise=-1.0),
        lambda: DifferenceConfig(weak=7.0),
        lambda: RefinementConfig(sigma=0.0),
        lambda: JawConfig(minimum_opening=0.2),
        lambda: ProposalConfig(count=0),
        lambda: SceneChangeConfig(step=1.0),
    ],
)
def test_impossible_configurations_are_refused(wrong: object) -> None:
    with pytest.raises(ConfigError):
        wrong()  # type: ignore[operator]


def test_the_papers_pipeline_labels_a_clean_removal() -> None:
    before, after = frame(LOG), frame()
    mask, proposals = annotate_as_paper(before, after, PaperPipelineConfig())
    assert mask_iou(mask, LOG.mask()) > 0.98
    assert len(proposals.fitting) == PaperPipelineConfig().proposals.count


def test_the_papers_pipeline_takes_an_added_object_for_a_removed_one() -> None:
    mask, _ = annotate_as_paper(frame(), frame(LOG), PaperPipelineConfig())
    assert mask_iou(mask, LOG.mask()) > 0.98


def test_pixels_that_saw_object_and_floor_at_once_do_not_widen_the_mask() -> None:
    block, floor = Block(160, 120, length=60, width=40), frame()
    mask = block.mask()
    rim = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~mask
    mixed = frame(block).depth.copy()
    mixed[rim] -= 0.4 * block.height
    before = RgbdFrame(frame(block).color, mixed, INTRINSICS)
    found = scene_change(before, floor, SceneChangeConfig())
    assert mask_iou(found.mask, mask) > 0.98
    naive = scene_change(before, floor, SceneChangeConfig(mixed=0.0))
    assert mask_iou(naive.mask, mask) < 0.96


def test_a_surface_that_ends_gently_keeps_its_rim() -> None:
    radius = np.hypot(COLUMNS - 160, ROWS - 120)
    height = np.clip(0.04 - 0.001 * radius, 0, None)  # a cone, 1 mm lower per pixel
    before = RgbdFrame(frame().color, (CAMERA_HEIGHT - height).astype(np.float32), INTRINSICS)
    masks = [
        scene_change(before, frame(), SceneChangeConfig(mixed=share)).mask for share in (0.5, 0.0)
    ]
    np.testing.assert_array_equal(masks[0], masks[1])
