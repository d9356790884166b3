"""Piles that are taken apart one by one, and pictures of them beside each other."""

import numpy as np

from grasp_affordance.sim import Hardness
from research.report.panels import side_by_side
from research.unloading import unload


def test_a_pile_is_looked_at_once_per_object_until_it_is_empty() -> None:
    left, seeds, seen = [], [], []
    for view in unload("lids", [3], Hardness.REALISTIC):
        left.append(len(view.cell.oracle.objects()))
        seeds.append((view.scene, view.seed))
        seen.append(int(view.prediction.allowed.sum()))
    assert left == list(range(left[0], 0, -1))
    assert set(seeds) == {("lids", 3)}
    assert seen[0] > seen[-1] > 0


def test_pictures_are_cut_to_what_is_to_be_seen_and_stay_whole_without() -> None:
    pictures = [np.full((80, 100, 3), value, np.uint8) for value in (10, 20)]
    region = np.zeros((80, 100), np.bool_)
    assert side_by_side(pictures, region).shape == (80, 200, 3)
    region[30:40, 50:55] = True
    row = side_by_side(pictures, region)
    assert row.shape == (50, 90, 3)
    assert (row[:, :45] == 10).all()
    assert (row[:, 45:] == 20).all()
