"""What the rule of the highest point prefers, and what it respects."""

import numpy as np
import pytest
from policies.views import add_block, at, empty, look_down, view_of

from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import transform_points
from grasp_affordance.policies.highest_point import HighestPoint
from grasp_affordance.policies.policy import View
from grasp_affordance.policies.ranking import RankingConfig
from grasp_affordance.suction import Rejection, Source

POLICY = HighestPoint()


def two_blocks() -> np.ndarray:
    return add_block(add_block(empty(), -0.08, 0.05, 0.06, 0.04), 0.08, -0.05, 0.06, 0.07)


def base_positions(view: View) -> np.ndarray:
    positions = [point.position for point in POLICY.choose(view).points]
    return transform_points(view.T_base_camera, np.reshape(positions, (-1, 3)))


def test_the_same_view_and_generator_give_the_same_points() -> None:
    first, second = (POLICY.choose(view_of(two_blocks(), seed=3)) for _ in range(2))
    assert [(p.u, p.v) for p in first.points] == [(p.u, p.v) for p in second.points]
    assert len(first.points) > 3


def test_points_lie_within_the_walls_and_apart() -> None:
    view = view_of(two_blocks(), noise=0.001)
    positions = base_positions(view)
    assert view.bin.contains(positions + np.array([0.0, 0.0, 0.01]), margin=0.02).all()
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    assert apart[np.triu_indices(len(positions), 1)].min() > RankingConfig().spacing


def test_points_near_remembered_failures_are_not_proposed() -> None:
    before = base_positions(view_of(two_blocks()))
    selection = POLICY.choose(view_of(two_blocks(), failed=before[:3], radius=0.02))
    after = transform_points(look_down(), np.array([p.position for p in selection.points]))
    assert np.linalg.norm(after[:, None] - before[None, :3], axis=-1).min() > 0.02
    assert selection.rejections[Rejection.RECENTLY_FAILED] > 0


def test_points_have_depth() -> None:
    heights = two_blocks()
    heights[:, :170] = np.nan
    selection = POLICY.choose(view_of(heights))
    assert all(np.isfinite(point.position).all() for point in selection.points)
    assert all(point.u >= 170 for point in selection.points)
    assert selection.rejections[Rejection.NO_DEPTH] == 170 * 240


def test_points_name_their_source_and_face_the_camera() -> None:
    for point in POLICY.choose(view_of(two_blocks())).points:
        assert point.source is Source.BASELINE
        assert point.normal @ point.position < 0
        assert np.linalg.norm(point.normal) == pytest.approx(1.0)


def test_an_empty_bin_gives_no_point_and_the_reason() -> None:
    selection = POLICY.choose(view_of(empty(), noise=0.0005))
    assert selection.points == ()
    assert selection.rejections[Rejection.OUTSIDE_REGION] > 0


def test_the_highest_point_is_on_the_highest_block() -> None:
    best = HighestPoint().choose(view_of(two_blocks(), noise=0.0005)).points[0]
    u, v = at(0.08, -0.05, 0.07)
    assert abs(best.u - u) < 15
    assert abs(best.v - v) < 15


def test_a_single_flying_pixel_is_not_the_highest_point() -> None:
    heights = two_blocks()
    heights[100, 120] = 0.2
    best = HighestPoint().choose(view_of(heights)).points[0]
    assert (best.u, best.v) != (120, 100)


def test_failed_points_must_be_points() -> None:
    with pytest.raises(ConfigError, match=r"\(N, 3\)"):
        view_of(empty(), failed=np.zeros(3))


def test_a_ranking_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError):
        RankingConfig(count=0)


def test_among_equal_heights_the_choice_is_random() -> None:
    policy = HighestPoint(RankingConfig(count=1))
    heights = add_block(empty(), 0.0, 0.0, 0.20, 0.05)
    picks = [policy.choose(view_of(heights, seed=seed)).points[0] for seed in range(20)]
    assert np.std([point.u for point in picks]) > 10
    assert np.std([point.v for point in picks]) > 10
