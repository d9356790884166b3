"""Whether a gripper's plates find room, told from one view."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.annotation_scenes import INTRINSICS, Block, frame

from grasp_affordance.detection.room import Room, room_in_view
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig, select
from grasp_affordance.rectangle import GraspRectangle, JawConfig
from grasp_affordance.rgbd import RgbdFrame

CONFIG = SelectionConfig().room
BAR = Block(160, 120, length=80, width=20, angle=0.4)  # 40 mm high
GRASP = GraspRectangle(160, 120, 0.4, 8, 20)
GAP = 5.0  # pixels (13 mm) that plate and clearance need


def beside(distance: float, height: float = 0.04) -> Block:
    """A block along BAR, `distance` pixels from its side."""
    away = 20 + distance
    u, v = 160 - away * np.sin(0.4), 120 + away * np.cos(0.4)
    return replace(BAR, u=u, v=v, height=height)


def view(*blocks: Block) -> RgbdFrame:
    return frame(*blocks, rng=np.random.default_rng(0), holes=0.03)


def evaluated(seen: RgbdFrame, rectangle: GraspRectangle = GRASP) -> Room:
    return room_in_view(rectangle, seen.depth, INTRINSICS, CONFIG)


@pytest.mark.parametrize(
    ("neighbours", "room"),
    [
        ([], Room.FREE),
        ([beside(GAP + 2)], Room.FREE),
        ([beside(1)], Room.BLOCKED),
        ([beside(1, height=0.08)], Room.BLOCKED),
        ([beside(1, height=0.006)], Room.FREE),  # lower than the plates come
    ],
)
def test_a_neighbour_where_a_plate_comes_down_leaves_no_room(
    neighbours: list[Block], room: Room
) -> None:
    assert evaluated(view(BAR, *neighbours)) is room


def test_half_of_a_covered_object_has_no_room_on_the_covered_side() -> None:
    upon = replace(beside(-10), height=0.03, width=24)
    assert evaluated(view(BAR, upon), GraspRectangle(163, 113, 0.4, 8, 10)) is Room.BLOCKED


@pytest.mark.parametrize("width", [17, 20, 24])
def test_a_rectangle_need_not_be_exact_to_the_pixel(width: float) -> None:
    assert evaluated(view(BAR), replace(GRASP, h=width)) is Room.FREE


@pytest.mark.parametrize("height", [0.008, 0.02, 0.05])
@pytest.mark.parametrize("noise", [0.001, 0.003])
def test_what_is_flat_and_wide_is_grasped_down_to_what_it_lies_on(
    height: float, noise: float
) -> None:
    seen = frame(
        replace(BAR, width=30, height=height)
    )  # 80 mm: half of it is deeper than the floor
    for seed in range(10):
        rng = np.random.default_rng(seed)
        seen.depth[:] += rng.normal(0, noise, seen.depth.shape)
        assert evaluated(seen, replace(GRASP, h=30)) is not Room.BLOCKED
        seen = frame(replace(BAR, width=30, height=height))


def test_without_depth_beside_or_on_it_nothing_is_sure() -> None:
    seen = view(BAR)
    hidden = np.isfinite(seen.depth) & ~BAR.mask()
    seen.depth[hidden] = np.nan
    assert evaluated(seen) is Room.UNSURE
    seen.depth[:] = np.nan
    assert evaluated(seen) is Room.UNSURE
    assert evaluated(view(BAR), replace(GRASP, x=900.0)) is Room.UNSURE


@pytest.mark.parametrize("check", [True, False])
def test_selection_drops_what_has_no_room_and_keeps_what_lay_below_it(check: bool) -> None:
    seen = view(BAR, beside(1))
    tight = ScoredRectangle(GRASP, 0.9)
    both = ScoredRectangle(replace(GRASP, x=156.0, y=130.0, h=41), 0.8)  # around the two of them
    config = SelectionConfig(check_room=check, overlap=0.2)
    chosen = select([tight, both], seen, 0.0, JawConfig(maximum_opening=1.0), config)
    assert chosen == ((both,) if check else (tight,))
