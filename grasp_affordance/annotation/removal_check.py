"""The removal check of a pick: what the views before and after it say happened."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.bin_polygon import bin_polygon
from grasp_affordance.annotation.change.departure import DepartureConfig, Departures, departures
from grasp_affordance.annotation.change.region import ChangeRegion
from grasp_affordance.annotation.change.scene_change import (
    SceneChange,
    SceneChangeConfig,
    observed_area,
    scene_change,
)
from grasp_affordance.annotation.gates import GateConfig, check_frames, check_view, is_object_sized
from grasp_affordance.attempt import Removal
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError
from grasp_affordance.rgbd import RgbdFrame


class PickEvent(StrEnum):
    """What a pick did to the bin."""

    NOTHING = "nothing"  # all stayed where it was
    DISTURBED = "disturbed"  # objects settled or were pushed, none left
    DROPPED = "dropped"  # what lay at the pick point lies elsewhere now
    REMOVED = "removed"  # one object left
    REMOVED_ELSEWHERE = "removed_elsewhere"  # one object left, but not the one picked at
    DOUBLE_PICK = "double_pick"
    DRAGGED_NEIGHBOUR = "dragged_neighbour"  # one object left and took another along within the bin
    UNKNOWN = "unknown"  # the frames cannot be compared


@dataclass(frozen=True)
class RemovalCheckConfig:
    """How the removal check looks.

    Attributes:
        change, departure, gates: as in annotation.
        reach: a region this close to the pick point was picked there, metres.
        second_object: a region with this share of the largest one's volume is an object too.
    """

    change: SceneChangeConfig = field(default_factory=SceneChangeConfig)
    departure: DepartureConfig = field(default_factory=DepartureConfig)
    gates: GateConfig = field(default_factory=GateConfig)
    reach: float = 0.02
    second_object: float = 0.1

    def __post_init__(self) -> None:
        if self.reach < 0 or not 0 < self.second_object <= 1:
            raise ConfigError("removal check: reach or second_object is outside its range")


@dataclass(frozen=True, eq=False)
class RemovalCheck:
    """What the depth difference around a pick says.

    Attributes:
        event: in a word.
        left: the objects that left, by volume, largest first.
        disturbed: what moved or settled.
        distance: from the pick point to the nearest region that left, metres; NaN if none did or
            no point was given.
        detail: why the event is unknown; else empty.
        change: the measurement; None where the frames cannot be compared.
    """

    event: PickEvent
    left: tuple[ChangeRegion, ...] = ()
    disturbed: tuple[ChangeRegion, ...] = ()
    distance: float = float("nan")
    detail: str = ""
    change: SceneChange | None = None

    @property
    def removal(self) -> Removal | None:
        """The form in which an attempt keeps it; None where the views do not tell."""
        if self.event is PickEvent.UNKNOWN:
            return None
        largest = max(self.left, key=lambda region: region.pixels, default=None)
        volume = sum((region.volume for region in self.left), 0.0)
        if largest is None:
            return Removal(0, 0, volume, self.event.value)
        known = np.isfinite(largest.position).all()
        x, y, z = largest.position.tolist()
        where = (x, y, z) if known else None
        return Removal(len(self.left), largest.pixels, volume, self.event.value, where)


def check_removal(
    before: RgbdFrame,
    after: RgbdFrame,
    config: RemovalCheckConfig,
    polygon: NDArray[np.generic] | None = None,
    picked_at: tuple[float, float] | None = None,
) -> RemovalCheck:
    """Tell what a pick at pixel `picked_at` (u, v) did between two views.

    Without `picked_at` a removal anywhere in `polygon` counts as the pick's.
    """
    refusal = check_frames(before, after, config.gates)
    if refusal is not None and refusal.status == "rejected":
        return RemovalCheck(PickEvent.UNKNOWN, detail=f"{refusal.reason}: {refusal.detail}")
    if not observed_area(before.shape, polygon, 0)[0].any():
        return RemovalCheck(PickEvent.UNKNOWN, detail="the bin is outside the view")
    change = scene_change(before, after, config.change, polygon)
    refusal = check_view(before, after, change, config.gates)
    if refusal is not None:
        return RemovalCheck(
            PickEvent.UNKNOWN, detail=f"{refusal.reason}: {refusal.detail}", change=change
        )
    found = departures(change, config.departure)
    objects = _objects(found, before, config)
    distance = _distance(objects, before, picked_at)
    return RemovalCheck(
        event=_event(objects, found, distance, before, config, picked_at),
        left=objects,
        disturbed=(*found.moved, *found.settled),
        distance=distance,
        change=change,
    )


@dataclass(frozen=True, eq=False)
class DepthRemovalCheck:
    """The removal check as the executor calls it.

    Attributes:
        config: how it looks.
    """

    config: RemovalCheckConfig = field(default_factory=RemovalCheckConfig)

    def __call__(
        self,
        before: RgbdFrame,
        after: RgbdFrame,
        picked_at: tuple[float, float] | None = None,
        T_base_camera: NDArray[np.float64] | None = None,
        box: BinGeometry | None = None,
    ) -> Removal | None:
        """See `execution.outcome.RemovalCheck`."""
        polygon = None
        if box is not None and T_base_camera is not None:
            polygon = bin_polygon(box, before.intrinsics, T_base_camera)
        return check_removal(before, after, self.config, polygon, picked_at).removal


def count_events(events: Iterable[PickEvent]) -> dict[PickEvent, int]:
    """Count the events of a session; every kind is listed."""
    counts = dict.fromkeys(PickEvent, 0)
    for event in events:
        counts[event] += 1
    return counts


def _objects(
    found: Departures, frame: RgbdFrame, config: RemovalCheckConfig
) -> tuple[ChangeRegion, ...]:
    """What left, without rims of what tilted and without splinters of the largest region."""
    sized = [region for region in found.left if is_object_sized(region, frame, config.gates)]
    least = config.second_object * max((region.volume for region in sized), default=0.0)
    return tuple(region for region in sized if region.volume >= least)


def _event(
    objects: tuple[ChangeRegion, ...],
    found: Departures,
    distance: float,
    frame: RgbdFrame,
    config: RemovalCheckConfig,
    picked_at: tuple[float, float] | None,
) -> PickEvent:
    if len(objects) > 1:
        return PickEvent.DOUBLE_PICK
    if not objects:
        if picked_at is not None and found.moved:
            gap = _distance(found.moved, frame, picked_at)
            if gap <= config.reach:
                return PickEvent.DROPPED
        disturbed = found.left or found.moved or found.settled or found.arrived
        return PickEvent.DISTURBED if disturbed else PickEvent.NOTHING
    if picked_at is not None and distance > config.reach:
        return PickEvent.REMOVED_ELSEWHERE
    if found.returned > config.gates.clutter * objects[0].volume:
        return PickEvent.DRAGGED_NEIGHBOUR
    return PickEvent.REMOVED


def _distance(
    regions: tuple[ChangeRegion, ...], frame: RgbdFrame, picked_at: tuple[float, float] | None
) -> float:
    """Distance from a pixel to the nearest pixel of the regions, metres at the region's depth."""
    if picked_at is None or not regions:
        return float("nan")
    gaps = []
    for region in regions:
        rows, columns = np.nonzero(region.mask)
        pixels = float(np.hypot(columns - picked_at[0], rows - picked_at[1]).min())
        z = float(region.position[2])
        focal = frame.intrinsics.focal_at(*region.centre)
        gaps.append(pixels * z / focal if np.isfinite(z) else np.inf)
    return min(gaps)
