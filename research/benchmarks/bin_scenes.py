"""Simulated views of bins for `bin_finding.py`: five kinds, any pose, any fill, a real sensor.

A view is built of MuJoCo's static shapes: what lies in a bin need not settle to be seen.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from grasp_affordance.arrays import Array, Mask
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import Intrinsics, invert, transform_points
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim.config import SimConfig
from grasp_affordance.sim.piles.appearance import add_materials, theme
from grasp_affordance.sim.scene import ASSETS
from grasp_affordance.sim.vision.camera import calibrated_pose
from grasp_affordance.sim.vision.render import Renderer
from grasp_affordance.sim.vision.sensor import Sensor, SensorConfig

WIDTH, HEIGHT = 640, 480
_MARGIN = 8  # pixels by which the rim stays inside the image
_BOX = mujoco.mjtGeom.mjGEOM_BOX
_UNDER = 0.006  # thickness of a bin's floor, metres


@dataclass(frozen=True)
class Kind:
    """One kind of bin; metres, radians.

    Attributes:
        size: inner length and width at the rim, and depth.
        wall: thickness.
        rim: width of the rim from the inner edge outwards.
        draft: by which the walls lean outwards.
        rgb: its color.
        returns: share of the pixels of its walls that have depth.
    """

    size: tuple[float, float, float]
    wall: float
    rim: float
    draft: float = 0.0
    rgb: tuple[float, float, float] = (0.2, 0.3, 0.5)
    returns: float = 1.0


KINDS = {
    "small deep box": Kind((0.20, 0.15, 0.15), 0.004, 0.004, rgb=(0.7, 0.55, 0.35)),
    "flat tray": Kind((0.40, 0.30, 0.06), 0.003, 0.010, np.radians(2), (0.75, 0.75, 0.72)),
    "euro container": Kind((0.36, 0.26, 0.20), 0.003, 0.015, np.radians(1), (0.5, 0.5, 0.55)),
    "square tote": Kind((0.34, 0.34, 0.18), 0.008, 0.008, 0.0, (0.15, 0.3, 0.6), 0.8),
    "drafted tote": Kind((0.45, 0.32, 0.15), 0.003, 0.025, np.radians(5), (0.6, 0.15, 0.1)),
}
FILLS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated view and its truth.

    Attributes:
        frame: as the sensor gives it.
        T_base_camera: (4, 4) as calibrated, some millimetres wrong.
        bin: the true one.
        fill: true share of the bin's volume, by rays from above.
        other: inner size of another bin beside it; None without one.
    """

    frame: RgbdFrame
    T_base_camera: Array
    bin: BinGeometry
    fill: float
    other: tuple[float, float, float] | None


class Scenes:
    """Makes views; holds the renderer and the sensor."""

    def __init__(self) -> None:
        self.renderer = Renderer(WIDTH, HEIGHT)

    def close(self) -> None:
        """Free the renderer."""
        self.renderer.close()

    def make(
        self,
        rng: np.random.Generator,
        kind: Kind | None,
        fill: float = 0.0,
        others: Sequence[Kind] = (),
        cut: bool = False,
    ) -> Scene:
        """Return a view of a bin, or of a table with clutter where `kind` is None.

        Args:
            fill: wanted share of the volume, about.
            others: kinds of which one may stand beside the bin.
            cut: whether the image cuts the bin off.
        """
        size = (0.36, 0.26, 0.20) if kind is None else kind.size
        floor = float(rng.uniform(-0.1, 0.1))
        box = BinGeometry(
            (float(rng.uniform(0.3, 0.7)), float(rng.uniform(-0.3, 0.3))),
            size,
            floor,
            float(rng.uniform(-np.pi / 2, np.pi / 2)),
        )
        camera, T = _camera(rng, box, cut)
        spec = mujoco.MjSpec.from_file(str(ASSETS / "cell.xml"))
        add_materials(spec, theme("random"))
        builder = _Builder(spec, rng)
        if rng.random() < 0.7:
            builder.table(box)
        if kind is not None:
            builder.bin(box, kind)
            builder.contents(box, kind, fill)
        else:
            for _ in range(int(rng.integers(0, 12))):
                at = rng.uniform(-0.25, 0.25, 2)
                builder.thing(box.T_base_bin, [*at, rng.uniform(0, 0.03)], 0.05)
        other = builder.beside(box, others) if rng.random() < 0.6 else None
        quat = np.empty(4)
        mujoco.mju_mat2Quat(quat, (T[:3, :3] @ np.diag([1.0, -1.0, -1.0])).flatten())
        fovy = np.degrees(2 * np.arctan(HEIGHT / 2 / camera.fy))
        spec.worldbody.add_camera(
            name="rgbd", pos=T[:3, 3], quat=quat, fovy=fovy, resolution=[WIDTH, HEIGHT]
        )
        model = spec.compile()
        data = mujoco.MjData(model)
        frame = self._look(model, data, camera, builder.returns, rng)
        config = SimConfig(seed=int(rng.integers(1 << 30)))
        truth = float("nan") if kind is None else _fill(model, data, box, builder.walls(model))
        return Scene(frame, calibrated_pose(config, T), box, truth, other)

    def _look(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        camera: Intrinsics,
        returns: dict[str, float],
        rng: np.random.Generator,
    ) -> RgbdFrame:
        mujoco.mj_forward(model, data)
        self.renderer.load(model)
        view = mujoco.MjvCamera()
        view.type = mujoco.mjtCamera.mjCAMERA_FIXED
        view.fixedcamid = model.camera("rgbd").id
        lock = threading.RLock()
        color, depth = self.renderer.rgbd(data, view, lock, shadows=False)
        shares = np.ones(model.ngeom + 1, np.float32)
        for name, share in returns.items():
            shares[model.geom(name).id] = share
        ids = self.renderer.ids(data, view, lock)
        sensor = Sensor(SensorConfig(), camera, rng)
        depth = sensor.depth(depth, shares[ids], rng)
        depth[depth > 3.5] = np.nan
        return RgbdFrame(sensor.color(color, rng), depth, camera)


class _Builder:
    """Adds static shapes to a world."""

    def __init__(self, spec: mujoco.MjSpec, rng: np.random.Generator) -> None:
        self.spec, self.rng = spec, rng
        self.returns: dict[str, float] = {}
        self._count = self._bins = 0

    def walls(self, model: mujoco.MjModel) -> Mask:
        """Return which geoms are walls of the first bin."""
        names = [model.geom(g).name for g in range(model.ngeom)]
        return np.array([name.startswith("wall_0") for name in names])

    def _name(self, name: str) -> str:
        self._count += 1
        return f"{name}_{self._count}"

    def box(self, name: str, T: Array, centre: object, half: object, **look: object) -> None:
        """Add a box whose pose is given in a frame T (4, 4)."""
        quat = np.empty(4)
        mujoco.mju_mat2Quat(quat, T[:3, :3].flatten())
        pos = T[:3, :3] @ np.asarray(centre, np.float64) + T[:3, 3]
        self.spec.worldbody.add_geom(
            name=name, type=_BOX, pos=pos, quat=quat, size=half, group=0, **look
        )

    def table(self, box: BinGeometry) -> None:
        """Add a table under the bin."""
        T = np.eye(4)
        T[:3, 3] = [*box.centre, box.floor - _UNDER - 0.02]
        self.box("table", T, (0, 0, 0), (1.2, 1.2, 0.02), material="table")

    def bin(self, box: BinGeometry, kind: Kind) -> None:
        """Add a bin: floor, four leaning walls, and a rim that is wider than they are."""
        index, self._bins = self._bins, self._bins + 1
        T = box.T_base_bin
        length, width, depth = box.size
        lean = depth * np.tan(kind.draft)
        rgba = [*kind.rgb, 1]
        hx, hy = length / 2 - lean + kind.wall, width / 2 - lean + kind.wall
        self.box(f"under_{index}", T, (0, 0, -_UNDER / 2), (hx, hy, _UNDER / 2), rgba=rgba)
        for side in range(4):
            along, across = (width, length) if side < 2 else (length, width)
            x = across / 2
            # u along the wall, v outwards, of bottom and top
            corners = [
                (sign * (along / 2 + kind.wall - (lean if z < depth else 0)), v, z)
                for z, inner in ((-_UNDER, x - lean), (depth, x))
                for v in (inner, inner + kind.wall)
                for sign in (-1, 1)
            ]
            self._wall(f"wall_{index}_{side}", T, side, corners, kind, rgba)
            if kind.rim > kind.wall:
                thick = 0.008
                corners = [
                    (sign * (along / 2 + kind.rim), v, z)
                    for z in (depth - thick, depth)
                    for v in (x, x + kind.rim)
                    for sign in (-1, 1)
                ]
                self._wall(f"wall_{index}_{side}_rim", T, side, corners, kind, rgba)

    def _wall(
        self,
        name: str,
        T: Array,
        side: int,
        corners: Sequence[tuple[float, float, float]],
        kind: Kind,
        rgba: list[float],
    ) -> None:
        p = np.array(corners)
        u, v = p[:, 0], p[:, 1] * (1 if side % 2 else -1)
        p[:, :2] = np.stack([v, u] if side < 2 else [u, v], axis=1)
        mesh = self.spec.add_mesh(name=name)
        mesh.uservert = transform_points(T, p).flatten()
        self.spec.worldbody.add_geom(
            name=name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=name, rgba=rgba, group=0
        )
        self.returns[name] = kind.returns

    def contents(self, box: BinGeometry, kind: Kind, fill: float) -> None:
        """Fill a bin: a solid base, on it objects of any kind that lie as they fell."""
        if fill == 0:
            return
        length, width, depth = box.size
        lean = depth * np.tan(kind.draft)
        room = np.array([length, width]) / 2 - lean - 0.003
        radius = float(self.rng.uniform(0.018, min(0.045, 0.35 * width)))
        level = fill * depth
        base = max(level - 0.5 * radius, 0.002)
        tint = [*self.rng.uniform(0.2, 0.9, 3), 1]
        self.box(self._name("base"), box.T_base_bin, (0, 0, base / 2), (*room, base / 2), rgba=tint)
        columns = np.maximum((2 * room / (1.5 * radius)).astype(int), 1)
        for i, j in np.ndindex(*columns):
            grid = (np.array([i, j]) + 0.5) / columns * 2 - 1
            at = grid * (room - 0.8 * radius) + self.rng.normal(0, 0.2 * radius, 2)
            at = np.clip(at, 0.9 * radius - room, room - 0.9 * radius)
            height = base + self.rng.uniform(-0.2, 1.0) * radius
            self.thing(box.T_base_bin, [*at, height], radius)

    def thing(self, T: Array, at: Sequence[float], radius: float) -> None:
        """Add a box, a ball or a cylinder within a sphere, turned at random."""
        rng = self.rng
        kind = rng.choice([_BOX, mujoco.mjtGeom.mjGEOM_ELLIPSOID, mujoco.mjtGeom.mjGEOM_CYLINDER])
        half = rng.uniform(0.35, 0.75, 3) * radius
        quat = rng.normal(size=4)
        name = self._name("thing")
        self.spec.worldbody.add_geom(
            name=name,
            type=int(kind),
            pos=transform_points(T, np.array(at)),
            quat=quat / np.linalg.norm(quat),
            size=half,
            rgba=[*rng.uniform(0.1, 0.95, 3), 1],
            group=0,
        )
        self.returns[name] = 0.1 if rng.random() < 0.05 else 1.0

    def beside(self, box: BinGeometry, others: Sequence[Kind]) -> tuple[float, float, float] | None:
        """Add a closed carton, a sheet of cardboard or another bin, clear of the bin.

        Return the size of another bin.
        """
        rng = self.rng
        around = float(np.hypot(*box.size[:2])) / 2
        angle = rng.uniform(0, 2 * np.pi)
        what = rng.integers(3) if others else rng.integers(2)
        size = (*rng.uniform(0.12, 0.4, 2), float(rng.uniform(0.05, 0.25)))
        other = None
        if what == 2:
            other = others[int(rng.integers(len(others)))]
            size = other.size
        reach = around + float(np.hypot(*size[:2])) / 2 + 0.03
        centre = np.array(box.centre) + reach * np.array([np.cos(angle), np.sin(angle)])
        at = BinGeometry((centre[0], centre[1]), size, box.floor, float(rng.uniform(-1.5, 1.5)))
        T = at.T_base_bin
        if other is not None:
            self.bin(at, other)
        else:
            high = size[2] if what == 0 else 0.002
            half = (size[0] / 2, size[1] / 2, (high + _UNDER) / 2)
            look = [*rng.uniform(0.3, 0.8, 3), 1]
            self.box("beside", T, (0, 0, (high - _UNDER) / 2), half, rgba=look)
        return None if other is None else other.size


def _camera(rng: np.random.Generator, box: BinGeometry, cut: bool) -> tuple[Intrinsics, Array]:
    """Return intrinsics and true pose of a camera that sees the whole rim, or not all of it."""
    aim = 0.5 if cut else 0.12
    for _ in range(10_000):
        f = HEIGHT / 2 / np.tan(np.radians(rng.uniform(42, 56)) / 2)
        camera = Intrinsics(f, f, (WIDTH - 1) / 2, (HEIGHT - 1) / 2, WIDTH, HEIGHT)
        above = rng.uniform(0.6, 1.1)
        angle, tilt = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(0, 30))
        away = above * np.tan(tilt) * np.array([np.cos(angle), np.sin(angle)])
        position = np.array([box.centre[0] + away[0], box.centre[1] + away[1], box.rim + above])
        z = np.array([*(box.centre + rng.uniform(-aim, aim, 2)), box.floor]) - position
        z /= np.linalg.norm(z)
        turn = rng.uniform(0, 2 * np.pi)
        x = np.cross(z, [np.cos(turn), np.sin(turn), 0])
        x /= np.linalg.norm(x)
        T = np.eye(4)
        T[:3, :3] = np.column_stack([x, np.cross(z, x), z])
        T[:3, 3] = position
        pixels = camera.project(transform_points(invert(T), box.corners()))
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        inside = [*(low > _MARGIN), *(high < np.array([WIDTH, HEIGHT]) - 1 - _MARGIN)]
        outside = [*(low < -15), *(high > np.array([WIDTH, HEIGHT]) + 15)]
        # At 1.3 m a wall of 3 mm is still two pixels.
        if sum(inside) == 3 and sum(outside) == 1 if cut else all(inside):
            return camera, T
    raise RuntimeError("no camera sees this bin")


def _fill(model: mujoco.MjModel, data: mujoco.MjData, box: BinGeometry, walls: Mask) -> float:
    """Return the share of a bin's volume under what rays from above meet within its walls."""
    length, width, depth = box.size
    heights = []
    meets = np.zeros(1, np.int32)
    for x in np.linspace(-length / 2, length / 2, 50)[1:-1]:
        for y in np.linspace(-width / 2, width / 2, 40)[1:-1]:
            start = transform_points(box.T_base_bin, np.array([x, y, depth + 0.3]))
            far = mujoco.mj_ray(model, data, start, np.array([0, 0, -1.0]), None, 1, -1, meets)
            if not walls[meets[0]]:
                heights.append(np.clip((depth + 0.3 - far) / depth, 0, 1))
    return float(np.mean(heights))
