"""Which changes mean that something left, and which that something only moved."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.annotation.change.region import ChangeRegion
from grasp_affordance.annotation.change.scene_change import SceneChange
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class DepartureConfig:
    """How a departure is told from a movement.

    Attributes:
        reach: an object that moved shows again within this distance, metres, beside the sizes of
            the two traces.
        returned: the share of a region's volume that has to show again nearby for it to have moved.
        least_step: a region whose outline's step is lower than this sank or tilted, metres; an
            object that left ends in a step all round.
        recolored: share of a region whose colour has to change to confirm that it left: what tilts
            or sinks shows the same surface again.
        unseconded_height: where colour does not confirm it, a region has to be this high, metres...
        unseconded_step: ...and its outline's step this share of its height.
        least_volume: less than this is no object, cubic metres.
    """

    reach: float = 0.05
    returned: float = 0.3
    least_step: float = 0.003
    recolored: float = 0.4
    unseconded_height: float = 0.015
    unseconded_step: float = 0.3
    least_volume: float = 1.0e-6

    def __post_init__(self) -> None:
        if min(self.reach, self.least_step, self.least_volume) < 0:
            raise ConfigError("departure: lengths and volumes must not be negative")
        if not (self.returned > 0 and 0 <= self.recolored <= 1 and 0 <= self.unseconded_step <= 1):
            raise ConfigError("departure: a share is outside its range")


@dataclass(frozen=True, eq=False)
class Departures:
    """The regions of a change, sorted by what they mean.

    Attributes:
        left: what is gone, by volume, largest first; what depth hardly saw comes last.
        moved: what is still there in another place, by volume, largest first.
        settled: what only tilted or sank, by volume, largest first.
        arrived: what was not there before and is not the other end of a movement.
        returned: volume that shows again near what moved, cubic metres.
    """

    left: tuple[ChangeRegion, ...]
    moved: tuple[ChangeRegion, ...]
    settled: tuple[ChangeRegion, ...]
    arrived: tuple[ChangeRegion, ...]
    returned: float


def departures(change: SceneChange, config: DepartureConfig) -> Departures:
    """Sort the regions of a change into left, moved and arrived.

    Each added region is credited to the removed region nearest to it, as the other end of a
    movement: rolling, sliding and settling conserve volume, a departure does not.
    """
    removed = [region for region in change.removed if region.volume >= config.least_volume]
    added = [region for region in change.added if region.volume >= config.least_volume]
    credit = [0.0] * len(removed)
    arrived: list[ChangeRegion] = []
    for region in added:
        gaps = [_gap(region, other) for other in removed]
        nearest = int(np.argmin(gaps)) if gaps else -1
        if nearest >= 0 and gaps[nearest] <= config.reach:
            credit[nearest] += region.volume
        else:
            arrived.append(region)
    left, moved, settled = [], [], []
    for region, volume in zip(removed, credit, strict=True):
        if volume >= config.returned * region.volume:
            moved.append(region)
        elif _faded(region, config):
            settled.append(region)
        else:
            left.append(region)
    left.sort(key=lambda region: not region.evident)
    return Departures(
        tuple(left),
        tuple(moved),
        tuple(settled),
        tuple(arrived),
        returned=sum(credit),
    )


def _faded(region: ChangeRegion, config: DepartureConfig) -> bool:
    if region.rim_height < config.least_step:
        return True
    if region.recolored >= config.recolored:
        return False
    low = region.height < config.unseconded_height
    return low or region.rim_height < config.unseconded_step * region.height


def _gap(first: ChangeRegion, second: ChangeRegion) -> float:
    """Distance between two regions, metres: between the centres, less their radii."""
    radii = [np.sqrt(region.area / np.pi) for region in (first, second)]
    distance = float(np.linalg.norm(first.position - second.position))
    return max(distance - float(sum(radii)), 0.0) if np.isfinite(distance) else np.inf
