"""Masks, suppression and ranking."""

import numpy as np
import pytest
from helpers.rendered_scene import Block, camera_at, floor, render

from grasp_affordance.affordance.bin.region import BinView, find_region
from grasp_affordance.affordance.candidates import CandidateConfig, Scene, process, select
from grasp_affordance.affordance.seal.seal import seal_prior
from grasp_affordance.affordance.surface.surface import observe_surface
from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import transform_points
from grasp_affordance.suction import Failures, Order, Rejection, Selection, Source

T = camera_at(65, 0.7)
CUP = Cup()
SOLIDS = [
    floor(),
    Block((-0.10, -0.12, 0.0), (-0.02, -0.02, 0.04)),
    Block((0.00, 0.02, 0.0), (0.10, 0.14, 0.07)),
]


@pytest.fixture(scope="module")
def scene() -> Scene:
    surface = observe_surface(render(SOLIDS, T, noise=0.0005, holes=0.005), CUP.radius)
    view = BinView(T_base_camera=T)
    region = find_region(surface, view, CUP.radius, np.random.default_rng(0))
    return Scene(surface, seal_prior(surface, CUP, region.up), region, CUP.radius, T)


def in_base(selection: Selection) -> np.ndarray:
    """Return the positions (N, 3) in the base frame."""
    return transform_points(T, [point.position for point in selection.points])


def changed(scene: Scene, **values: object) -> Scene:
    fields = ("surface", "seal", "region", "radius", "T_base_camera", "failures")
    return Scene(**({name: getattr(scene, name) for name in fields} | values))


def test_points_are_ranked_apart_and_on_objects(scene: Scene) -> None:
    config = CandidateConfig(count=8, spacing=0.025)
    selection = select(scene.seal.score, scene, Source.PRIOR, config)
    probabilities = [point.probability for point in selection.points]
    assert len(probabilities) == 8
    assert probabilities == sorted(probabilities, reverse=True)
    points = in_base(selection)
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert gaps[~np.eye(8, dtype=bool)].min() >= 0.025
    tops = np.isclose(points[:, 2], 0.04, atol=0.003) | np.isclose(points[:, 2], 0.07, atol=0.003)
    assert tops.all()


def test_points_come_in_the_order_that_is_asked_for(scene: Scene) -> None:
    highest = CandidateConfig(count=3, order=Order.HEIGHT)
    points = in_base(select(scene.seal.score, scene, Source.PRIOR, highest))
    np.testing.assert_allclose(points[:, 2], 0.07, atol=0.003)
    target = (-0.06, -0.07, 0.04)
    nearest = CandidateConfig(count=3, order=Order.NEAREST, near=target)
    selection = select(scene.seal.score, scene, Source.PRIOR, nearest)
    distances = np.linalg.norm(in_base(selection) - target, axis=-1)
    assert distances[0] < 0.02
    assert (np.diff(distances) >= 0).all()
    assert all(point.probability >= nearest.min_probability for point in selection.points)


def test_the_nearest_points_need_the_cameras_pose(scene: Scene) -> None:
    config = CandidateConfig(order=Order.NEAREST)
    with pytest.raises(ConfigError, match="pose"):
        select(scene.seal.score, changed(scene, T_base_camera=None), Source.PRIOR, config)


def test_a_point_is_consistent_with_its_pixel_and_surface(scene: Scene) -> None:
    for point in select(scene.seal.score, scene, Source.LEARNED).points:
        np.testing.assert_allclose(
            scene.surface.camera.project(point.position), [point.u, point.v], atol=1e-6
        )
        assert np.linalg.norm(point.normal) == pytest.approx(1, abs=1e-5)
        assert point.normal @ T[2, :3] > np.cos(np.radians(8))  # both tops are level
        assert point.source is Source.LEARNED


def test_every_pixel_is_accounted_for_once(scene: Scene) -> None:
    selection = select(scene.seal.score, scene, Source.PRIOR)
    stride = 240 // scene.surface.shape[0]
    chosen = len(selection.points) * stride**2
    assert sum(selection.rejections.values()) + chosen == 240 * 320
    masks = process(scene.seal.score, scene, CandidateConfig())[1]
    assert np.sum(list(masks.values()), axis=0).max() == 1


def test_causes_lie_where_they_belong(scene: Scene) -> None:
    masks = process(scene.seal.score, scene, CandidateConfig(min_probability=0.3))[1]
    heights = (scene.surface.points @ T[:3, :3].T + T[:3, 3])[..., 2]
    assert (heights[masks[Rejection.BACKGROUND]] < 0.012).all()
    assert np.isnan(heights[masks[Rejection.NO_DEPTH]]).all()
    side = (heights > 0.02) & (heights < 0.03) & (scene.seal.tilt > 1.0)
    assert side.sum() > 20
    assert (masks[Rejection.TOO_STEEP] | masks[Rejection.NEAR_WALL])[side].mean() > 0.9


def test_an_equal_map_prefers_the_top_of_the_pile(scene: Scene) -> None:
    equal = np.full(scene.surface.shape, 0.7, np.float32)
    selection = select(equal, scene, Source.LEARNED, CandidateConfig(count=1, smoothing=0.0))
    assert in_base(selection)[0, 2] == pytest.approx(0.07, abs=0.003)


def test_recently_failed_places_are_avoided(scene: Scene) -> None:
    config = CandidateConfig(count=5)
    best = in_base(select(scene.seal.score, scene, Source.PRIOR, config))[:2]
    again = select(
        scene.seal.score,
        changed(scene, failures=Failures(avoided=best, radius=0.02)),
        Source.PRIOR,
        config,
    )
    gaps = np.linalg.norm(in_base(again)[:, None] - best[None], axis=-1)
    assert len(again.points) == 5
    assert gaps.min() > 0.018  # of the pixel's own depth, not of its cell's
    assert again.rejections[Rejection.RECENTLY_FAILED] > 100


def test_nothing_is_offered_outside_the_workspace(scene: Scene) -> None:
    config = CandidateConfig(workspace_min=(-1, 0, 0), workspace_max=(1, 1, 1))
    selection = select(scene.seal.score, scene, Source.PRIOR, config)
    assert selection.points
    assert (in_base(selection)[:, 1] > -0.002).all()
    assert selection.rejections[Rejection.OUTSIDE_WORKSPACE] > 100


def test_an_unlikely_map_yields_reasons_only(scene: Scene) -> None:
    selection = select(np.zeros(scene.surface.shape, np.float32), scene, Source.LEARNED)
    assert selection.points == ()
    assert selection.rejections[Rejection.BELOW_THRESHOLD] > 100
    assert Rejection.SUPPRESSED not in selection.rejections


def test_the_threshold_and_the_count_are_kept(scene: Scene) -> None:
    best = select(scene.seal.score, scene, Source.PRIOR).points[0].probability
    config = CandidateConfig(min_probability=best + 0.01)
    assert not select(scene.seal.score, scene, Source.PRIOR, config).points
    config = CandidateConfig(count=2)
    assert len(select(scene.seal.score, scene, Source.PRIOR, config).points) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"min_probability": 1.5},
        {"spacing": -0.1},
        {"max_tilt": 0.0},
        {"workspace_min": (1.0, 0.0, 0.0), "workspace_max": (0.0, 1.0, 1.0)},
    ],
)
def test_senseless_settings_are_refused(changes: dict) -> None:
    with pytest.raises(ConfigError, match="candidates"):
        CandidateConfig(**changes)


def test_a_failure_sinks_the_odds_of_its_surroundings_by_the_doubt(scene: Scene) -> None:
    config = CandidateConfig(smoothing=0.0, failure_penalty=1.3)
    best = in_base(select(scene.seal.score, scene, Source.PRIOR, config))[:1]
    scores = np.full(scene.surface.shape, 0.6, np.float32)
    before, _ = process(scores, scene, config)
    twice = Failures(np.repeat(best, 2, axis=0))
    after, _ = process(scores, changed(scene, failures=twice), config)
    base = transform_points(T, scene.surface.points)
    distance = np.linalg.norm(base - best[0], axis=-1)
    evaluated = before > 0
    sunk = np.log(0.6 / 0.4) - 2 * 1.3 * np.exp(-(distance**2) / (2 * config.failure_reach**2))
    np.testing.assert_allclose(after[evaluated], 1 / (1 + np.exp(-sunk[evaluated])), atol=1e-3)


def test_what_failed_twice_yields_to_what_has_not_been_tried(scene: Scene) -> None:
    config = CandidateConfig(count=1)
    first = in_base(select(scene.seal.score, scene, Source.PRIOR, config))
    there = changed(scene, failures=Failures(np.repeat(first, 2, axis=0), first))
    second = in_base(select(scene.seal.score, there, Source.PRIOR, config))
    assert np.linalg.norm(second - first) > 0.04


def test_certain_scores_stay_certain_beside_a_failure(scene: Scene) -> None:
    failed = Failures(in_base(select(scene.seal.score, scene, Source.PRIOR))[:1])
    for value in (0.0, 1.0):
        scores = np.full(scene.surface.shape, value, np.float32)
        after, _ = process(scores, changed(scene, failures=failed), CandidateConfig(smoothing=0.0))
        assert np.isin(after, (0.0, value)).all()
