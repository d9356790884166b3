"""The simulated cell: arm, gripper and camera over one stack after another."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from grasp_affordance.cell import Cell, Cup
from grasp_affordance.files import Closing
from grasp_affordance.geometry import Array, approach_pose
from grasp_affordance.sim.attempt import AttemptMonitor, AttemptTruth
from grasp_affordance.sim.config import Hardness, SimConfig
from grasp_affordance.sim.cup.gripper import SimGripper
from grasp_affordance.sim.cup.pressure import Ejector, PressureConfig
from grasp_affordance.sim.cup.seal import SealRule
from grasp_affordance.sim.cup.suction import BreakRule, Suction
from grasp_affordance.sim.oracle import Oracle
from grasp_affordance.sim.piles import stacks
from grasp_affordance.sim.piles.appearance import theme
from grasp_affordance.sim.piles.objects import Placement
from grasp_affordance.sim.robot.arm import SimArm
from grasp_affordance.sim.scene import build
from grasp_affordance.sim.vision.camera import SimCamera
from grasp_affordance.sim.vision.render import Renderer
from grasp_affordance.sim.world import World, WorldState

logger = logging.getLogger(__name__)

_SETTLE_STACK, _SETTLE_PICK = 4.0, 2.0  # seconds at most
_RETRIES = 5  # to bring objects into the bin that rolled out while a stack settled


def worn_cup(cup: Cup, hardness: Hardness) -> tuple[Cup, SealRule]:
    """Return the cup as it is after some weeks, and how well its rim still follows a surface."""
    rule = SealRule()
    if hardness is Hardness.REALISTIC:
        return replace(cup, vacuum=0.95 * cup.vacuum), replace(rule, compliance=0.32)
    if hardness is Hardness.ADVERSE:
        worn = replace(cup, vacuum=0.80 * cup.vacuum)
        return worn, replace(rule, compliance=0.27, tilt_margin=0.0)
    return cup, rule


@dataclass(frozen=True, eq=False)
class CellState:
    """A snapshot for `SimCell.restore`: the physics; vacuum off, nothing on the cup."""

    world: WorldState
    command: Array


class SimCell(Closing):
    """A cell in MuJoCo. Usable wherever a `cell.Cell` is.

    Attributes:
        config: as given.
        arm, gripper, camera, bin, cup: as in `cell.Cell`; the cup is worn as the hardness says.
        stack: type of the present stack.
        oracle: the true state of the present stack.
        on_new_stack: called with the physics of every new stack, before it settles.
    """

    def __init__(self, config: SimConfig | None = None) -> None:
        """Build the cell with its first stack, settled.

        Raises:
            ConfigError: unknown scene. CameraError: no OpenGL.
        """
        self.config = config if config is not None else SimConfig()
        stacks.choose(self.config.scene, np.random.default_rng(0))  # refuse unknown names early
        self.bin = self.config.bin
        self.cup, self._seal_rule = worn_cup(self.config.cup, self.config.hardness)
        self._renderer = Renderer(self.config.width, self.config.height)
        self.arm = SimArm(self.config)
        self.gripper = SimGripper()
        self.camera = SimCamera(self.config, self._renderer)
        self.on_new_stack: list[Callable[[World], None]] = []
        self._elapsed = 0.0
        self._world: World | None = None
        self._rng = np.random.default_rng([self.config.seed, 0x57AC])
        self.reset()

    def as_cell(self) -> Cell:
        """Return the parts as a `cell.Cell`, with simulated clocks and the truth of each pick."""
        return Cell(
            self.arm,
            self.gripper,
            self.camera,
            self.bin,
            self.cup,
            clock=lambda: self.time,
            now_ns=self.camera.now_ns,
            settle=self.resettle,
            truth=lambda: (self.truth().outcome, self.truth().cause),
        )

    @property
    def world(self) -> World:
        """The physics of the present stack."""
        assert self._world is not None  # made by the constructor
        return self._world

    @property
    def time(self) -> float:
        """Simulated seconds since the cell was made."""
        return self._elapsed + self.world.time

    def reset(
        self, seed: int | np.random.Generator | None = None, scene: str | None = None
    ) -> None:
        """Build the next stack and let it settle; the arm stands at home.

        A seed or generator makes this stack and all after it reproducible; None goes on with the
        cell's own generator. A scene, instead of the configured one, counts for this stack only.
        """
        if seed is not None:
            self._rng = (
                seed
                if isinstance(seed, np.random.Generator)
                else np.random.default_rng([int(seed), 0x57AC])
            )
        stack = stacks.choose(scene or self.config.scene, self._rng)
        placements = stacks.build(stack, self.bin, self._rng, self.config.hardness)
        self.lay_out(placements[: self.config.objects or None], stack)

    next_stack = reset

    def lay_out(self, placements: Sequence[Placement], stack: str = "custom") -> None:
        """Put these objects into an empty cell and let them settle; the arm stands at home."""
        if self._world is not None:
            self._elapsed += self._world.time
        self.stack = stack
        model = build(
            self.config,
            theme(stack),
            placements,
            self.camera.T_base_camera_true,
            self.cup.radius,
        )
        self._world = World(model, [p.spec for p in placements], self.config.real_time_factor)
        self._enter(self._rng)
        self._settle_stack(self._rng)
        self.monitor.begin()
        logger.debug("stack %s of %d settled", stack, self.objects_left())

    def _enter(self, rng: np.random.Generator) -> None:
        """Bring the parts of the cell into the new physics."""
        world = self.world
        pressure_rng, camera_rng = rng.spawn(2)
        ideal = self.config.hardness is Hardness.IDEAL
        pressure = PressureConfig(noise=0.0) if ideal else PressureConfig()
        ejector = Ejector(self.cup.vacuum, pressure, pressure_rng)
        suction = Suction(
            world, self.cup, ejector, self._seal_rule, BreakRule(), rim_height=self.bin.rim
        )
        self.suction = suction
        self.arm.enter(world, suction)
        self.monitor = AttemptMonitor(self.config, world, suction, self.arm)
        self.gripper.enter(world, suction, ejector, self.monitor)
        self.camera.enter(world, round(self._elapsed * 1e9), camera_rng)
        self._renderer.load(world.model)
        self.oracle = Oracle(world, self.camera, self.cup, self._seal_rule)
        world.listeners += [suction.update, self.monitor.update]
        for listener in self.on_new_stack:
            listener(world)

    def _settle_stack(self, rng: np.random.Generator) -> None:
        world = self.world
        world.settle(_SETTLE_STACK)
        for _ in range(_RETRIES):
            world.set_guides(False)
            world.settle(_SETTLE_PICK)
            outside = [
                i for i in world.present if not self.bin.contains(world.positions()[i], -0.02)
            ]
            if not outside:
                return
            world.set_guides(True)
            for k, object_id in enumerate(outside):
                x, y = np.asarray(self.bin.centre) + rng.uniform(-0.05, 0.05, 2)
                world.put(object_id, np.array([x, y, self.bin.rim + 0.15 + 0.15 * k]))
            world.settle(_SETTLE_STACK)
        world.set_guides(False)
        world.settle(_SETTLE_PICK)
        gone = self.monitor.remove_lost()
        if gone:
            logger.warning("stack %s: %d objects did not stay in the bin", self.stack, len(gone))

    def objects_left(self) -> int:
        """Return the number of objects in the bin."""
        return len(self.world.present)

    def pickable_left(self) -> int:
        """Return the number of objects in the bin on which the cup can seal at all."""
        return sum(not self.world.objects[i].porous for i in self.world.present)

    def is_empty(self) -> bool:
        """Whether no object is left."""
        return self.objects_left() == 0

    def place_pose(self, hanging: float = 0.0) -> Array:
        """Return `T_base_tool` over the place area from which to release.

        `hanging` is how far the object reaches below the cup, metres: it must clear the tote.
        """
        x, y = self.config.place
        height = max(self.bin.rim + 0.10, self.bin.rim + 0.04 + hanging)
        return approach_pose((x, y, height), (0.0, 0.0, -1.0))

    def resettle(self) -> None:
        """After a pick: wait until the stack lies still, take away what fell beside the bin.

        What hangs on the cup does not count.
        """
        self.world.settle(_SETTLE_PICK, besides=self.suction.attached)
        self.monitor.remove_lost()

    def truth(self) -> AttemptTruth:
        """Return what really happened since the last `gripper.grasp()`."""
        with self.world.lock:
            return self.monitor.truth()

    def snapshot(self) -> CellState:
        """Return the physical state, to go back to before the next `reset`."""
        return CellState(self.world.snapshot(), self.arm.command.copy())

    def restore(self, state: CellState) -> None:
        """Go back to a snapshot of the present stack; the vacuum is off and the attempt new.

        Raises:
            ValueError: the snapshot is of another stack.
        """
        self.suction.detach()
        self.world.restore(state.world)
        self.arm.hold(state.command)
        self.gripper.forget()
        self.suction.begin()
        self.monitor.begin()

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()
