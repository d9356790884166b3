"""A cup on its bellows in the physics: sealing, holding by a weld, breaking by wrench limits.

The limits are those of suction contact models (tension up to the vacuum's force V, friction on the
cup rim for shear, the cup rim as a lever for moments): tension <= V, shear <= mu (V - tension),
moment <= (V - tension) * radius. V follows the vacuum at that moment.
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from grasp_affordance.attempt import Cause
from grasp_affordance.cell import Cup
from grasp_affordance.geometry import Array
from grasp_affordance.sim.cup.pressure import Ejector
from grasp_affordance.sim.cup.seal import Seal, SealRule, evaluate
from grasp_affordance.sim.scene import TOOL, weld_name
from grasp_affordance.sim.world import World

_STILL = 2e-4  # metres that the cup rim may move in a control period while it seals
_TOUCH = 5e-4  # metres of compression that count as contact
_FREE_PERIODS = 8  # control periods without contact that count as hanging free


@dataclass(frozen=True)
class BreakRule:
    """Wrench limits of a sealed cup.

    Attributes:
        friction: of the cup rim.
        smoothing: time constant of the wrench, seconds (impacts shorter than it do not peel).
        trapped: pull in multiples of the weight from which a loss in contact counts as trapped.
    """

    friction: float = 0.8
    smoothing: float = 0.012
    trapped: float = 1.4


@dataclass(frozen=True)
class Load:
    """Smoothed wrench on the cup rim: tension and shear in newtons, moment in newton metres."""

    tension: float = 0.0
    shear: float = 0.0
    moment: float = 0.0


class Suction:
    """State of the cup; `update` runs after every control period.

    Attributes:
        attached: id of the object on the cup, -1 for none.
        seal: of the last contact in this attempt; None without one.
        broken: why the seal broke in this attempt, NONE while it has not.
        hung_free: whether the object has hung free above the bin in this attempt.
    """

    def __init__(
        self,
        world: World,
        cup: Cup,
        ejector: Ejector,
        seal_rule: SealRule,
        break_rule: BreakRule,
        rim_height: float,
    ) -> None:
        self.world, self.cup, self.ejector = world, cup, ejector
        self._seal_rule, self._break_rule, self._rim = seal_rule, break_rule, rim_height
        model = world.model
        self._cup_rim_geom = model.geom(f"{TOOL}cup_rim").id
        self._cup_rim_site = model.site(f"{TOOL}cup_rim").id
        self._tool_site = model.site(f"{TOOL}tcp").id
        self._cup_body = model.body(f"{TOOL}cup").id
        self._bellows = model.joint(f"{TOOL}bellows").qposadr[0]
        self._force = model.sensor(f"{TOOL}cup_rim_force").adr[0]
        self._torque = model.sensor(f"{TOOL}cup_rim_torque").adr[0]
        self._welds = [model.equality(weld_name(i)).id for i in range(len(world.objects))]
        self._last_cup_rim = np.zeros(3)
        self._evaluated_at = np.full(3, np.inf)
        self.attached = -1
        self.load = Load()
        self.begin()

    def begin(self) -> None:
        """Forget the last attempt."""
        self.seal: Seal | None = None
        self.broken = Cause.NONE
        self.hung_free = False
        self._free_periods = 0
        self._evaluated_at = np.full(3, np.inf)

    @property
    def compression(self) -> float:
        """Of the bellows, metres."""
        return float(self.world.data.qpos[self._bellows])

    @property
    def force(self) -> float:
        """Present holding force of the vacuum, newtons."""
        return self.cup.force * self.ejector.true_vacuum / self.cup.vacuum

    def cup_rim_pose(self) -> Array:
        """Return the pose (4, 4) of the cup rim's centre with the axis of the rod, base frame."""
        T = np.eye(4)
        T[:3, :3] = self.world.data.site_xmat[self._tool_site].reshape(3, 3)
        T[:3, 3] = self.world.data.site_xpos[self._cup_rim_site]
        return T

    def update(self) -> None:
        """Advance vacuum, seal and wrench by one control period."""
        opening = 0.0 if self.attached >= 0 else 1.0
        if self.attached < 0 and self.seal is not None and self.compression > _TOUCH:
            opening = self.seal.opening
        self.ejector.advance(self.world.period, opening)
        cup_rim = self.world.data.site_xpos[self._cup_rim_site].copy()
        still = np.linalg.norm(cup_rim - self._last_cup_rim) < _STILL
        self._last_cup_rim = cup_rim
        if self.attached >= 0:
            self._check_load()
        elif self.ejector.on and still and self.compression > _TOUCH:
            self._try_seal(cup_rim)

    def _try_seal(self, cup_rim: Array) -> None:
        if np.linalg.norm(cup_rim - self._evaluated_at) < _STILL:
            return
        self._evaluated_at = cup_rim
        self.seal = evaluate(self.world, self.cup_rim_pose(), self.cup, self._seal_rule)
        if self.seal.sealed:
            self._attach(self.seal.object_id)

    def _attach(self, object_id: int) -> None:
        model, data = self.world.model, self.world.data
        weld = self._welds[object_id]
        anchor = data.site_xpos[self._cup_rim_site]
        for body, start in ((self._cup_body, 3), (self.world.body(object_id), 0)):
            rotation = data.xmat[body].reshape(3, 3)
            model.eq_data[weld, start : start + 3] = rotation.T @ (anchor - data.xpos[body])
        inverse, relative = np.empty(4), np.empty(4)
        mujoco.mju_negQuat(inverse, data.xquat[self._cup_body])
        mujoco.mju_mulQuat(relative, inverse, data.xquat[self.world.body(object_id)])
        model.eq_data[weld, 6:10] = relative
        model.eq_data[weld, 10] = 1.0
        data.eq_active[weld] = 1
        self._cup_rim_collides(False)  # the weld carries what the cup rim's contact carried
        self.attached = object_id
        self.load = Load()

    def _cup_rim_collides(self, on: bool) -> None:
        self.world.model.geom_contype[self._cup_rim_geom] = 2 if on else 0
        self.world.model.geom_conaffinity[self._cup_rim_geom] = 1 if on else 0

    def detach(self) -> None:
        """Let go of the object."""
        if self.attached >= 0:
            self.world.data.eq_active[self._welds[self.attached]] = 0
            self._cup_rim_collides(True)
            self.attached = -1
            self._free_periods = 0

    def wrench(self) -> Load:
        """Return the unsmoothed wrench that the object exerts on the cup rim."""
        sensors = self.world.data.sensordata
        force = sensors[self._force : self._force + 3]
        torque = sensors[self._torque : self._torque + 3]
        return Load(float(-force[2]), float(np.hypot(*force[:2])), float(np.hypot(*torque[:2])))

    def _check_load(self) -> None:
        share = 1.0 - float(np.exp(-self.world.period / self._break_rule.smoothing))
        new, old = self.wrench(), self.load
        self.load = Load(
            old.tension + share * (new.tension - old.tension),
            old.shear + share * (new.shear - old.shear),
            old.moment + share * (new.moment - old.moment),
        )
        if not self.hung_free:
            self._note_free()
        ratios = self.ratios(self.load)
        if max(ratios) > 1.0:
            self.broken = self._break_cause()
            self.detach()

    def ratios(self, load: Load) -> tuple[float, float, float]:
        """Return tension, shear and moment as shares of what the vacuum holds now."""
        force = max(self.force, 1e-6)
        spare = max(force - max(load.tension, 0.0), 1e-6)
        return (
            load.tension / force,
            load.shear / (self._break_rule.friction * spare),
            load.moment / (spare * self.cup.radius),
        )

    def _break_cause(self) -> Cause:
        if self.hung_free:
            return Cause.DROPPED
        weight = float(self.world.masses()[self.attached]) * 9.81
        pull = float(np.hypot(self.load.tension, self.load.shear))
        others = self.world.touching(self.attached)
        if others and pull > self._break_rule.trapped * weight:
            return Cause.BROKEN_TRAPPED
        # near its limit tension leaves nothing to spare for the rest: compare what came first
        sideways = self.load.shear / self._break_rule.friction
        lever = max(sideways, self.load.moment / self.cup.radius)
        return Cause.BROKEN_WEIGHT if self.load.tension > lever else Cause.BROKEN_LEVER

    def _note_free(self) -> None:
        above = self.world.lowest(self.attached) > self._rim
        free = above and not self.world.touching(self.attached)
        self._free_periods = self._free_periods + 1 if free else 0
        self.hung_free |= self._free_periods >= _FREE_PERIODS
