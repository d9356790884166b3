"""Real cameras, real clutter: where points may lie was marked by hand in the color images."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.predictor import AffordancePredictor, Prediction, PredictorConfig
from grasp_affordance.cell import Cup
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence
from grasp_affordance.suction import Rejection, SuctionPoint

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the recorded scenes are not beside the repository"
)

Polygon = list[tuple[int, int]]  # pixels (u, v)

WHISK: Polygon = [
    (198, 214),
    (226, 214),
    (252, 276),
    (330, 380),
    (325, 442),
    (235, 440),
    (224, 300),
]
TORCH: Polygon = [(274, 186), (362, 194), (358, 234), (276, 222)]
SCISSORS: Polygon = [(266, 142), (340, 144), (378, 168), (378, 184), (300, 186), (266, 178)]
OBJECTS: dict[tuple[str, str], list[Polygon]] = {
    ("bin_four_then_empty", "0000"): [WHISK, TORCH, SCISSORS],
    ("tote_mixed", "0000"): [[(185, 108), (472, 105), (492, 474), (165, 474)]],
    ("tote_packed_boxes", "0000"): [
        [
            (214, 12),
            (1018, 12),
            (1018, 140),
            (1140, 150),
            (1062, 690),
            (172, 690),
            (112, 150),
            (214, 150),
        ],
    ],
    ("table_ycb", "0000"): [
        [(294, 165), (432, 118), (482, 138), (466, 262), (322, 338), (294, 328)],  # crackers
        [
            (128, 352),
            (190, 340),
            (202, 362),
            (272, 455),
            (262, 478),
            (200, 464),
            (136, 400),
        ],  # banana
        [
            (42, 266),
            (190, 248),
            (282, 330),
            (265, 368),
            (215, 338),
            (100, 338),
            (75, 368),
            (44, 358),
        ],
        [(338, 200), (407, 200), (402, 442), (318, 448)],  # mustard
        [(392, 242), (470, 248), (462, 382), (388, 382)],  # soup
    ],
    ("table_ycb", "0001"): [
        [(194, 290), (304, 284), (338, 437), (220, 450)],  # sugar
        [(60, 320), (208, 330), (208, 378), (62, 390)],  # scissors
        [(236, 28), (302, 28), (310, 292), (210, 292)],  # bleach
        [(300, 156), (414, 148), (414, 304), (304, 328)],  # coffee
        [(366, 265), (420, 243), (506, 300), (497, 362), (396, 358)],  # soup
    ],
}
FORBIDDEN: dict[tuple[str, str], list[Polygon]] = {
    ("tote_mixed", "0000"): [
        [(155, 112), (250, 106), (264, 215), (236, 248), (180, 238)],  # mesh basket
        [(325, 392), (440, 376), (492, 386), (494, 455), (440, 472), (350, 456)],  # wine glass
    ],
    ("tote_packed_boxes", "0000"): [
        [
            (728, 590),
            (745, 568),
            (775, 565),
            (800, 590),
            (830, 625),
            (870, 655),
            (905, 690),
            (935, 719),
            (760, 719),
            (770, 690),
            (755, 650),
            (735, 620),
        ],  # the robot's tool
    ],
}


def inside(point: SuctionPoint, polygons: list[Polygon]) -> bool:
    return any(
        cv2.pointPolygonTest(np.array(p, np.int32), (float(point.u), float(point.v)), False) >= 0
        for p in polygons
    )


def evaluate(
    scene: str, name: str, cup: Cup | None = None, known: bool = True
) -> tuple[RgbdFrame, Prediction]:
    sequence = Sequence(REAL / scene)
    frame, camera = sequence.read(name), sequence.camera
    view = BinView()
    if known:
        view = BinView(T_base_camera=camera.T_base_camera, polygon=camera.region)
    # Where points lie is asked of all that is offered, however little it promises.
    candidates = CandidateConfig(min_probability=0.02)
    config = PredictorConfig(cup=cup or Cup(), candidates=candidates)
    return frame, AffordancePredictor(config).predict(frame, view)


@pytest.mark.parametrize(("scene", "name"), OBJECTS)
def test_the_best_points_lie_on_objects(scene: str, name: str) -> None:
    _, prediction = evaluate(scene, name)
    points = prediction.selection.points
    assert points
    for point in points:
        assert inside(point, OBJECTS[scene, name]), (point.u, point.v)
        assert not inside(point, FORBIDDEN.get((scene, name), [])), (point.u, point.v)


# In tote_mixed half of a second tote is in view, and nobody says which one is meant.
@pytest.mark.parametrize(("scene", "name"), [key for key in OBJECTS if key[0] != "tote_mixed"])
def test_the_best_points_lie_on_objects_where_nothing_is_known_of_the_bin(
    scene: str, name: str
) -> None:
    _, prediction = evaluate(scene, name, known=False)
    for point in prediction.selection.points[:5]:
        assert inside(point, OBJECTS[scene, name]), (point.u, point.v)
        assert not inside(point, FORBIDDEN.get((scene, name), [])), (point.u, point.v)


@pytest.mark.parametrize(("scene", "name"), OBJECTS)
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


@pytest.mark.parametrize("known", [True, False])
def test_the_empty_bin_has_no_point_and_the_reason(known: bool) -> None:
    _, prediction = evaluate("bin_four_then_empty", "0001", known=known)
    assert prediction.selection.points == ()
    assert prediction.selection.rejections[Rejection.EMPTY_BIN] == 1
    assert prediction.selection.rejections[Rejection.BACKGROUND] > 100_000


@pytest.mark.parametrize("radius", [0.006, 0.015])
@pytest.mark.parametrize("scene", ["bin_four_then_empty", "tote_packed_boxes"])
def test_no_cup_makes_a_point_of_a_floor_or_a_tool(scene: str, radius: float) -> None:
    cup = Cup(radius=radius)
    for point in evaluate(scene, "0000", cup)[1].selection.points:
        assert inside(point, OBJECTS[scene, "0000"]), (point.u, point.v)
        assert not inside(point, FORBIDDEN.get((scene, "0000"), [])), (point.u, point.v)
    if scene == "bin_four_then_empty":
        assert evaluate(scene, "0001", cup)[1].selection.points == ()


def test_the_empty_frame_as_reference_leaves_objects_only() -> None:
    sequence = Sequence(REAL / "bin_four_then_empty")
    view = BinView(
        T_base_camera=sequence.camera.T_base_camera,
        polygon=sequence.camera.region,
        empty=sequence.read("0001"),
    )
    predictor = AffordancePredictor(PredictorConfig(cup=Cup(radius=0.006)))
    prediction = predictor.predict(sequence.read("0000"), view)
    assert prediction.selection.points
    assert all(inside(point, [WHISK, TORCH, SCISSORS]) for point in prediction.selection.points)
    assert predictor.predict(sequence.read("0001"), view).selection.points == ()
