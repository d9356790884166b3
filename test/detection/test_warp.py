import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, Block, frame
from helpers.detection_scenes import JAW, block_sample
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp_affordance.annotation.metrics import mask_iou, rectangle_iou
from grasp_affordance.annotation.rectangles import ProposalConfig, propose
from grasp_affordance.detection.dense.detector import DenseDetector
from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.room import rectangle_mask
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.training.augmentation import (
    AugmentationConfig,
    disturb,
    random_view,
)
from grasp_affordance.detection.warp import Similarity, warp_frame, warp_sample
from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.annotation.detector import PaperDetector
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig
from grasp_affordance.rectangle import GraspRectangle

similarities = st.builds(
    Similarity,
    scale=st.floats(0.2, 4.0),
    angle=st.floats(-7.0, 7.0),
    shift=st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
)
rectangles = st.builds(
    GraspRectangle,
    x=st.floats(-50, 400),
    y=st.floats(-50, 400),
    theta=st.floats(0, 3.1415),
    w=st.floats(1, 80),
    h=st.floats(1, 80),
)


@given(similarities, rectangles)
def test_a_transform_moves_a_rectangle_as_it_moves_its_corners(
    move: Similarity, rectangle: GraspRectangle
) -> None:
    moved, corners = move.rectangle(rectangle).corners(), move.points(rectangle.corners())
    turned = np.roll(corners, 2, axis=0)  # theta and theta + pi are the same grasp
    assert np.allclose(moved, corners, atol=1e-6) or np.allclose(moved, turned, atol=1e-6)


@given(similarities, similarities, rectangles)
def test_there_and_back_again_is_where_it_was(
    first: Similarity, second: Similarity, rectangle: GraspRectangle
) -> None:
    both = second.after(first)
    points = rectangle.corners()
    assert np.allclose(both.points(points), second.points(first.points(points)), atol=1e-5)
    assert np.allclose(both.inverse.points(both.points(points)), points, atol=1e-5)


@settings(max_examples=12, deadline=None)
@given(st.floats(0.4, 2.0), st.floats(-3.2, 3.2), st.floats(-20, 20), st.floats(-20, 20))
def test_image_depth_and_labels_move_together(
    scale: float, angle: float, du: float, dv: float
) -> None:
    """What is measured in the moved image is the moved measurement of the first image."""
    block = Block(160, 120, length=64, width=28, angle=0.4)
    view = frame(block)
    grasps = propose(block.mask(), view.depth, INTRINSICS, JAW, ProposalConfig()).fitting
    sample = GraspSample("block", view, grasps, block.mask())
    size = (320, 240)
    move = Similarity.about((160, 120), (160 + du, 120 + dv), scale, angle)
    moved = warp_sample(sample, move, size)
    on_block = moved.frame.depth < 0.78
    assert mask_iou(on_block, moved.known) > 0.99
    red, _, blue = np.moveaxis(moved.frame.color.astype(int), -1, 0)
    assert mask_iou(blue - red > 80, moved.known) > 0.9  # half of the block's color
    assert len(moved.rectangles) == len(grasps)
    for rectangle in moved.rectangles:
        covered = rectangle_mask(rectangle, moved.known.shape)
        assert moved.known[covered].mean() > 0.85
        wider = GraspRectangle(
            rectangle.x, rectangle.y, rectangle.theta, rectangle.w, rectangle.h * 1.4
        )
        assert moved.known[rectangle_mask(wider, moved.known.shape)].mean() < 0.8


@pytest.mark.parametrize("scale", [0.3, 0.71, 1.0, 1.9])
def test_a_moved_image_shows_each_place_where_the_transform_says(scale: float) -> None:
    """A bright blob's centre of mass lands within a third of a pixel."""
    view = frame()
    v, u = np.mgrid[:240, :320]
    spot = (200 * np.exp(-((u - 171.3) ** 2 + (v - 97.6) ** 2) / (2 * 8.0**2))).astype(np.uint8)
    view = type(view)(np.repeat(spot[..., None], 3, 2), view.depth, view.intrinsics)
    move = Similarity.about((160, 120), (150, 125), scale, 0.9)
    moved = warp_frame(view, move, (320, 240)).color[..., 0].astype(float)
    rows, columns = np.mgrid[:240, :320]
    centre = np.array([(columns * moved).sum(), (rows * moved).sum()]) / moved.sum()
    assert np.linalg.norm(centre - move.points((171.3, 97.6))) < 0.34


def test_depth_is_never_mixed_across_an_edge() -> None:
    view = frame(Block(160, 120, 60, 30, 0.4, height=0.2))
    moved = warp_frame(view, Similarity.about((160, 120), (160, 120), 1.3, 0.5), (320, 240))
    values = np.unique(np.round(moved.depth[moved.known], 4))
    assert set(values) == {np.float32(0.6), np.float32(0.8)}


@pytest.mark.parametrize(
    "detector",
    [DenseDetector(DenseConfig(crop=128)), PaperDetector(AnnotationPaperConfig("resnet18"))],
    ids=["dense", "paper"],
)
def test_random_views_keep_grasps_on_their_objects(
    detector: DenseDetector | PaperDetector,
) -> None:
    sample = block_sample(3)
    rng = np.random.default_rng(0)
    config = AugmentationConfig(color=0.0, depth_noise=0.0)
    seen = []
    for _ in range(20):
        view = random_view(sample, detector, config, rng)
        assert view.frame.shape == detector.training_size[::-1]
        for rectangle in view.rectangles:
            u, v = round(rectangle.x), round(rectangle.y)
            around = view.frame.depth[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2]
            seen.append(np.nanmedian(around) < 0.79)  # on a block, not on the floor at 0.8 m
            assert view.known[min(v, view.known.shape[0] - 1), min(u, view.known.shape[1] - 1)]
    assert len(seen) > 50
    assert np.mean(seen) > 0.97


def test_nothing_is_known_outside_the_moved_frame() -> None:
    sample = block_sample(3)
    moved = warp_sample(sample, Similarity(shift=(40.0, 0.0)), (320, 240))
    assert not moved.known[:, :40].any()
    assert moved.known[:, 41:].all()
    assert np.isnan(moved.frame.depth[:, :40]).all()


def test_a_grasp_that_leaves_the_view_is_dropped() -> None:
    sample = block_sample(3)
    first = sample.rectangles[0]
    moved = warp_sample(sample, Similarity(shift=(-first.x - 5, 0.0)), (320, 240))
    assert len(moved.rectangles) < len(sample.rectangles)
    assert all(-0.5 <= rectangle.x < 319.5 for rectangle in moved.rectangles)


def test_other_light_and_noise_leave_the_labels_alone() -> None:
    sample = block_sample(3)
    disturbed = disturb(sample, AugmentationConfig(), np.random.default_rng(1))
    assert disturbed.rectangles == sample.rectangles
    assert not np.array_equal(disturbed.frame.color, sample.frame.color)
    difference = (disturbed.frame.depth - sample.frame.depth)[sample.frame.known]
    assert 0.0004 < difference.std() < 0.0009  # 1 mm at 1 m, seen from 0.8 m
    assert np.array_equal(disturbed.frame.known, sample.frame.known)


def test_the_angle_of_a_turned_rectangle_stays_in_its_range() -> None:
    rectangle = GraspRectangle(10, 10, 0.0, 4, 8)
    for angle in (-1e-18, np.pi, -np.pi, 2 * np.pi, 1e9):
        turned = Similarity(angle=angle).rectangle(rectangle)
        assert 0 <= turned.theta < np.pi
    half = Similarity.about((10, 10), (10, 10), 1.0, np.pi).rectangle(rectangle)
    assert rectangle_iou(half, rectangle) == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [{"scale": 0.9}, {"rotation": -1.0}, {"targeted": 1.5}])
def test_impossible_augmentation_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="augmentation"):
        AugmentationConfig(**wrong)  # type: ignore[arg-type]
