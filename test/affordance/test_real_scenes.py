"""Real cameras, real clutter: what may be picked was marked by hand in the color images.

test/data/real_masks/ holds the outlines of each scene, pixels [u, v]: `objects` that a cup may
take, `transparent` ones, which the cameras see through, and what is `in_front` of objects and may
not be touched: a basket of mesh, the robot's own tool.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.predictor import AffordancePredictor, Prediction, PredictorConfig
from grasp_affordance.affordance.shipped import require_shipped_weights
from grasp_affordance.arrays import Mask
from grasp_affordance.cell import Cup
from grasp_affordance.models import LearnedModel, load_model
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence
from grasp_affordance.suction import Rejection, Source, SuctionPoint

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the recorded scenes are not beside the repository"
)
MASKS = Path(__file__).resolve().parents[1] / "data" / "real_masks"
EMPTY = ("bin_four_then_empty", "0001")
SCENES = [("bin_four_then_empty", "0000"), ("tote_mixed", "0000"), ("tote_packed_boxes", "0000")]
SCENES += [("table_ycb", "0000"), ("table_ycb", "0001")]
SOURCES = [Source.PRIOR, Source.LEARNED]
ALIGNED = 5  # pixels by which the depth of these cameras shows an object wider than the color does
"""E.g. the left end of the torch in the bin: column 274 in the depth, 280 in the color."""


def drawn(polygons: dict[str, list[list[int]]], shape: tuple[int, int]) -> Mask:
    """Return the pixels (H, W) inside of any of the polygons."""
    mask = np.zeros(shape, np.uint8)
    for polygon in polygons.values():
        cv2.fillPoly(mask, [np.array(polygon, np.int32)], 1)
    return mask > 0


def pickable(scene: str, name: str, shape: tuple[int, int]) -> Mask:
    """Return the pixels (H, W) at which a cup may be put down."""
    outlines = json.loads((MASKS / f"{scene}.{name}.json").read_text())
    reach = np.ones((2 * ALIGNED + 1,) * 2, np.uint8)
    objects = cv2.dilate(drawn(outlines["objects"], shape).view(np.uint8), reach) > 0
    return objects & ~drawn(outlines["transparent"] | outlines["in_front"], shape)


@cache
def weights() -> LearnedModel:
    return load_model(require_shipped_weights())


def evaluate(
    scene: str,
    name: str,
    cup: Cup | None = None,
    known: bool = True,
    source: Source = Source.PRIOR,
    least: float = 0.02,
) -> tuple[RgbdFrame, Prediction]:
    """Predict, as a cell does that knows its camera's pose and region, or nothing at all.

    Where points lie is asked of all that is offered, however little it promises.
    """
    sequence = Sequence(REAL / scene)
    frame, camera = sequence.read(name), sequence.camera
    view = BinView()
    if known:
        view = BinView(T_base_camera=camera.T_base_camera, polygon=camera.region)
    config = PredictorConfig(source=source, cup=cup or Cup())
    config = replace(config, candidates=replace(config.candidates, min_probability=least))
    model = weights() if source is Source.LEARNED else None
    return frame, AffordancePredictor(config, model).predict(frame, view)


def off_the_objects(
    scene: str, name: str, points: tuple[SuctionPoint, ...], shape: tuple[int, int]
) -> list[tuple[int, int]]:
    mask = pickable(scene, name, shape)
    return [(point.u, point.v) for point in points if not mask[point.v, point.u]]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("scene", "name"), SCENES)
def test_the_best_five_points_lie_on_objects(
    scene: str, name: str, source: Source, known: bool
) -> None:
    frame, prediction = evaluate(scene, name, known=known, source=source)
    points = prediction.selection.points[:5]
    assert points
    assert off_the_objects(scene, name, points, frame.shape) == []


@pytest.mark.parametrize(("scene", "name"), SCENES)
def test_all_points_of_the_prior_lie_on_objects(scene: str, name: str) -> None:
    frame, prediction = evaluate(scene, name)
    assert off_the_objects(scene, name, prediction.selection.points, frame.shape) == []


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("source", SOURCES)
def test_the_empty_bin_has_no_point_and_the_reason(source: Source, known: bool) -> None:
    _, prediction = evaluate(*EMPTY, known=known, source=source, least=0.0)
    assert prediction.selection.points == ()
    assert prediction.selection.rejections[Rejection.EMPTY_BIN] == 1
    assert prediction.selection.rejections[Rejection.BACKGROUND] > 100_000


@pytest.mark.parametrize(("scene", "name"), [*SCENES, EMPTY])
def test_every_scene_has_its_masks(scene: str, name: str) -> None:
    frame = Sequence(REAL / scene).read(name)
    share = pickable(scene, name, frame.shape).mean()
    assert (share == 0) if (scene, name) == EMPTY else (0.03 < share < 0.9)


@pytest.mark.parametrize(("scene", "name"), SCENES)
def test_good_points_are_away_from_edges_and_holes(scene: str, name: str) -> None:
    """Measured on the raw depth, not on what the predictor made of it."""
    frame, prediction = evaluate(scene, name)
    radius = Cup().radius
    for point in prediction.selection.points:
        if point.probability < 0.5:
            continue
        points = frame.intrinsics.deproject_image(frame.depth) - point.position
        under_cup = (
            np.linalg.norm(points - (points @ point.normal)[..., None] * point.normal, axis=-1)
            < 0.8 * radius
        )
        window = np.zeros(frame.shape, np.bool_)
        reach = int(1.5 * radius * frame.intrinsics.fx / point.position[2])
        window[point.v - reach : point.v + reach, point.u - reach : point.u + reach] = True
        heights = (points @ point.normal)[under_cup & window]
        assert np.abs(heights).max() < 0.006, (point.u, point.v)
        half = reach // 3
        core = frame.depth[point.v - half : point.v + half, point.u - half : point.u + half]
        assert np.isfinite(core).mean() > 0.95, (point.u, point.v)


@pytest.mark.parametrize("radius", [0.006, 0.015])
@pytest.mark.parametrize("scene", ["bin_four_then_empty", "tote_packed_boxes"])
def test_no_cup_makes_a_point_of_a_floor_or_a_tool(scene: str, radius: float) -> None:
    cup = Cup(radius=radius)
    frame, prediction = evaluate(scene, "0000", cup)
    assert off_the_objects(scene, "0000", prediction.selection.points, frame.shape) == []
    if scene == "bin_four_then_empty":
        assert evaluate(*EMPTY, cup)[1].selection.points == ()


def test_the_empty_frame_as_reference_leaves_objects_only() -> None:
    scene, name = "bin_four_then_empty", "0000"
    sequence = Sequence(REAL / scene)
    view = BinView(
        T_base_camera=sequence.camera.T_base_camera,
        polygon=sequence.camera.region,
        empty=sequence.read("0001"),
    )
    predictor = AffordancePredictor(PredictorConfig(cup=Cup(radius=0.006)))
    frame = sequence.read(name)
    points = predictor.predict(frame, view).selection.points
    assert points
    assert off_the_objects(scene, name, points, frame.shape) == []
    assert predictor.predict(sequence.read("0001"), view).selection.points == ()
