"""Coarse views are what a hurried person would mark: free objects, roughly, the same for a seed."""

import numpy as np

from grasp_affordance.evaluation.coarse_views import HandConfig, coarse_views, marked
from grasp_affordance.sim import Hardness, SimConfig

CAREFUL = HandConfig(slip=0.0)


def test_free_objects_are_marked_inside_and_covered_or_tiny_ones_are_not() -> None:
    ids = np.full((120, 160), -1, np.int32)
    ids[20:60, 20:80], ids[70:110, 20:80], ids[5:10, 100:105] = 0, 1, 2
    good = marked(ids, [0, 2], np.random.default_rng(0), CAREFUL)
    assert good[40, 50]
    assert set(ids[good]) == {0}
    assert not good[20:24, 20:80].any()  # nobody marks up to the edge
    slipped = marked(ids, [0, 2], np.random.default_rng(0), HandConfig(slip=5.0))
    assert slipped.any()
    assert (slipped != good).any()


def test_views_of_a_seed_are_the_same_and_show_marked_objects_in_every_pile() -> None:
    base = SimConfig(hardness=Hardness.REALISTIC, seed=2)
    first, again = (coarse_views(2, "train", base) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.good, other.good)
        np.testing.assert_array_equal(one.frame.color, other.frame.color)
        assert one.region is not None
        on_objects = (one.good & one.region).sum() / one.good.sum()
        assert on_objects > 0.8
        assert 0 < one.good.sum() < one.region.sum()
    assert (first[0].frame.color != first[1].frame.color).any()
