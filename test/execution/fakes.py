"""FakeArm and FakeGripper: a cell without physics, whose every call can be made to fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.attempt import PressureTrace
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cell, Cup, Load, Motion
from grasp_affordance.errors import CameraError, PayloadError, StoppedError, UnreachableError
from grasp_affordance.geometry import Intrinsics, approach_pose, invert
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Source, SuctionPoint

HOME = approach_pose([0.3, -0.2, 0.6], (0, 0, -1))
T_BASE_CAMERA = np.array(
    [[0.0, -1.0, 0.0, 0.5], [-1.0, 0.0, 0.0, 0.0], [0.0, 0.0, -1.0, 0.8], [0.0, 0.0, 0.0, 1.0]]
)


@dataclass
class FakeCellState:
    """What the fakes share.

    Attributes:
        surface: height at which a guarded approach meets something; None for never.
        seals: whether the cup seals at contact.
        weak: whether the cup holds only just, with too little vacuum to go on.
        lost_after: number of moves after the seal at which the load is lost; None for never.
        events: what was called, in order.
        on_event: called with each event before it takes effect; may raise.
        time: seconds, advanced by every motion.
        released_at: heights of the cup at which a load was let go, metres.
    """

    surface: float | None = 0.05
    seals: bool = True
    weak: bool = False
    lost_after: int | None = None
    events: list[str] = field(default_factory=list)
    on_event: Callable[[str], None] = lambda event: None
    time: float = 100.0
    pose: Array = field(default_factory=HOME.copy)
    vacuum_on: bool = False
    held: bool = False
    touching: bool = False
    moves_since_seal: int = 0
    stops: int = 0
    moving: bool = False
    released_at: list[float] = field(default_factory=list)

    def happen(self, event: str) -> None:
        self.events.append(event)
        self.on_event(event)

    def pressure(self) -> float:
        if self.held:
            return 25.0 if self.weak and self.moves_since_seal else 65.0
        return 12.0 if self.vacuum_on and self.touching else 0.0


class FakeArm:
    """Jumps from pose to pose."""

    def __init__(self, state: FakeCellState, reach: float = 1.2) -> None:
        self.state = state
        self.reach = reach
        self.rehearsed: list[Array] = []
        self.obstacle = np.full(3, np.inf)
        self.checked: list[Load | None] = []
        self.told: list[Load | None] = []
        self.bins: list[BinGeometry] = []
        self.refuses = lambda load: False

    def tcp_pose(self) -> Array:
        return self.state.pose.copy()

    def check_reachable(self, T_base_tool: Array, load: Load | None = None) -> None:
        self.checked.append(load)
        if np.linalg.norm(T_base_tool[:3, 3]) > self.reach:
            raise UnreachableError("outside the fake arm's reach")

    def set_bin(self, box: BinGeometry) -> None:
        self.bins.append(box)

    def carry(self, load: Load | None) -> None:
        self.state.happen("tell_tool" if load is None else "tell_load")
        if self.refuses(load):
            raise PayloadError("the robot refused a payload")
        self.told.append(load)

    def rehearse(self, motions: Sequence[Motion]) -> None:
        self.rehearsed = [motion.T_base_tool for motion in motions]
        for pose in self.rehearsed:
            if np.linalg.norm(pose[:3, 3] - self.obstacle) < 0.02:
                raise UnreachableError("the fake arm's way is not free")

    def move_to(self, T_base_tool: Array, *, linear: bool = False) -> None:
        self._move("move_linear" if linear else "move_to", T_base_tool)

    def move_until_contact(self, T_base_tool: Array) -> bool:
        state = self.state
        target = T_base_tool.copy()
        if state.held:
            self._move("lower", target)
            return False
        met = state.surface is not None and state.surface >= target[2, 3]
        if met and state.surface is not None:
            target[2, 3] = state.surface
        self._move("approach", target)
        state.touching = met
        return met

    def home(self) -> None:
        self._move("home", HOME)

    def stop(self) -> None:
        self.state.events.append("stop")
        self.state.stops += 1
        self.state.moving = False

    def _move(self, event: str, T_base_tool: Array) -> None:
        state, stops = self.state, self.state.stops
        state.moving = True
        state.happen(event)
        if state.stops != stops:
            raise StoppedError("stopped")
        state.pose, state.moving, state.touching = T_base_tool.copy(), False, False
        state.time += 0.5
        if state.held:
            state.moves_since_seal += 1
            if state.lost_after is not None and state.moves_since_seal > state.lost_after:
                state.held = False


class FakeGripper:
    """Seals where its state says so."""

    def __init__(self, state: FakeCellState) -> None:
        self.state = state
        self.began = 0.0
        self.samples: list[tuple[float, float]] = []

    def grasp(self) -> None:
        self.state.happen("grasp")
        self.state.vacuum_on = True
        self.began, self.samples = self.state.time, []

    def release(self) -> None:
        self.state.happen("release")
        if self.state.held:
            self.state.released_at.append(float(self.state.pose[2, 3]))
        self.state.vacuum_on = self.state.held = False

    def vacuum(self) -> float:
        return self.state.pressure()

    def holding(self) -> bool:
        self.state.happen("holding")
        if self.state.touching and self.state.seals:
            self.state.held, self.state.moves_since_seal = True, 0
        self.state.time += 0.1
        self.samples.append((self.state.time - self.began, self.state.pressure()))
        return self.state.pressure() > 50.0

    def trace(self) -> PressureTrace:
        self.state.happen("trace")
        times, vacuum = zip(*self.samples, strict=True) if self.samples else ((), ())
        return PressureTrace(np.array(times), np.array(vacuum, np.float32))


class FakeCamera:
    """Sees nothing but a flat floor."""

    def __init__(self, state: FakeCellState) -> None:
        self.state = state

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        self.state.happen("read")
        return flat_frame(int(self.state.time * 1e9) + 1)

    def pose(self) -> Array:
        return T_BASE_CAMERA.copy()


class LostCamera(FakeCamera):
    """Gives no frame any more."""

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        raise CameraError("no frame arrived within 2.0 s")


def flat_frame(stamp_ns: int) -> RgbdFrame:
    """Return a view of a floor 0.8 m away."""
    intrinsics = Intrinsics(60.0, 60.0, 31.5, 23.5, 64, 48)
    return RgbdFrame(
        np.zeros((48, 64, 3), np.uint8), np.full((48, 64), 0.8, np.float32), intrinsics, stamp_ns
    )


def fake_cell(state: FakeCellState, camera: FakeCamera | None = None) -> Cell:
    """Return a cell of fakes that share `state`."""
    return Cell(
        arm=FakeArm(state),
        gripper=FakeGripper(state),
        camera=camera or FakeCamera(state),
        bin=BinGeometry(),
        cup=Cup(),
        clock=lambda: state.time,
        now_ns=lambda: int(state.time * 1e9),
    )


def point_at(
    x: float = 0.5, y: float = 0.0, z: float = 0.05, normal: tuple[float, float, float] = (0, 0, 1)
) -> SuctionPoint:
    """Return a suction point at base coordinates, with its normal given in the base frame."""
    T_camera_base = invert(T_BASE_CAMERA)
    position = T_camera_base[:3, :3] @ np.array([x, y, z]) + T_camera_base[:3, 3]
    direction = np.asarray(normal, dtype=np.float64)
    direction = T_camera_base[:3, :3] @ (direction / np.linalg.norm(direction))
    return SuctionPoint(32, 24, position, direction, 0.9, Source.MANUAL)
